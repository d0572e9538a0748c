"""What crosses the process boundary, as typed msgpack messages (msgspec tagged unions)."""

from __future__ import annotations

import msgspec

from streaming.performer.base import PerformerDescription, PerformRequest
from streaming.slots import Notice, Slot, UtteranceKey


class Perform(msgspec.Struct, frozen=True, array_like=True, tag="perform"):
    """Begin an utterance; its script follows."""

    request: PerformRequest


class Text(msgspec.Struct, frozen=True, array_like=True, tag="text"):
    """The next piece of an utterance's text; ``final`` says that no more follows."""

    key: UtteranceKey
    text: str
    final: bool


class Audio(msgspec.Struct, frozen=True, array_like=True, tag="audio"):
    """The next piece of an utterance's sound (see ``streaming.script``); ``final``: no more follows."""

    key: UtteranceKey
    pcm: bytes
    final: bool


class Credit(msgspec.Struct, frozen=True, array_like=True, tag="credit"):
    """The consumer took ``slots`` more; the performer may run that much further ahead."""

    key: UtteranceKey
    slots: int


class Drop(msgspec.Struct, frozen=True, array_like=True, tag="drop"):
    """Nobody listens to this utterance any more."""

    key: UtteranceKey


class Cancel(msgspec.Struct, frozen=True, array_like=True, tag="cancel"):
    """Drop everything of a session that is older than ``generation``."""

    session: str
    generation: int


class Describe(msgspec.Struct, frozen=True, array_like=True, tag="describe"):
    """Answered by :class:`Description`."""


class Description(msgspec.Struct, frozen=True, array_like=True, tag="description"):
    """Sent once when the performer is warm, and in answer to :class:`Describe`."""

    description: PerformerDescription


class Unable(msgspec.Struct, frozen=True, array_like=True, tag="unable"):
    """The performer cannot start: an engine is missing. Starting it again would not help."""

    code: str
    message: str


class Finished(msgspec.Struct, frozen=True, array_like=True, tag="finished"):
    """The utterance is all said."""

    key: UtteranceKey


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="failed"):
    """The utterance ends here; ``code`` and ``message`` are those of a ``LipstreamError``."""

    key: UtteranceKey
    code: str
    message: str


ToPerformer = Perform | Text | Audio | Credit | Drop | Cancel | Describe
FromPerformer = Slot | Notice | Finished | Failed | Description | Unable
