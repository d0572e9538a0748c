"""WebRTC: one peer per viewer, on aiortc, sending packets that were encoded elsewhere."""
