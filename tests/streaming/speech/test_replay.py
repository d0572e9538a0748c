import asyncio

from streaming.speech.replay import ReplayableText


async def source(*texts):
    for text in texts:
        yield text


async def test_second_reader_starts_over():
    text = ReplayableText(source("a", "b", "c"))
    reader = text.read()
    assert [await anext(reader), await anext(reader)] == ["a", "b"]
    assert [piece async for piece in text.read()] == ["a", "b", "c"]


async def test_forgotten_pieces_do_not_come_back():
    text = ReplayableText(source("a", "b"))
    assert await anext(text.read()) == "a"
    text.forget()
    assert [piece async for piece in text.read()] == ["b"]


async def test_a_cancelled_reader_loses_nothing():
    gate = asyncio.Event()

    async def slow():
        yield "a"
        await gate.wait()
        yield "b"

    text = ReplayableText(slow())
    reader = text.read()
    assert await anext(reader) == "a"
    waiting = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    gate.set()
    assert [piece async for piece in text.read()] == ["a", "b"]


async def test_close_stops_waiting():
    async def endless():
        await asyncio.Event().wait()
        yield ""

    text = ReplayableText(endless())
    waiting = asyncio.ensure_future(anext(text.read()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await text.aclose()
    results = await asyncio.gather(waiting, return_exceptions=True)
    assert isinstance(results[0], BaseException)
