"""One utterance as the session sees it: a script going in, slots coming out."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator

from streaming.errors import ScriptRejected, UnknownUtterance
from streaming.performer.base import PerformRequest
from streaming.protocol import MAX_TEXT, EndReason, UtteranceEnded, UtteranceStarted, WordSpoken
from streaming.script import Piece, ScriptKind
from streaming.slots import Slot, UtteranceKey
from streaming.speech.delivery import AS_IT_IS, Delivery
from streaming.timing import FPS

SLOTS_AHEAD = 25
"""Slots that wait in the media process; the performer holds back the rest."""


class Utterance(ABC):
    """Slots out, and what became of it. What goes in is for :class:`TextUtterance` and those of sound.

    Args:
        name: the id that clients know it by.
        key: its place in the session.
        accepted: monotonic second at which the first of its script was taken.
    """

    kind: ScriptKind

    def __init__(self, name: str, key: UtteranceKey, accepted: float) -> None:
        self.name = name
        self.key = key
        self.accepted = accepted
        self.engine = ""
        self.final = False
        self.sent_slots = 0
        self.all_received = False
        self.error: tuple[str, str] | None = None
        self._slots: deque[Slot] = deque()
        self._room = asyncio.Event()
        self._room.set()

    @property
    def spoken_seconds(self) -> float:
        """How much of it was sent."""
        return self.sent_slots / FPS

    @property
    def waiting_slots(self) -> int:
        """Slots that are here and have not been sent."""
        return len(self._slots)

    @property
    def exhausted(self) -> bool:
        """Nothing of it is left to send, and nothing will come."""
        return self.all_received and not self._slots

    @abstractmethod
    def request(self, avatar: str) -> PerformRequest:
        """What to ask of the performer."""

    @abstractmethod
    def script(self) -> AsyncIterator[Piece]:
        """The pieces of the script, in order, until the last."""

    def received(self) -> None:
        """The performer is through with it, or it was dropped: nothing more goes in or comes out."""
        self.final = True
        self.all_received = True

    async def put(self, slot: Slot) -> None:
        """Take a slot from the performer; waits while enough are here."""
        await self._room.wait()
        self._slots.append(slot)
        if len(self._slots) >= SLOTS_AHEAD:
            self._room.clear()

    def take(self) -> Slot | None:
        """The next slot, or ``None`` when it has not come yet (or none is left)."""
        if not self._slots:
            return None
        slot = self._slots.popleft()
        self._room.set()
        return slot

    def started(self, index: int, latency: float) -> UtteranceStarted:
        """The event that its first slot is sent, as slot ``index``, ``latency`` seconds after acceptance."""
        return UtteranceStarted(
            utterance=self.name, slot=index, latency_ms=round(latency * 1000, 1), engine=self.engine
        )

    def words(self, index: int, slot: Slot) -> list[WordSpoken]:
        """The events of the words that begin in ``slot``, which is slot ``index`` of the session."""
        return [
            WordSpoken(
                utterance=self.name,
                text=word.text,
                slot=index,
                start=round(word.start, 3),
                end=round(word.end, 3),
                begin=word.begin,
                stop=word.stop,
            )
            for word in slot.words
        ]

    def ended(self, reason: EndReason) -> UtteranceEnded:
        """The event that nothing of it follows."""
        code, message = self.error or (None, None)
        return UtteranceEnded(
            utterance=self.name,
            reason=reason,
            spoken_seconds=round(self.spoken_seconds, 3),
            code=code,
            message=message,
        )


class TextUtterance(Utterance):
    """Text in, as a whole or token by token.

    Args:
        name: the id that clients know it by.
        key: its place in the session.
        accepted: monotonic second at which its first text was taken.
        voice: voice name or ``None``.
        language: BCP 47 tag or ``None``.
        speed: 0.5 .. 2.0.
        delivery: what is changed about the speech.
    """

    kind: ScriptKind = "text"

    def __init__(
        self,
        name: str,
        key: UtteranceKey,
        accepted: float,
        *,
        voice: str | None = None,
        language: str | None = None,
        speed: float = 1.0,
        delivery: Delivery = AS_IT_IS,
    ) -> None:
        super().__init__(name, key, accepted)
        self.voice = voice
        self.language = language
        self.speed = speed
        self.delivery = delivery
        self.length = 0
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()

    def request(self, avatar: str) -> PerformRequest:
        """What to ask of the performer."""
        return PerformRequest(
            key=self.key,
            avatar=avatar,
            voice=self.voice,
            language=self.language,
            speed=self.speed,
            seed=self.key.sequence,
            delivery=self.delivery,
        )

    def write(self, text: str, *, final: bool) -> None:
        """Take more text.

        Raises:
            UnknownUtterance: it was closed before.
            ScriptRejected: the whole would be too long.
        """
        if self.final:
            raise UnknownUtterance(f"Utterance {self.name} takes no more text. Say the rest in a new one.")
        if self.length + len(text) > MAX_TEXT:
            raise ScriptRejected(
                f"An utterance holds at most {MAX_TEXT} characters. Say the rest in a new one."
            )
        self.length += len(text)
        if text:
            self._pieces.put_nowait(text)
        if final:
            self.final = True
            self._pieces.put_nowait(None)

    async def script(self) -> AsyncIterator[Piece]:
        """The pieces of text, as they were written, until the last."""
        while (piece := await self._pieces.get()) is not None:
            yield piece
