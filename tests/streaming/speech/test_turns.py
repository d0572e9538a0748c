import asyncio

import pytest

from streaming.speech.turns import Turns


async def test_the_most_urgent_goes_first_then_who_came_first():
    turns, order = Turns(), []
    go = asyncio.Event()

    async def take(name, slack):
        async with turns.turn(slack):
            if name == "holder":
                await go.wait()
            order.append(name)

    tasks = []
    for name, slack in (("holder", 0), ("late", 9.0), ("soon", 1.0), ("soon too", 1.0), ("now", 0.0)):
        tasks.append(asyncio.create_task(take(name, slack)))
        await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*tasks)
    assert order == ["holder", "now", "soon", "soon too", "late"]
    async with turns.turn(0):
        pass


async def test_who_gives_up_holds_nobody_back():
    turns, order = Turns(), []

    async def take(name):
        async with turns.turn(0):
            order.append(name)

    async with turns.turn(0):
        first, second = asyncio.create_task(take("first")), asyncio.create_task(take("second"))
        await asyncio.sleep(0)
        first.cancel()
    await second
    assert order == ["second"]
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_turn_that_was_given_to_who_gave_up_is_passed_on():
    turns, order = Turns(), []

    async def take(name):
        async with turns.turn(0):
            order.append(name)

    async with turns.turn(0):
        first, second = asyncio.create_task(take("first")), asyncio.create_task(take("second"))
        await asyncio.sleep(0)
    # The turn is on its way to the first, who is cancelled before it runs.
    first.cancel()
    await second
    assert order == ["second"]
    await take("third")
    assert order[-1] == "third"


async def test_failures_give_the_turn_back():
    turns = Turns()
    with pytest.raises(ValueError, match="x"):
        async with turns.turn(0):
            raise ValueError("x")
    async with turns.turn(0):
        pass
