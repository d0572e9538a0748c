# pyright: reportMissingImports=false
"""One compute thread for everybody: all open sentences are stepped together, a frame each.

Sentences are written to, listened to and dropped from the event loop; the thread runs as long as there is
something to do, and hands sound back as it comes.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from functools import partial

import numpy as np
import structlog
from numpy.typing import NDArray

from streaming.errors import EngineFailed, LipstreamError
from streaming.speech.qwen3.machine import Cast, Machine
from streaming.speech.qwen3.sentence import Item, Order, Sentence

log = structlog.get_logger(__name__)


class Conductor:
    """Steps the sentences of all sessions.

    Args:
        machine: what speaks.
        executor: of one thread, on which the machine was loaded.
    """

    def __init__(self, machine: Machine, executor: Executor) -> None:
        self._machine = machine
        self._executor = executor
        self._commands: deque[tuple[Sentence, Callable[[], None]]] = deque()
        self._sentences: list[Sentence] = []
        self._lock = threading.Lock()
        self._running = self._news = False

    def open(self, order: Order) -> Speaking:
        """Begin a sentence; call this in the event loop that listens to it."""
        return Speaking(order, self._machine, self)

    def prepare(self, cast: Cast) -> None:
        """Run a voice's reference through the codec when there is nothing else to do; on any thread."""
        self._executor.submit(cast.codec_state, self._machine.decoder)

    def tell(self, sentence: Sentence, command: Callable[[], None]) -> None:
        """Have something done with a sentence on the compute thread, before its next step."""
        self._commands.append((sentence, command))
        self.look()

    def look(self) -> None:
        """Make the compute thread look around: something has changed."""
        with self._lock:
            self._news = True
            if self._running:
                return
            self._running = True
        self._executor.submit(self._run)

    def add(self, sentence: Sentence) -> None:
        """Take a sentence along; on the compute thread."""
        self._sentences.append(sentence)

    def _run(self) -> None:
        while True:
            with self._lock:
                self._news = False
            try:
                busy = self._round()
            except Exception as error:
                log.exception("qwen3 failed")
                self._fail(error)
                busy = False
            with self._lock:
                if not busy and not self._news:
                    self._running = False
                    return

    def _round(self) -> bool:
        """A frame for each sentence that can have one; whether there was any."""
        while self._commands:
            sentence, command = self._commands.popleft()
            self._attempt(sentence, command)
        self._sentences = [sentence for sentence in self._sentences if not sentence.over]
        for sentence in self._sentences:
            self._attempt(sentence, sentence.starving)
            # First come, first served: who speaks sentence after sentence queues up anew for each.
            if sentence.waiting and self._machine.loop.free:
                self._attempt(sentence, sentence.begin)
        for sentence in self._sentences:
            if sentence.stream is not None:
                self._attempt(sentence, sentence.before_frame)
        live = [(s, stream) for s in self._sentences if (stream := s.stream) is not None]
        if not live:
            return any(sentence.waiting for sentence in self._sentences) and self._machine.loop.free > 0
        frames = self._machine.loop.step([stream for _, stream in live])
        for (sentence, _), codes in zip(live, frames, strict=True):
            self._attempt(sentence, partial(sentence.after_frame, codes))
        return True

    def _attempt(self, sentence: Sentence, work: Callable[[], None]) -> None:
        """What goes wrong with one sentence is no concern of the others."""
        try:
            work()
        except LipstreamError as error:
            sentence.close(error)
        except Exception as error:
            log.exception("qwen3 sentence failed")
            sentence.close(_failure(error))

    def _fail(self, error: Exception) -> None:
        for sentence in self._sentences:
            sentence.close(_failure(error))
        self._sentences.clear()


def _failure(error: Exception) -> EngineFailed:
    return EngineFailed(f"The speech engine 'qwen3' failed: {error or type(error).__name__}.")


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
