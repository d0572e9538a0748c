"""MuseTalk v1.5: the face that a network draws, from the sound and the avatar's own picture."""
