"""Waiting for speech along with other things."""

import asyncio
from collections.abc import AsyncGenerator

import numpy as np
import pytest
from structlog.testing import capture_logs

from streaming.performer.arrivals import Arrivals
from streaming.speech.base import SpeechChunk
from tests.support.clock import ManualClock, settle


class Source:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[SpeechChunk | Exception | None] = asyncio.Queue()
        self.closed = False

    async def chunks(self) -> AsyncGenerator[SpeechChunk, None]:
        try:
            while (item := await self.queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.closed = True


CHUNK = SpeechChunk(np.zeros(10, np.float32))


def future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


async def test_chunks_in_order_and_then_the_end() -> None:
    source = Source()
    arrivals = Arrivals(source.chunks(), ManualClock())
    for item in (CHUNK, None):
        source.queue.put_nowait(item)
    assert await arrivals.take() is CHUNK
    assert await arrivals.take() is None and arrivals.ended
    assert await arrivals.take() is None


async def test_what_comes_first_wins_and_nothing_is_lost() -> None:
    source, other = Source(), future()
    arrivals = Arrivals(source.chunks(), ManualClock())
    waiting = asyncio.ensure_future(arrivals.take_or(other))
    await settle()
    other.set_result(None)
    assert await waiting is None and not arrivals.ended
    source.queue.put_nowait(CHUNK)
    assert await arrivals.take_or(future()) is CHUNK
    source.queue.put_nowait(CHUNK)
    assert await arrivals.take() is CHUNK
    await arrivals.aclose()


async def test_an_alarm_ends_the_waiting() -> None:
    clock = ManualClock(5.0)
    arrivals = Arrivals(Source().chunks(), clock)
    waiting = asyncio.ensure_future(arrivals.take_or(future(), until=6.0))
    await clock.advance(0.9)
    assert not waiting.done()
    await clock.advance(0.2)
    assert await waiting is None
    await arrivals.aclose()


async def test_speech_that_is_not_wanted_now_is_left_where_it_is() -> None:
    source, other = Source(), future()
    arrivals = Arrivals(source.chunks(), ManualClock())
    source.queue.put_nowait(CHUNK)
    waiting = asyncio.ensure_future(arrivals.take_or(other, speech=False))
    await settle()
    assert not waiting.done() and source.queue.qsize() == 1
    other.set_result(None)
    assert await waiting is None
    assert await arrivals.take() is CHUNK


@pytest.mark.parametrize("waiting", [True, False])
async def test_what_goes_wrong_with_the_speech_is_raised(waiting: bool) -> None:
    source = Source()
    arrivals = Arrivals(source.chunks(), ManualClock())
    source.queue.put_nowait(RuntimeError("no voice"))
    with pytest.raises(RuntimeError, match="no voice"):
        await (arrivals.take_or(future()) if waiting else arrivals.take())


async def test_closing_stops_the_speech_even_while_it_is_waited_for() -> None:
    source, other = Source(), future()
    arrivals = Arrivals(source.chunks(), ManualClock())
    waiting = asyncio.ensure_future(arrivals.take_or(other))
    await settle()
    other.set_result(None)
    await waiting
    await arrivals.aclose()
    assert source.closed


async def test_what_goes_wrong_while_it_is_stopped_is_logged() -> None:
    source = Source()
    arrivals = Arrivals(source.chunks(), ManualClock())
    other = future()
    waiting = asyncio.ensure_future(arrivals.take_or(other))
    await settle()
    other.set_result(None)
    await waiting
    source.queue.put_nowait(RuntimeError("no voice"))
    await settle()
    with capture_logs() as logs:
        await arrivals.aclose()
    assert [entry["reason"] for entry in logs] == ["no voice"]
