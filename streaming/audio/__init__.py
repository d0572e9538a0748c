"""Sound that comes in: PCM as it is streamed, and files of recorded speech."""
