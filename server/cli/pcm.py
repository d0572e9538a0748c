"""Raw PCM from standard input or a file, for a film that is made while it comes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from server.pcm import STEP_BYTES
from streaming.audio.feed import SoundFeed
from streaming.audio.pcm import PcmReader
from streaming.errors import LipstreamError, ScriptRejected

STANDARD_INPUT = Path("-")


@dataclass(frozen=True)
class PcmInput:
    """A file or pipe of raw PCM.

    Attributes:
        path: where it is; ``-`` is standard input.
        reader: knows how to read it.
    """

    path: Path
    reader: PcmReader

    def feeding(self) -> AbstractAsyncContextManager[SoundFeed]:
        """A feed that gets the sound as it comes, to its end or to Ctrl-C.

        Who ends a recording by Ctrl-C wants it: the first one ends the sound, the next one cancels.
        """
        return _feeding(self.path, self.reader)


@asynccontextmanager
async def _feeding(path: Path, reader: PcmReader) -> AsyncGenerator[SoundFeed]:
    loop, task, feed = asyncio.get_running_loop(), asyncio.current_task(), SoundFeed()
    assert task is not None

    def interrupted() -> None:
        if feed.complete:
            task.cancel()
        else:
            feed.finish()

    before = signal.getsignal(signal.SIGINT)
    loop.add_signal_handler(signal.SIGINT, interrupted)
    # A thread of its own that nobody waits for: a read from a silent pipe cannot be called off.
    arguments = (path, reader, feed, loop)
    threading.Thread(target=_read, args=arguments, name="pcm-input", daemon=True).start()
    try:
        yield feed
    finally:
        feed.close()
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)


def _read(path: Path, reader: PcmReader, feed: SoundFeed, loop: asyncio.AbstractEventLoop) -> None:
    error: LipstreamError | None = None
    try:
        _pass_on(path, reader, feed, loop)
    except LipstreamError as refused:
        error = refused
    except OSError as failed:
        error = ScriptRejected(f"The sound cannot be read ({failed.strerror or type(failed).__name__}).")
    # Once it is complete, the loop may be gone.
    if not feed.complete:
        loop.call_soon_threadsafe(feed.finish if error is None else lambda: feed.close(error))


def _pass_on(path: Path, reader: PcmReader, feed: SoundFeed, loop: asyncio.AbstractEventLoop) -> None:
    # Not through Python's buffer, whose lock a thread must not hold when the program ends.
    source = sys.stdin.fileno() if path == STANDARD_INPUT else os.open(path, os.O_RDONLY)
    try:
        while not feed.complete:
            data = os.read(source, STEP_BYTES)
            samples = reader.push(data) if data else reader.finish()
            if feed.complete:
                return
            asyncio.run_coroutine_threadsafe(feed.push(samples), loop).result()
            if not data:
                return
    finally:
        if path != STANDARD_INPUT:
            os.close(source)
