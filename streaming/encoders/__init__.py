"""Encoders: frames and PCM to packets, once per session, whatever the number of viewers."""
