"""What can be set about this engine; plain values that cross to the process of the models."""

from __future__ import annotations

import msgspec

DEFAULT_MODEL = "1.7b-custom"
"""It has speakers of its own, so it can speak before anybody has made a voice."""
DEFAULT_SESSIONS = 4
DEFAULT_INSTRUCTION = "A warm, clear and friendly voice at a calm pace."
"""A VoiceDesign model needs to be told whom to sound like."""


class Qwen3Options(msgspec.Struct, frozen=True, kw_only=True):
    """How Qwen3-TTS is run.

    Attributes:
        model: folder, hub id or short name; see :data:`streaming.speech.qwen3.weights.MODELS`.
        revision: commit to use; empty: the one that this program knows.
        device: ``auto``, or as torch names it.
        text_embedding_on_cpu: saves 0.62 GB of the card's memory.
        sessions: sentences that are spoken at once; more wait for their turn.
        instruction: a way of speaking, or the voice to design. Models that take none leave it aside.
    """

    model: str = DEFAULT_MODEL
    revision: str = ""
    device: str = "auto"
    text_embedding_on_cpu: bool = False
    sessions: int = DEFAULT_SESSIONS
    instruction: str = ""
