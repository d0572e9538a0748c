import asyncio

import pytest

from streaming.speech.ahead import one_ahead


class Source:
    def __init__(self, count, delay=None):
        self.count, self.made, self.closed, self.cancelled = count, 0, False, False
        self.delay = delay

    async def items(self):
        try:
            for i in range(self.count):
                if self.delay is not None and i:
                    await self.delay.wait()
                self.made = i + 1
                yield i
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.closed = True


async def test_the_next_item_is_made_while_one_is_used():
    source = Source(3)
    items = one_ahead(source.items())
    assert await anext(items) == 0
    await asyncio.sleep(0)
    assert source.made == 2
    assert [item async for item in items] == [1, 2] and source.closed


async def test_closing_cancels_what_is_being_made():
    source = Source(3, delay=asyncio.Event())
    items = one_ahead(source.items())
    assert await anext(items) == 0
    await asyncio.sleep(0)
    await items.aclose()
    assert source.cancelled and source.closed and source.made == 1


async def test_cancelling_who_waits_cancels_the_making():
    source = Source(3, delay=asyncio.Event())
    items = one_ahead(source.items())
    assert await anext(items) == 0
    waiting = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert source.cancelled and source.closed


async def test_failures_come_through():
    async def failing():
        yield 1
        raise ValueError("broken")

    items = one_ahead(failing())
    assert await anext(items) == 1
    with pytest.raises(ValueError, match="broken"):
        await anext(items)
