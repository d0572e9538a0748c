import asyncio
import socket
from contextlib import asynccontextmanager

from streaming.options import EngineOptions, GpuOptions
from streaming.performer.base import CardDescription, PerformRequest
from streaming.performer.messages import (
    Cancel,
    Credit,
    Describe,
    Description,
    Drop,
    Failed,
    Finished,
    FromPerformer,
    Perform,
    Text,
    ToPerformer,
)
from streaming.performer.server import PerformerServer
from streaming.performer.wire import Channel
from streaming.resources import Resources
from streaming.slots import Slot, UtteranceKey
from tests.support.clock import ManualClock
from tests.support.engines import RampEngines, RampSpeech, slots_for


@asynccontextmanager
async def serving(engines: RampEngines | None = None, resources: Resources | None = None):
    ours, theirs = socket.socketpair()
    near: Channel[FromPerformer] = Channel(*await asyncio.open_unix_connection(sock=ours), FromPerformer)
    far: Channel[ToPerformer] = Channel(*await asyncio.open_unix_connection(sock=theirs), ToPerformer)
    server = PerformerServer(engines or RampEngines(), far, resources)
    task = asyncio.create_task(server.serve())
    messages = near.messages()
    first = await anext(messages)
    assert isinstance(first, Description)
    try:
        yield near, messages, first.description
    finally:
        await near.close()
        await task
        await far.close()


def begin(channel: Channel, key: UtteranceKey, text: str, window: int = 1000) -> None:
    channel.send(Perform(PerformRequest(key, "mira", window=window)))
    channel.send(Text(key, text, True))


async def test_it_says_what_it_is():
    async with serving() as (channel, messages, description):
        assert (description.face, description.capacity) == ("counting", 3)
        assert description.voices[0].name == "ramp-voice"
        channel.send(Describe())
        assert await anext(messages) == Description(description)


async def test_two_utterances_side_by_side():
    one, two = UtteranceKey("a", 0, 1), UtteranceKey("b", 0, 1)
    async with serving() as (channel, messages, _):
        begin(channel, one, "x y z")
        begin(channel, two, "x")
        got: dict[UtteranceKey, list[int]] = {one: [], two: []}
        finished = set()
        while len(finished) < 2:
            message = await anext(messages)
            if isinstance(message, Slot):
                got[message.key].append(message.index)
            elif isinstance(message, Finished):
                finished.add(message.key)
    assert got == {one: list(range(slots_for(3))), two: list(range(slots_for(1)))}


async def test_it_never_runs_ahead_of_its_window():
    key = UtteranceKey("a", 0, 1)
    async with serving() as (channel, messages, _):
        begin(channel, key, "x " * 20, window=4)
        seen = []
        for grant in (0, 3):
            channel.send(Credit(key, grant))
            while True:
                try:
                    async with asyncio.timeout(0.1):
                        message = await anext(messages)
                except TimeoutError:
                    messages = channel.messages()
                    break
                if isinstance(message, Slot):
                    seen.append(message.index)
            assert len(seen) == 4 + grant


async def test_cancel_drops_what_is_older_than_the_generation():
    old, new = UtteranceKey("a", 0, 1), UtteranceKey("a", 1, 2)
    speech = RampSpeech()
    async with serving(RampEngines(speech)) as (channel, messages, _):
        speech.gate.clear()
        begin(channel, old, "x x x")
        channel.send(Cancel("a", 1))
        begin(channel, new, "y")
        await asyncio.sleep(0.02)
        speech.gate.set()
        spoken, finished = set(), []
        while new not in finished:
            message = await anext(messages)
            if isinstance(message, Slot):
                spoken.add(message.key)
            elif isinstance(message, Finished):
                finished.append(message.key)
        assert finished == [old, new], "what is cancelled ends, early"
        assert spoken == {new}


async def test_a_dropped_utterance_says_nothing_more_and_others_go_on():
    gone, stays = UtteranceKey("a", 0, 1), UtteranceKey("b", 0, 1)
    async with serving() as (channel, messages, _):
        begin(channel, gone, "x " * 50, window=2)
        while not isinstance(await anext(messages), Slot):
            pass
        channel.send(Drop(gone))
        channel.send(Credit(gone, 500))
        begin(channel, stays, "y")
        late = []
        while (message := await anext(messages)) != Finished(stays):
            late.append(message)
        assert sum(isinstance(m, Slot) and m.key == gone for m in late) <= 1, "one slot may be under way"


async def test_a_broken_engine_fails_one_utterance():
    bad, good = UtteranceKey("a", 0, 1), UtteranceKey("a", 0, 2)
    async with serving() as (channel, messages, _):
        begin(channel, bad, "boom")
        begin(channel, good, "fine")
        ends = {}
        while len(ends) < 2:
            message = await anext(messages)
            if isinstance(message, Failed | Finished):
                ends[message.key] = message
        assert isinstance(ends[bad], Failed) and ends[bad].code == "engine_failed"
        assert isinstance(ends[good], Finished)


async def test_an_utterance_that_is_dropped_before_it_begins_is_forgotten():
    ours, theirs = socket.socketpair()
    near: Channel[FromPerformer] = Channel(*await asyncio.open_unix_connection(sock=ours), FromPerformer)
    far: Channel[ToPerformer] = Channel(*await asyncio.open_unix_connection(sock=theirs), ToPerformer)
    server = PerformerServer(RampEngines(), far)
    # All in one portion, so that the server meets the end before the beginning had its turn.
    for sequence in range(5):
        begin(near, UtteranceKey("a", 0, sequence), "x")
    near.send(Drop(UtteranceKey("a", 0, 0)))
    near.send(Cancel("a", 1))
    near.send(Describe())
    serving = asyncio.create_task(server.serve())
    messages = near.messages()
    assert isinstance(await anext(messages), Description) and isinstance(await anext(messages), Description)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not server._running
    await near.close()
    await serving
    await far.close()


CARD = CardDescription("T4: none", 0, 0.0, "taesd", 1, 2, 3)


async def test_it_tells_what_its_card_carries():
    engines = RampEngines()
    engines.card, engines.sessions = CARD, 0
    async with serving(engines) as (_, _, description):
        assert description.card == CARD and description.capacity == 0
        assert description.memory_bytes > 0


async def test_what_nobody_needs_is_unloaded():
    clock, engines = ManualClock(), RampEngines()
    resources = Resources(None, EngineOptions(gpu=GpuOptions(idle_seconds=60)), clock)
    async with serving(engines, resources) as (channel, messages, _):
        await clock.advance(59)
        key = UtteranceKey("a", 0, 1)
        begin(channel, key, "one two")
        while not isinstance(await anext(messages), Finished):
            pass
        await clock.advance(59)
        assert engines.unloaded == 0
        await clock.advance(2)
        assert engines.unloaded == 1
