"""What is said in a simulation: answers of sentences, on their way from codes to slots."""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass, field

from streaming.playhead import Pace, Playhead
from streaming.timing import SLOT_SECONDS

FRAME_SECONDS = 0.08
"""Sound of one frame of codes."""
CHUNK_FRAMES = (1, 1, 1, 2, 2, 3, 4, 5, 6, 8)
"""Frames that a sentence hands on at a time, as Qwen3-TTS does here."""
SOUND_AHEAD = 4.0
"""Seconds of sound that may be made ahead of what is played: two in the line's window, two in the engine."""
SLOTS_AHEAD = 50
HEARING_SECONDS = 0.1325
"""From a frame's beginning to the last sound that it depends on."""
FACE_SECONDS = 0.25
PAUSE_SECONDS = 0.35


class Clock:
    """Time that passes only when steps take it."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now

    async def sleep_until(self, when: float) -> None:
        raise NotImplementedError("Nobody sleeps in a simulation.")

    def pass_by(self, seconds: float) -> None:
        self._now += seconds


@dataclass
class Tally:
    """What became of the slots.

    Attributes:
        slots: handed on, the first of each utterance aside.
        late: those that came after they were due.
        waits: seconds from each utterance's request to its first slot.
        gap: longest time between two frames of an utterance that could have been drawn.
    """

    slots: int = 0
    late: int = 0
    lateness: float = 0.0
    waits: list[float] = field(default_factory=list)
    gap: float = 0.0

    @property
    def missed(self) -> float:
        """Share of slots that came too late."""
        return self.late / max(1, self.slots)


class Utterance:
    """Sentences of one answer, on their way to slots.

    Args:
        sentences: seconds of each.
        pace: whether somebody waits.
        clock: of the simulation.
        step: frames of the picture from one that is drawn to the next.
        tally: takes what becomes of it.
    """

    def __init__(self, sentences: list[float], pace: Pace, clock: Clock, step: int, tally: Tally) -> None:
        self.playhead = Playhead(clock, pace)
        # Its slots wait for their frames, so that it is seen how late these are; the line's do not.
        self.playhead.waits_until = math.inf
        self._clock, self._step, self._tally = clock, step, tally
        self._asked = clock.now()
        self._left = deque(math.ceil(seconds / FRAME_SECONDS) for seconds in sentences)
        self._frames = self._chunk = self._chunks = 0
        self.begun = False
        self.audible = 0
        """Frames of codes that wait to become sound: a whole chunk, or none."""
        self.sound = 0.0
        self.heard = 0
        """Frames of the picture whose windows have been handed out."""
        self.drawn: set[int] = set()
        self.sent = 0
        self._last = clock.now()

    # Speech.

    @property
    def spoken(self) -> bool:
        return not self._left

    @property
    def over(self) -> bool:
        return self.spoken and self.sent == self.total

    @property
    def total(self) -> int:
        """Slots of the sound so far."""
        return math.ceil(round(self.sound / SLOT_SECONDS, 6))

    @property
    def steppable(self) -> bool:
        if self.spoken or self.audible:
            return False
        done = self.sent * SLOT_SECONDS
        if self.playhead.pace == "live":
            done = min(done, max(0.0, self._clock.now() - self.playhead.due(0.0)))
        return self.sound + self._chunk * FRAME_SECONDS - done < SOUND_AHEAD

    @property
    def wanted(self) -> int:
        """Frames of the chunk that is being made."""
        return CHUNK_FRAMES[min(self._chunks, len(CHUNK_FRAMES) - 1)]

    def speech_due(self, step_seconds: float) -> float:
        """As a sentence of Qwen3-TTS says it."""
        left = 0 if self.audible else max(0, self.wanted - self._chunk - 1)
        return self.playhead.due(self.sound) - FACE_SECONDS - left * step_seconds

    def frame(self) -> None:
        """A frame of codes is made."""
        self._frames += 1
        self._chunk += 1
        if self._chunk >= self.wanted or self._frames == self._left[0]:
            self.audible = self._chunk

    def decoded(self) -> None:
        """The chunk's sound is there."""
        self.audible = 0
        self.sound += self._chunk * FRAME_SECONDS
        self._chunk = 0
        self._chunks += 1
        if self._frames == self._left[0]:
            self._left.popleft()
            self.sound += PAUSE_SECONDS
            self._frames = self._chunks = 0
            self.begun = False

    # Faces.

    def windows(self) -> list[tuple[int, ...]]:
        """Frames of the picture that can be heard now: the first alone, then two at a time."""
        windows: list[tuple[int, ...]] = []
        while True:
            last = self.heard if self.heard == 0 else self.heard + 1
            if self.spoken:
                last = min(last, self.total - 1)
            enough = self.spoken or last * SLOT_SECONDS + HEARING_SECONDS <= self.sound + 1e-9
            if last < self.heard or not enough:
                return windows
            windows.append(tuple(range(self.heard, last + 1)))
            self.heard = last + 1

    def draws(self, index: int) -> bool:
        """Whether that frame is drawn at this frame rate, or shows the one before."""
        return index % self._step == 0

    def hand_on(self) -> None:
        """Send all slots that are ready."""
        now = self._clock.now()
        while self.sent < self.total:
            if self.sent - self.sent % self._step not in self.drawn:
                return
            due = self.playhead.due(self.sent * SLOT_SECONDS)
            if (
                self.playhead.pace == "live"
                and self.playhead.started
                and due - now > SLOTS_AHEAD * SLOT_SECONDS
            ):
                return
            if self.playhead.started:
                self._tally.slots += 1
                if now > due + 1e-9:
                    self._tally.late += 1
                    self._tally.lateness = max(self._tally.lateness, now - due)
            else:
                self._tally.waits.append(now - self._asked)
            self.playhead.sent(self.sent)
            self._tally.gap = max(self._tally.gap, now - self._last)
            self._last = now
            self.sent += 1


class Session:
    """Somebody who is talked to: answers of some sentences, with pauses between them.

    Args:
        seed: of its answers.
        clock: of the simulation.
        step: see :class:`Utterance`.
        pace: ``offline``: one answer without an end.
    """

    def __init__(self, seed: int, clock: Clock, step: int = 1, pace: Pace = "live") -> None:
        self._random, self._clock, self._step = random.Random(seed), clock, step
        self.pace: Pace = pace
        self.tally = Tally()
        self.utterance: Utterance | None = None
        self.next = self._random.uniform(0.0, 4.0) if pace == "live" else 0.0

    def look(self) -> None:
        """Begin an answer when it is time; leave one when its last slot has been played."""
        now = self._clock.now()
        if self.utterance is not None and self.utterance.over:
            played = now if self.pace == "offline" else self.utterance.playhead.due(self.utterance.sound)
            self.utterance = None
            self.next = max(now, played) + self._random.uniform(0.5, 3.0)
        if self.utterance is None and now >= self.next:
            count = self._random.randint(1, 6) if self.pace == "live" else 10_000
            sentences = [self._random.uniform(1.2, 6.0) for _ in range(count)]
            self.utterance = Utterance(sentences, self.pace, self._clock, self._step, self.tally)
