"""A card under a clock of its own: the program's scheduling as it is, networks that only take their time."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass

from benchmarks.gpu_schedule.talk import Clock, Session, Tally, Utterance
from streaming.errors import CapacityReached
from streaming.gpu.admission import Plan
from streaming.gpu.costs import Costs, cost_of
from streaming.gpu.frame_queue import FrameQueue
from streaming.gpu.roster import Roster
from streaming.gpu.work import AT_ONCE
from streaming.timing import FPS

WINDOWS = 8
"""Windows that the audio encoder takes at a time."""
TICK = 0.002
"""The clock's pace while the card rests."""


class Talker:
    """Stands for the conductor of Qwen3-TTS: a frame for all sentences, or a chunk of sound for one."""

    name = "speech"

    def __init__(self, world: World) -> None:
        self._world = world

    def due(self) -> float | None:
        cost = self._frame_cost()
        return min(
            (u.speech_due(cost) for u in self._world.utterances() if u.audible or u.steppable), default=None
        )

    def cost(self) -> float:
        utterance = self._next_to_speak()
        if utterance is None:
            return self._frame_cost()
        return cost_of(self._world.costs.codec, utterance.audible)

    def step(self) -> None:
        world = self._world
        utterance = self._next_to_speak()
        if utterance is not None:
            world.clock.pass_by(cost_of(world.costs.codec, utterance.audible))
            utterance.decoded()
            world.listen(utterance)
            return
        speaking = [utterance for utterance in world.utterances() if utterance.steppable]
        world.clock.pass_by(cost_of(world.costs.speech, len(speaking)))
        for utterance in speaking:
            if not utterance.begun:
                utterance.begun = True
                world.clock.pass_by(world.prompt_seconds)
            utterance.frame()

    def failed(self, error: Exception) -> None:
        raise error

    def _frame_cost(self) -> float:
        return cost_of(self._world.costs.speech, max(1, len(self._world.utterances())))

    def _next_to_speak(self) -> Utterance | None:
        audible = [utterance for utterance in self._world.utterances() if utterance.audible]
        return min(audible, key=lambda utterance: utterance.speech_due(0.0), default=None)


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
        if len(self.sessions) >= self.plan.sessions:
            raise CapacityReached(self.plan.reason)
        number = next(self._numbers)
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
