"""The one interface between the media process and whatever runs the models."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Protocol

import msgspec

from streaming.playhead import Pace
from streaming.script import Piece, ScriptKind
from streaming.slots import PerformanceItem, UtteranceKey
from streaming.speech.delivery import AS_IT_IS, Delivery
from streaming.timing import LOOK_AHEAD_MS


class PerformRequest(msgspec.Struct, frozen=True):
    """Who speaks, and how. The script comes beside it, piece by piece.

    ``kind`` says whether those pieces are text or sound; voice, language, speed and delivery mean nothing for
    sound.
    ``pace`` says whether somebody waits for it; ``position`` and ``queued`` are for the avatar's loop (see
    :class:`streaming.face.base.FaceRequest`).
    ``window`` is how many slots the performer may be ahead of the consumer: 2 s live, more offline.
    """

    key: UtteranceKey
    avatar: str
    voice: str | None = None
    language: str | None = None
    speed: float = 1.0
    seed: int = 0
    window: int = 50
    kind: ScriptKind = "text"
    delivery: Delivery = AS_IT_IS
    look_ahead_ms: int = LOOK_AHEAD_MS
    pace: Pace = "live"
    position: int = 0
    queued: int = 0


class VoiceDescription(msgspec.Struct, frozen=True):
    """A voice the performer can speak with."""

    name: str
    engine: str
    languages: tuple[str, ...]
    description: str = ""


class CardDescription(msgspec.Struct, frozen=True):
    """What the card that the networks run on was found to carry.

    Attributes:
        plan: all of it in one line for people.
        sessions: live ones that it carries; 0: it renders files only.
        frame_rate: drawn frames per second: 25, or 12.5 with each shown twice.
        decoder: of live faces.
        memory_bytes: that the networks take now.
        memory_peak_bytes: the most that they ever took.
        memory_budget_bytes: the most that they may take; 0: there is no limit.
    """

    plan: str
    sessions: int
    frame_rate: float
    decoder: str
    memory_bytes: int
    memory_peak_bytes: int
    memory_budget_bytes: int


class PerformerDescription(msgspec.Struct, frozen=True):
    """What a performer is made of and what it can carry.

    ``face_seconds`` is the sound beyond a slot that its face wants of live sound before it decides the slot's
    frame, with the time that it takes; 0: not known.
    """

    speech: tuple[str, ...]
    face: str
    voices: tuple[VoiceDescription, ...]
    capacity: int
    memory_bytes: int
    device: str
    face_seconds: float = 0.0
    card: CardDescription | None = None


class Performer(Protocol):
    """Performs scripts. Implementations may live in another process or on another machine."""

    def perform(
        self, request: PerformRequest, script: AsyncIterator[Piece]
    ) -> AsyncGenerator[PerformanceItem, None]:
        """Speak ``script`` as it arrives: slots 0, 1, 2, ... of the utterance, until it is all said.

        Never runs more than ``request.window`` slots ahead of the consumer. Closing the generator cancels.

        Raises:
            LipstreamError: a subclass that says why the utterance failed; the next one may work.
        """
        ...

    async def cancel(self, session: str, generation: int) -> None:
        """Drop all work of ``session`` that is older than ``generation``: it ends early, without an error."""
        ...

    async def describe(self) -> PerformerDescription:
        """Engines, voices, capacity and memory."""
        ...

    async def close(self) -> None:
        """Stop; idempotent."""
        ...
