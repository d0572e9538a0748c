import asyncio

from server.jobs.turns import Turns
from tests.support.clock import settle


async def test_who_asked_first_goes_first():
    turns = Turns(1)
    await turns.take(0)
    late, early = asyncio.create_task(turns.take(2)), asyncio.create_task(turns.take(1))
    await settle()
    assert not early.done() and not late.done()
    turns.give()
    await settle()
    assert early.done() and not late.done()
    turns.give()
    await late


async def test_who_stops_waiting_takes_no_place():
    turns = Turns(1)
    await turns.take(0)
    first, second = asyncio.create_task(turns.take(1)), asyncio.create_task(turns.take(2))
    await settle()
    first.cancel()
    turns.give()
    await settle()
    assert first.cancelled() and second.done()


async def test_a_place_that_came_with_the_end_of_waiting_is_given_back():
    turns = Turns(1)
    await turns.take(0)
    first, second = asyncio.create_task(turns.take(1)), asyncio.create_task(turns.take(2))
    await settle()
    turns.give()
    first.cancel()
    await settle()
    assert first.cancelled() and second.done()
