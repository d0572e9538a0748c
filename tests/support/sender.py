"""Somebody who sends live sound, well or badly, to a session whose clock the test owns."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streaming.face.base import FaceRequest, PromisedPatch
from streaming.face.log_mel import STEP_SAMPLES
from streaming.session import Session
from streaming.slots import MouthShape, Patch, Slot
from streaming.speech.base import SpeechChunk
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE
from tests.support.clock import ManualClock
from tests.support.engines import CountingFace, CountingFaceStream

LOUD, QUIET = 0.3, 0.0005
_SILENCE = np.zeros(SLOT_SAMPLES, np.float32)


def talk(seconds: float, speech: float = 1.2, pause: float = 0.4, seed: int = 1) -> NDArray[np.float32]:
    """Noise that is loud for ``speech`` seconds and quiet for ``pause``, in turn; no sample comes twice."""
    count = round(seconds * SPEECH_RATE)
    noise = np.random.default_rng(seed).uniform(-1, 1, count)
    phase = np.arange(count) / SPEECH_RATE % (speech + pause)
    return (noise * np.where(phase < speech, LOUD, QUIET)).astype(np.float32)


class SlowStream(CountingFaceStream):
    """Counts too, and waits for 20 ms more: as long as the listening face does."""

    def push(self, chunk: SpeechChunk) -> Sequence[Patch | PromisedPatch]:
        self.samples += chunk.pcm.size
        return self._up_to(max(0, (self.samples - STEP_SAMPLES) // SLOT_SAMPLES - self.look_ahead))


class SlowFace(CountingFace):
    def __init__(self, look_ahead: int = 1) -> None:
        self.look_ahead = look_ahead

    def open(self, request: FaceRequest) -> SlowStream:
        stream = SlowStream()
        stream.look_ahead = self.look_ahead
        return stream


@dataclass
class Sent:
    """Slots of a session as they are sent: the session's slot, and what was in it."""

    session: Session
    slots: list[tuple[int, Slot]] = field(default_factory=list)
    sound: list[NDArray[np.float32]] = field(default_factory=list)
    """Of every slot, idle ones too."""

    def __post_init__(self) -> None:
        passed_on = self.session.sent

        def sent(index: int, slot: Slot | None) -> None:
            passed_on(index, slot)
            self.sound.append(_SILENCE if slot is None else slot.samples)
            if slot is not None:
                self.slots.append((index, slot))

        self.session.sent = sent  # type: ignore[method-assign]

    def positions(self, source: NDArray[np.float32]) -> list[tuple[int, int, Slot]]:
        """For every slot with sound of ``source``: session slot, position of its first sample, slot.

        The position is found by samples that no joint has changed. Checks that none is out of order.
        """
        places = {tuple(source[at : at + 3].tolist()): at for at in range(source.size - 2)}
        found, reached = [], -1
        for index, slot in self.slots:
            samples = slot.samples.tolist()
            seen = [(places.get(tuple(samples[at : at + 3])), at) for at in (200, 500, 900)]
            known = [(place, at) for place, at in seen if place is not None]
            if known:
                assert reached < known[0][0] <= known[-1][0], "sound is out of order"
                reached = known[-1][0]
                found.append((index, known[0][0] - known[0][1], slot))
        return found


class Sounding:
    """A session of which sound is sent and heard.

    Args:
        session: it.
        clock: its clock.
    """

    def __init__(self, session: Session, clock: ManualClock) -> None:
        self.session = session
        self.clock = clock
        self.sent = Sent(session)
        self.started = clock.now()

    async def send(
        self,
        name: str,
        source: NDArray[np.float32],
        arrivals: Sequence[tuple[float, int, int]],
        *,
        rest: float = 1.0,
        final: bool = True,
    ) -> None:
        """Let pieces arrive.

        Args:
            name: of the utterance.
            source: what is sent, (n,) at 24 kHz.
            arrivals: for each piece the second of its arrival, counted from now, and its samples' range.
            rest: seconds to go on afterwards.
            final: whether the last piece is said to be the last.
        """
        self.started = self.clock.now()
        for number, (at, first, stop) in enumerate(arrivals):
            await self.clock.advance(max(0.0, self.started + at - self.clock.now()))
            last = final and number == len(arrivals) - 1
            await self.session.append_audio(name, source[first:stop], final=last)
        await self.clock.advance(rest)

    def delays(self, source: NDArray[np.float32], arrivals: Sequence[tuple[float, int, int]]) -> list[float]:
        """Seconds from the arrival of each sent slot's first sample to its being sent, in order.

        Checks that no sample was sent out of order, and that each slot carries the patch made of its sound.
        """
        found = self.sent.positions(source)
        for _, _, slot in found:
            assert slot.patch == MouthShape(aperture=(slot.index % 100) / 100), "lips and sound are apart"
        firsts = [first for _, first, _ in arrivals]
        delays = []
        for index, at, _ in found:
            came, first, _ = arrivals[max(0, bisect_right(firsts, max(0, at)) - 1)]
            spoken = self.started + came + (at - first) / SPEECH_RATE
            delays.append(self.session.clock.deadline(index) - spoken)
        return delays


def in_pieces(samples: int, piece: int, pace: float = 1.0) -> list[tuple[float, int, int]]:
    """Pieces of so many samples that arrive in step; ``pace`` above 1 is a sender whose clock is fast."""
    return [
        (first / SPEECH_RATE / pace, first, min(first + piece, samples)) for first in range(0, samples, piece)
    ]
