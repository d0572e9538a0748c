"""The one table of time. A slot is 40 ms of finished media: one frame and exactly 960 samples.

Rates are in hertz, durations in seconds, counts in samples or ticks. RTP uses a 90 kHz clock for video
(RFC 6184) and 48 kHz for Opus (RFC 7587).
"""

from fractions import Fraction

FPS = 25
SLOT_SECONDS = 1 / FPS

SPEECH_RATE = 24_000
SLOT_SAMPLES = SPEECH_RATE // FPS

WIRE_RATE = 48_000
WIRE_SLOT_SAMPLES = WIRE_RATE // FPS

OPUS_FRAMES_PER_SLOT = 2
OPUS_FRAME_SAMPLES = WIRE_SLOT_SAMPLES // OPUS_FRAMES_PER_SLOT
OPUS_FRAME_SECONDS = SLOT_SECONDS / OPUS_FRAMES_PER_SLOT

VIDEO_CLOCK_RATE = 90_000
VIDEO_TICKS_PER_SLOT = VIDEO_CLOCK_RATE // FPS
VIDEO_TIME_BASE = Fraction(1, VIDEO_CLOCK_RATE)
AUDIO_TIME_BASE = Fraction(1, WIRE_RATE)
SPEECH_TIME_BASE = Fraction(1, SPEECH_RATE)
FRAME_TIME_BASE = Fraction(1, FPS)

LOOK_AHEAD_MS = 80
"""How much sound a face that listens waits for before it decides a frame: more is more exact, later."""

LIVE_LOOK_AHEAD_MS = 40
"""The same for sound that comes as it is spoken."""

ENCODE_LEAD_SECONDS = 0.020
"""How long before a slot's deadline its frame is composed and encoded."""
