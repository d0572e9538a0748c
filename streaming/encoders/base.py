"""What encoders produce and sinks receive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

VideoCodec = Literal["h264", "vp8"]
VIDEO_CODECS: tuple[VideoCodec, ...] = ("h264", "vp8")


@dataclass(frozen=True, slots=True)
class EncodedVideo:
    """One encoded frame: a VP8 frame, or an H.264 access unit in Annex B form (SPS and PPS at each IDR)."""

    data: bytes
    keyframe: bool


@dataclass(frozen=True, slots=True)
class EncodedSlot:
    """A finished slot as sinks get it, at its deadline.

    Attributes:
        index: slot index on the session clock; pts follow from it (video ``index * 3600`` at 90 kHz, audio
            ``index * 1920`` at 48 kHz). Indices rise; a gap means that slots were skipped.
        video: one entry per codec that some sink wants; empty when a stale frame was dropped.
        audio: two Opus packets of 20 ms, 48 kHz mono.
        speaking: whether the slot carries an utterance.
    """

    index: int
    video: Mapping[VideoCodec, EncodedVideo]
    audio: tuple[bytes, bytes]
    speaking: bool
