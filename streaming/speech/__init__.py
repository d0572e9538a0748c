"""Speech engines: text to 24 kHz mono PCM, as early as they can, with what they know of timing."""
