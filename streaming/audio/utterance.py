"""An utterance of sound: recorded speech in, slots out."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from streaming.audio.joint import joined
from streaming.audio.waiting import WaitingRoom
from streaming.errors import ScriptRejected, UnknownUtterance
from streaming.performer.base import PerformRequest
from streaming.script import Piece, ScriptKind, piece_of
from streaming.slots import Slot, UtteranceKey
from streaming.timing import LOOK_AHEAD_MS, SLOT_SAMPLES, SPEECH_RATE
from streaming.utterance import Utterance

MAX_SOUND_SECONDS = 30 * 60.0
"""The longest utterance of sound."""
MAX_SOUND_SAMPLES = round(MAX_SOUND_SECONDS * SPEECH_RATE)

PIECE_SAMPLES = SPEECH_RATE // 5
"""A piece on its way to the performer has at most 0.2 s."""
SMALL_PIECE_SAMPLES = SPEECH_RATE // 50
"""Pieces that wait are joined up to 20 ms: each costs a step of the performer, and memory of its own."""
INAUDIBLE = 1e-3
"""A step of this size (-60 dB) needs no smoothing."""
FILLER = -1
"""Index of a slot that is none of the script's: it lets a sound that broke off fade."""
_SILENCE: NDArray[np.float32] = np.zeros(SLOT_SAMPLES, np.float32)


class SoundUtterance(Utterance):
    """Sound that may come faster than it is spoken; nothing of it is left out.

    Args:
        name: the id that clients know it by.
        key: its place in the session.
        accepted: monotonic second at which its first sound was taken.
        waiting_room: bounds what waits.
    """

    kind: ScriptKind = "audio"
    look_ahead_ms = LOOK_AHEAD_MS

    def __init__(self, name: str, key: UtteranceKey, accepted: float, waiting_room: WaitingRoom) -> None:
        super().__init__(name, key, accepted)
        self.length = 0
        self.waiting = 0
        self._waiting_room = waiting_room
        self._pieces: deque[NDArray[np.float32]] = deque()
        self._more = asyncio.Event()
        self._last: Slot | None = None
        self._broke_off = False

    def request(self, avatar: str) -> PerformRequest:
        """What to ask of the performer."""
        return PerformRequest(
            key=self.key,
            avatar=avatar,
            seed=self.key.sequence,
            kind="audio",
            look_ahead_ms=self.look_ahead_ms,
        )

    def write(self, samples: NDArray[np.float32]) -> None:
        """Take more sound: (n,) at 24 kHz, within -1..1.

        Raises:
            UnknownUtterance: it was closed before.
            ScriptRejected: the whole would be too long.
        """
        if self.final:
            raise UnknownUtterance(f"Utterance {self.name} takes no more sound. Send the rest in a new one.")
        if self.length + samples.size > MAX_SOUND_SAMPLES:
            raise too_long()
        if not samples.size:
            return
        self.length += samples.size
        if self._pieces and self._pieces[-1].size + samples.size <= SMALL_PIECE_SAMPLES:
            self._pieces.append(np.concatenate((self._pieces.pop(), samples)))
        else:
            self._pieces.extend(
                samples[start : start + PIECE_SAMPLES] for start in range(0, samples.size, PIECE_SAMPLES)
            )
        self._count(samples.size)
        self._more.set()

    def finish(self) -> None:
        """No more sound follows; what came is said to its end."""
        self.final = True
        self._more.set()
        self._waiting_room.look_again()

    async def room(self) -> None:
        """Return when more may be written, or nothing more is wanted."""
        while not self.final and not self._waiting_room.has_room(self.waiting):
            await self._waiting_room.change()

    async def script(self) -> AsyncIterator[Piece]:
        """The pieces of sound, as they are wanted, until the last."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._count(-piece.size)
                self._passed_on(piece)
                yield piece_of(piece)
            if self.final:
                return
            self._more.clear()
            await self._more.wait()

    def received(self) -> None:
        """The performer is through with it, or it was dropped: nothing more goes in or comes out."""
        super().received()
        self._pieces.clear()
        self._count(-self.waiting)
        self._more.set()

    def take(self) -> Slot | None:
        """The next slot. Where the script is late, the sound that broke off fades, then there is ``None``."""
        slot = super().take()
        if slot is not None:
            return self._joined(slot)
        return None if self.all_received else self._fading()

    def _joined(self, slot: Slot) -> Slot:
        """The slot as it may follow what was taken last, even when something is missing in between."""
        last, self._last = self._last, slot
        broke_off, self._broke_off = self._broke_off, False
        if last is None or (slot.index == last.index + 1 and not broke_off):
            return slot
        before = 0.0 if broke_off else float(last.samples[-1])
        samples = slot.samples
        if abs(before - float(samples[0])) <= INAUDIBLE:
            return slot
        return Slot(slot.key, slot.index, piece_of(joined(before, samples)), slot.patch, slot.words)

    def _fading(self) -> Slot | None:
        """In place of a slot that is late: the fade of what was taken last, and then nothing."""
        last = self._last
        if last is None or self._broke_off:
            return None
        self._broke_off = True
        value = float(last.samples[-1])
        if abs(value) <= INAUDIBLE:
            return None
        return Slot(self.key, FILLER, piece_of(joined(value, _SILENCE)), last.patch)

    def _passed_on(self, piece: NDArray[np.float32]) -> None:
        """This piece goes to the performer now."""

    def _count(self, samples: int) -> None:
        self.waiting += samples
        self._waiting_room.changed(samples)


def too_long() -> ScriptRejected:
    """What is said of an utterance that would hold more sound than it may."""
    return ScriptRejected(
        f"An utterance holds at most {MAX_SOUND_SECONDS / 60:.0f} minutes of sound. "
        "Send the rest in a new one."
    )
