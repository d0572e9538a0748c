"""What can be set about engines, in one value that crosses to the process of the models."""

from __future__ import annotations

import msgspec

from streaming.face.musetalk.options import MuseTalkOptions
from streaming.speech.qwen3.options import Qwen3Options

DEFAULT_MEMORY_GB = 14.0
"""A T4 has 16, of which the driver and the context of CUDA take some."""


class GpuOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What all models on a graphics card share.

    Attributes:
        memory_gb: the most that they take of its memory together, in 2**30 bytes.
        idle_seconds: after so long without anything to say they are taken off the card, and put back for the
            next utterance; 0: never.
    """

    memory_gb: float = DEFAULT_MEMORY_GB
    idle_seconds: float = 0.0


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A field for each engine that has something to set, and for what they share."""

    qwen3: Qwen3Options = Qwen3Options()
    musetalk: MuseTalkOptions = MuseTalkOptions()
    gpu: GpuOptions = GpuOptions()
