"""Sinks: where slots go. A viewer's WebRTC peer, a WebSocket, an MP4 file."""
