"""What an utterance is made of: pieces of text, or pieces of recorded speech."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

ScriptKind = Literal["text", "audio"]

Piece = str | bytes
"""A piece of text, or of sound: mono PCM at ``SPEECH_RATE`` as little-endian float32, range -1..1."""


def samples_of(piece: bytes) -> NDArray[np.float32]:
    """A piece of sound as a read-only array (n,)."""
    return np.frombuffer(piece, dtype="<f4")


def piece_of(samples: NDArray[np.floating]) -> bytes:
    """A piece of sound from an array (n,) of floats."""
    return samples.astype("<f4", copy=False).tobytes()
