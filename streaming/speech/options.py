"""What can be set about speech engines, in one value that crosses to the process of the models."""

from __future__ import annotations

import msgspec

from streaming.speech.qwen3.options import Qwen3Options


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A field for each engine that has something to set."""

    qwen3: Qwen3Options = Qwen3Options()
