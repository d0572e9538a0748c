# pyright: reportMissingImports=false
"""All open sentences are stepped together, a frame each: one source of work on the compute thread.

Sentences are written to, listened to and dropped from the event loop; their steps are made on the thread
that all models of the process share (:mod:`streaming.gpu.compute`), which hands sound back as it comes.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable

import numpy as np
import structlog
from numpy.typing import NDArray

from streaming.errors import EngineFailed, LipstreamError
from streaming.gpu.budget import is_out_of_memory, release
from streaming.gpu.compute import ComputeThread
from streaming.gpu.work import AT_ONCE, RunningMean
from streaming.speech.qwen3.machine import Cast, Machine
from streaming.speech.qwen3.sentence import Item, Order, Sentence

log = structlog.get_logger(__name__)

STEP_SECONDS = 0.03
"""What a step is taken to cost before one has been measured."""


class Conductor:
    """Steps the sentences of all sessions. A :class:`streaming.gpu.work.Work`.

    Args:
        machine: what speaks.
        compute: the thread on which the machine was loaded.
        step_seconds: what a step costs, where that is known from a calibration.
    """

    name = "qwen3"

    def __init__(self, machine: Machine, compute: ComputeThread, step_seconds: float = STEP_SECONDS) -> None:
        self._machine = machine
        self._compute = compute
        self._commands: deque[tuple[Sentence, Callable[[], None]]] = deque()
        self._preparations: deque[Cast] = deque()
        self._sentences: list[Sentence] = []
        self._frames_cost, self._sound_cost = RunningMean(step_seconds), RunningMean(step_seconds)

    @property
    def machine(self) -> Machine:
        """What speaks."""
        return self._machine

    # From any thread.

    def open(self, order: Order) -> Speaking:
        """Begin a sentence; call this in the event loop that listens to it."""
        return Speaking(order, self._machine, self)

    def prepare(self, cast: Cast) -> None:
        """Run a voice's reference through the codec when there is nothing else to do."""
        self._preparations.append(cast)
        self.look()

    def tell(self, sentence: Sentence, command: Callable[[], None]) -> None:
        """Have something done with a sentence on the compute thread, before its next step."""
        self._commands.append((sentence, command))
        self.look()

    def look(self) -> None:
        """Make the compute thread look around: something has changed."""
        self._compute.look()

    # On the compute thread.

    def add(self, sentence: Sentence) -> None:
        """Take a sentence along."""
        self._sentences.append(sentence)

    def due(self) -> float | None:
        """When the sound of the first of its sentences runs dry; see :class:`streaming.gpu.work.Work`."""
        if self._commands:
            return AT_ONCE
        now, room = self._compute.clock.now(), self._machine.loop.free > 0
        dues = [
            self._due(sentence, now)
            for sentence in self._sentences
            if sentence.audible or sentence.stream is not None or (room and sentence.waiting)
        ]
        if not dues:
            return math.inf if self._preparations else None
        return min(dues)

    def cost(self) -> float:
        """What a step of the kind that comes next has cost lately."""
        audible = any(sentence.audible for sentence in self._sentences)
        return self._sound_cost.value if audible else self._frames_cost.value

    def step(self) -> None:
        """Do what it was told; else make sound for a sentence or a frame for each; else prepare a voice.

        Sound is made for one sentence at a time, so that no step is long; and before the next frames, for
        these cost about the same for one sentence as for all.
        """
        if self._commands:
            self._obey()
            return
        began = self._compute.clock.now()
        audible = [sentence for sentence in self._sentences if sentence.audible]
        if audible:
            first = min(audible, key=lambda sentence: self._due(sentence, began))
            self._attempt(first, first.speak)
            self._sound_cost.add(self._compute.clock.now() - began)
        elif self._round():
            self._frames_cost.add(self._compute.clock.now() - began)
        elif self._preparations:
            self._prepare(self._preparations.popleft())
        self._sentences = [sentence for sentence in self._sentences if not sentence.over]

    def failed(self, error: Exception) -> None:
        """A step broke: all who take part in it are told."""
        _release_after(error)
        for sentence in self._sentences:
            sentence.close(_failure(error))
        self._sentences.clear()

    def _obey(self) -> None:
        while self._commands:
            sentence, command = self._commands.popleft()
            self._attempt(sentence, command)
        self._sentences = [sentence for sentence in self._sentences if not sentence.over]

    def _due(self, sentence: Sentence, now: float) -> float:
        due = sentence.due(self._frames_cost.value)
        return now if due is None else due

    def _round(self) -> bool:
        """A frame for each sentence that can have one; whether there was any."""
        begun = False
        for sentence in self._sentences:
            # First come, first served: who speaks sentence after sentence queues up anew for each.
            if sentence.waiting and self._machine.loop.free:
                begun = True
                self._attempt(sentence, sentence.begin)
        for sentence in self._sentences:
            if sentence.stream is not None:
                self._attempt(sentence, sentence.before_frame)
        live = [(s, stream) for s in self._sentences if (stream := s.stream) is not None]
        if live:
            frames = self._machine.loop.step([stream for _, stream in live])
            for (sentence, _), codes in zip(live, frames, strict=True):
                sentence.after_frame(codes)
        return begun or bool(live)

    def _prepare(self, cast: Cast) -> None:
        try:
            cast.codec_state(self._machine.decoder)
        except Exception as error:
            # Who speaks with it is told.
            log.exception("qwen3 voice not prepared")
            _release_after(error)

    def _attempt(self, sentence: Sentence, work: Callable[[], None]) -> None:
        """What goes wrong with one sentence is no concern of the others."""
        try:
            work()
        except LipstreamError as error:
            sentence.close(error)
        except Exception as error:
            log.exception("qwen3 sentence failed")
            _release_after(error)
            sentence.close(_failure(error))


def _failure(error: Exception) -> EngineFailed:
    if is_out_of_memory(error):
        return EngineFailed(
            "The speech engine 'qwen3' ran out of the card's memory. Try again, or let fewer speak at once."
        )
    return EngineFailed(f"The speech engine 'qwen3' failed: {error or type(error).__name__}.")


def _release_after(error: Exception) -> None:
    if is_out_of_memory(error):
        release()


class Speaking:
    """A sentence as the event loop sees it.

    Args:
        order: what it is said with.
        machine: says it.
        conductor: steps it.
    """

    def __init__(self, order: Order, machine: Machine, conductor: Conductor) -> None:
        self._conductor = conductor
        self._loop = asyncio.get_running_loop()
        self._inbox: asyncio.Queue[Item] = asyncio.Queue()
        self._sentence = Sentence(order, machine, self._deliver)
        conductor.tell(self._sentence, lambda: conductor.add(self._sentence))

    def write(self, text: str) -> None:
        """The sentence goes on; ``text`` ends between two words."""
        self._conductor.tell(self._sentence, lambda: self._sentence.write(text))

    def finish(self) -> None:
        """The sentence is complete."""
        self._conductor.tell(self._sentence, self._sentence.finish)

    def close(self) -> None:
        """Nobody listens any more: not one frame more is made."""
        self._conductor.tell(self._sentence, self._sentence.close)

    async def sound(self) -> AsyncGenerator[NDArray[np.float32], None]:
        """Its sound in chunks of whole frames (the first one cut), as it is made.

        No more than two seconds are made ahead of who asks for the next chunk.

        Raises:
            LipstreamError: it cannot be said.
        """
        while True:
            item = await self._inbox.get()
            if isinstance(item, LipstreamError):
                raise item
            if not isinstance(item, np.ndarray):
                return
            yield item
            self._sentence.taken += item.size
            self._conductor.look()

    def _deliver(self, item: Item) -> None:
        """Called on the compute thread."""
        try:
            self._loop.call_soon_threadsafe(self._inbox.put_nowait, item)
        except RuntimeError:
            # The event loop has ended, and who listened with it.
            self._sentence.close()
