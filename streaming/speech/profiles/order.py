"""What the process that prepares references is told, and what it answers."""

from __future__ import annotations

import msgspec

from streaming.audio.decode import RecordingInfo
from streaming.speech.profiles.manifest import ReferenceCheck


class Order(msgspec.Struct, frozen=True):
    """A recording to prepare.

    Attributes:
        pcm: float32 samples at 24 kHz, little-endian, as they were decoded.
        info: what the file is.
        transcript: what is said in it, where known.
        language: BCP 47 tag of what it is said in, where known.
    """

    pcm: bytes
    info: RecordingInfo
    transcript: str | None
    language: str | None


class Prepared(msgspec.Struct, frozen=True):
    """What became of a recording.

    Attributes:
        check: what was measured, and what follows.
        language: BCP 47 tag, as given or as the transcript tells.
        pcm: float32 samples at 24 kHz, little-endian; empty when the recording cannot be used.
    """

    check: ReferenceCheck
    language: str | None
    pcm: bytes = b""
