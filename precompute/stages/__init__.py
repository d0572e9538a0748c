"""Stages by which a photo or video becomes an avatar, one per file; each can go on in another process."""
