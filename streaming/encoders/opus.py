"""Opus for the live line: two 20 ms packets per slot, straight from 24 kHz speech."""

from __future__ import annotations

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from streaming.errors import EngineFailed
from streaming.timing import (
    OPUS_FRAME_SECONDS,
    OPUS_FRAMES_PER_SLOT,
    SLOT_SAMPLES,
    SPEECH_RATE,
    SPEECH_TIME_BASE,
)

COMPLEXITY = 5
"""Of 10. At this bit rate more effort is not heard, and costs twice the CPU time."""

APPLICATION = "audio"
"""Keeps the engine's own sound; ``voip`` would filter it for intelligibility."""

DEFAULT_BITRATE = 48_000
"""Bits per second; speech at 24 kHz is transparent here."""

PRE_SKIP = 312
"""Samples at 48 kHz that the codec looks ahead (6.5 ms): what RFC 7845 calls pre-skip."""

SILENCE = b"\xd8\xff\xfe"
"""20 ms of silence, mono: a CELT packet of super-wideband without content (RFC 6716, section 3.1)."""


class OpusEncoder:
    """Encodes one session's sound.

    libopus takes 24 kHz as it is (super-wideband), so nothing is resampled; on the wire Opus always counts
    at 48 kHz (RFC 7587).

    Args:
        bitrate: bits per second, constrained variable.
    """

    def __init__(self, bitrate: int = DEFAULT_BITRATE) -> None:
        self._context: AudioCodecContext | None = _open(bitrate)
        self._pts = 0

    def encode(self, samples: NDArray[np.float32]) -> tuple[bytes, bytes]:
        """Encode one slot.

        Args:
            samples: float32 of shape (960,) at 24 kHz, -1..1.

        Returns:
            Two Opus packets of 20 ms.

        Raises:
            ValueError: the array has another shape, or the encoder is closed.
            EngineFailed: the codec did not give exactly two packets.
        """
        if self._context is None:
            raise ValueError("The encoder is closed.")
        packets = self._context.encode(audio_frame(samples, self._pts))
        self._pts += SLOT_SAMPLES
        if len(packets) != OPUS_FRAMES_PER_SLOT:
            raise EngineFailed(
                f"Opus gave {len(packets)} packets for a slot instead of {OPUS_FRAMES_PER_SLOT}."
            )
        return bytes(packets[0]), bytes(packets[1])

    def close(self) -> None:
        """Release the codec; idempotent."""
        self._context = None


def audio_frame(samples: NDArray[np.float32], pts: int) -> av.AudioFrame:
    """One slot's sound as libav takes it.

    Args:
        samples: float32 of shape (960,) at 24 kHz, -1..1.
        pts: presentation time in samples at 24 kHz.

    Raises:
        ValueError: the array has another shape.
    """
    if samples.shape != (SLOT_SAMPLES,):
        raise ValueError(f"A slot has {SLOT_SAMPLES} samples, got an array of shape {samples.shape}.")
    frame = av.AudioFrame.from_ndarray(
        samples.reshape(1, -1).astype(np.float32, copy=False), format="flt", layout="mono"
    )
    frame.sample_rate = SPEECH_RATE
    frame.time_base = SPEECH_TIME_BASE
    frame.pts = pts
    return frame


def _open(bitrate: int) -> AudioCodecContext:
    context = av.CodecContext.create("libopus", "w")
    if not isinstance(context, AudioCodecContext):
        raise ValueError("libopus is not an audio encoder.")
    context.format = "flt"
    context.layout = "mono"
    context.sample_rate = SPEECH_RATE
    context.time_base = SPEECH_TIME_BASE
    context.bit_rate = bitrate
    context.options = {
        "application": APPLICATION,
        "frame_duration": str(round(OPUS_FRAME_SECONDS * 1000)),
        "vbr": "constrained",
        "compression_level": str(COMPLEXITY),
    }
    context.open()
    return context
