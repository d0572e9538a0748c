"""A card under a clock of its own: the program's scheduling as it is, networks that only take their time."""

from __future__ import annotations

import itertools
import math
import random
from collections import deque
from dataclasses import dataclass, field

from streaming.gpu.admission import Admission, Plan
from streaming.gpu.costs import Costs, cost_of
from streaming.gpu.frame_queue import FrameQueue
from streaming.gpu.roster import Roster
from streaming.gpu.work import AT_ONCE
from streaming.playhead import Pace, Playhead
from streaming.timing import FPS, SLOT_SECONDS

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
WINDOWS = 8
"""Windows that the audio encoder takes at a time."""
TICK = 0.002
"""The clock's pace while the card rests."""


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
        self._clock, self._step, self._tally = clock, step, tally
        self._asked = clock.now()
        self._left = deque(math.ceil(seconds / FRAME_SECONDS) for seconds in sentences)
        self._frames = self._chunk = self._chunks = 0
        self.begun = False
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
        if self.spoken:
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
        left = max(0, self.wanted - self._chunk - 1)
        return self.playhead.due(self.sound) - FACE_SECONDS - left * step_seconds

    def frame(self) -> int:
        """A frame of codes is made; how many are to be decoded now."""
        self._frames += 1
        self._chunk += 1
        ended = self._frames == self._left[0]
        if self._chunk < self.wanted and not ended:
            return 0
        return self._chunk

    def decoded(self) -> None:
        """The chunk's sound is there."""
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


class Talker:
    """Stands for the conductor of Qwen3-TTS: all sentences a frame at a time."""

    name = "speech"

    def __init__(self, world: World) -> None:
        self._world = world

    def due(self) -> float | None:
        cost = self.cost()
        return min((u.speech_due(cost) for u in self._world.utterances() if u.steppable), default=None)

    def cost(self) -> float:
        return cost_of(self._world.costs.speech, max(1, len(self._world.utterances())))

    def step(self) -> None:
        world = self._world
        speaking = [utterance for utterance in world.utterances() if utterance.steppable]
        world.clock.pass_by(cost_of(world.costs.speech, len(speaking)))
        for utterance in speaking:
            if not utterance.begun:
                utterance.begun = True
                world.clock.pass_by(world.prompt_seconds)
            if frames := utterance.frame():
                world.clock.pass_by(cost_of(world.costs.codec, frames))
                utterance.decoded()
                world.listen(utterance)

    def failed(self, error: Exception) -> None:
        raise error


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of the picture that can be drawn."""

    utterance: Utterance
    index: int


class Painter:
    """Stands for the face engine: windows to features, frames of all sessions to pictures."""

    name = "faces"

    def __init__(self, world: World) -> None:
        self._world = world
        self._table = {
            size: cost
            for size, cost in world.costs.face[world.plan.decoder].items()
            if size in world.plan.face_sizes
        }
        self._windows: deque[tuple[Utterance, tuple[int, ...]]] = deque()
        self._queue: FrameQueue[Frame] = FrameQueue(world.clock)

    def hear(self, utterance: Utterance, window: tuple[int, ...]) -> None:
        self._windows.append((utterance, window))

    def due(self) -> float | None:
        # Hearing takes next to no time, and tells which frames there are.
        return AT_ONCE if self._windows else self._queue.due()

    def cost(self) -> float:
        if self._windows:
            return cost_of(self._world.costs.encoder, min(WINDOWS, len(self._windows)))
        batch = self._queue.batch(self._table)
        return batch.cost if batch else 0.0

    def step(self) -> None:
        if self._windows:
            taken = [self._windows.popleft() for _ in range(min(WINDOWS, len(self._windows)))]
            self._world.clock.pass_by(cost_of(self._world.costs.encoder, len(taken)))
            for utterance, window in taken:
                for index in window:
                    if utterance.draws(index):
                        self._queue.add(
                            Frame(utterance, index), owner=utterance, index=index, playhead=utterance.playhead
                        )
            return
        frames, size = self._queue.take(self._table)
        self._world.clock.pass_by(self._table[size])
        self._world.batches.append((len(frames), size))
        for frame in frames:
            frame.utterance.drawn.add(frame.index)
        for utterance in dict.fromkeys(frame.utterance for frame in frames):
            utterance.hand_on()

    def failed(self, error: Exception) -> None:
        raise error


class World:
    """A card, a plan for it, and sessions that talk.

    Args:
        costs: what steps take.
        plan: made for these costs.
        prompt_seconds: what a sentence's prompt takes.
        files: renders of files beside the sessions.
        seed: of everything random.
    """

    def __init__(
        self, costs: Costs, plan: Plan, prompt_seconds: float = 0.0, files: int = 0, seed: int = 1
    ) -> None:
        self.costs, self.plan, self.prompt_seconds = costs, plan, prompt_seconds
        self.clock = Clock()
        self.admission = Admission(plan.sessions, plan.reason)
        self.batches: list[tuple[int, int]] = []
        """Frames drawn, and the size of the batch, one after another."""
        self.busy = 0.0
        self._seed = seed
        self._numbers = itertools.count()
        self._step = 1 if plan.frame_rate == FPS else 2
        self.sessions: list[Session] = []
        self.files = [Session(seed + 1000 + i, self.clock, 1, "offline") for i in range(files)]
        self._roster = Roster(self.clock)
        self._painter = Painter(self)
        self._roster.add(Talker(self))
        self._roster.add(self._painter)

    def enter(self) -> Session:
        """Let one more session in.

        Raises:
            CapacityReached: the plan has no room for it.
        """
        number = next(self._numbers)
        self.admission.enter(f"session {number}")
        session = Session(self._seed * 1009 + number, self.clock, self._step)
        self.sessions.append(session)
        return session

    def crowd(self) -> None:
        """One session more than the plan lets in, to see what that does."""
        self.sessions.append(Session(self._seed * 1009 + next(self._numbers), self.clock, self._step))

    def utterances(self) -> list[Utterance]:
        """Those that are being said."""
        return [s.utterance for s in (*self.sessions, *self.files) if s.utterance is not None]

    def listen(self, utterance: Utterance) -> None:
        """Its sound goes on."""
        for window in utterance.windows():
            self._painter.hear(utterance, window)

    def run(self, seconds: float) -> None:
        """Let that much time pass."""
        end = self.clock.now() + seconds
        while self.clock.now() < end:
            for session in (*self.sessions, *self.files):
                session.look()
            for utterance in self.utterances():
                utterance.hand_on()
            began = self.clock.now()
            if self._roster.turn():
                self.busy += self.clock.now() - began
            else:
                self.clock.pass_by(TICK)

    def tally(self) -> Tally:
        """All live sessions together."""
        tallies = [session.tally for session in self.sessions]
        return Tally(
            sum(t.slots for t in tallies),
            sum(t.late for t in tallies),
            max((t.lateness for t in tallies), default=0.0),
            [wait for t in tallies for wait in t.waits],
            max((t.gap for t in tallies), default=0.0),
        )
