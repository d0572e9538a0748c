"""Face engines: speech to one patch per frame."""
