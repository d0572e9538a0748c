"""What travels along the line: slots, and the patch that decides a slot's frame.

These types cross the process boundary between performer and media process (msgpack through msgspec), so
they hold plain values only and stay small: mouth coefficients, never pixels of a whole frame.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from streaming.timing import SLOT_SAMPLES


class UtteranceKey(msgspec.Struct, frozen=True, array_like=True):
    """Names one utterance everywhere. A key whose generation is below the session's is stale."""

    session: str
    generation: int
    sequence: int


class MouthShape(msgspec.Struct, frozen=True, array_like=True, tag="mouth"):
    """Coefficients of the mouth atlas for one frame, and the little that speech does to the head.

    ``aperture``, ``press``, ``bite``, ``tongue``, ``energy`` and ``brow`` lie in 0..1, ``width`` in -1
    (round) to +1 (spread). ``press`` (m b p) and ``bite`` (f v) only rise once the aperture is near 0.
    """

    aperture: float = 0.0
    width: float = 0.0
    press: float = 0.0
    bite: float = 0.0
    tongue: float = 0.0
    energy: float = 0.0
    brow: float = 0.0


class FacePixels(msgspec.Struct, frozen=True, array_like=True, tag="face"):
    """The lower part of a face as a network drew it for one frame, and what speech does to the head.

    ``frame`` is the frame of the avatar's loop that it was drawn for. ``pixels`` are the planes of a packed
    yuv420p picture (BT.601, limited range: Y, then Cb, then Cr) of the size of ``patch_rect`` in the avatar's
    :class:`avatars.musetalk.MuseTalkPart`; empty where nobody speaks, and the frame's own mouth is shown.
    ``energy`` and ``brow`` lie in 0..1 as in :class:`MouthShape`. ``part`` is the number of that part: what
    was drawn for another avatar, or for a part that was built anew since, goes elsewhere.
    """

    frame: int
    pixels: bytes
    energy: float = 0.0
    brow: float = 0.0
    part: int = 0


Patch = MouthShape | FacePixels
"""What decides a frame: coefficients of the mouth atlas, or drawn pixels."""


class Word(msgspec.Struct, frozen=True, array_like=True):
    """A spoken word: seconds from the utterance's first sample, and its span in the script's text."""

    text: str
    start: float
    end: float
    begin: int
    stop: int


class Slot(msgspec.Struct, frozen=True, array_like=True, tag="slot"):
    """40 ms of an utterance: one patch and 960 samples at 24 kHz, as little-endian float32 bytes.

    ``late``: its own patch was not drawn in time, and it has the one before it.
    """

    key: UtteranceKey
    index: int
    pcm: bytes
    patch: Patch
    words: tuple[Word, ...] = ()
    late: bool = False

    @property
    def samples(self) -> NDArray[np.float32]:
        """The PCM as a read-only array of shape (960,), range -1..1."""
        return np.frombuffer(self.pcm, dtype="<f4", count=SLOT_SAMPLES)


class Notice(msgspec.Struct, frozen=True, array_like=True, tag="notice"):
    """Something worth telling about a running utterance, such as a fallback to another engine.

    ``code`` is ``speech_engine`` (``engine`` speaks), ``engine_fallback`` (``engine`` failed, another takes
    over), ``memory_low`` (``engine`` goes on with less memory, perhaps slower) or ``face_failed``
    (``engine`` cannot draw the face: the voice goes on without it).
    """

    key: UtteranceKey
    code: Literal["speech_engine", "engine_fallback", "memory_low", "face_failed"]
    engine: str
    message: str = ""


PerformanceItem = Slot | Notice
