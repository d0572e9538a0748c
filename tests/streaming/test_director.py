import asyncio
from contextlib import asynccontextmanager

from streaming.director import Director, Shown
from streaming.performer.base import PerformRequest
from streaming.slots import Notice, UtteranceKey
from streaming.utterance import TextUtterance, Utterance
from tests.support.engines import DirectPerformer, slots_for

SHOWN = Shown("mira", position=40, queued=7)


def entry(name: str, text: str, generation: int = 0, sequence: int = 1) -> TextUtterance:
    made = TextUtterance(name, UtteranceKey("s", generation, sequence), accepted=0.0)
    made.write(text, final=True)
    return made


@asynccontextmanager
async def directing(wanted=lambda _: True):
    notices: list[tuple[str, Notice]] = []
    performer = DirectPerformer()
    director = Director(performer, lambda: SHOWN, wanted, lambda e, n: notices.append((e.name, n)))
    task = asyncio.create_task(director.run())
    try:
        yield director, performer, notices
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def taken(utterance: Utterance) -> int:
    """Take slots until the utterance is exhausted; how many there were."""
    count = 0
    while not utterance.exhausted:
        count += utterance.take() is not None
        await asyncio.sleep(0)
    return count


async def test_utterances_are_performed_in_order_and_whole():
    first, second = entry("first", "a b c"), entry("second", "d", sequence=2)
    async with directing() as (director, _, notices):
        director.submit(first)
        director.submit(second)
        assert await taken(first) == slots_for(3)
        assert await taken(second) == slots_for(1)
    assert [(name, notice.engine) for name, notice in notices] == [("first", "ramp"), ("second", "ramp")]


async def test_what_an_interrupt_overtook_is_not_begun():
    old, new = entry("old", "a"), entry("new", "b", generation=1)
    async with directing(lambda e: e.key.generation == 1) as (director, _, notices):
        director.submit(old)
        director.submit(new)
        assert await taken(new) == slots_for(1)
    assert [name for name, _ in notices] == ["new"] and not old.all_received


async def test_dropping_the_current_one_goes_on_with_the_next():
    stuck, following = entry("stuck", "a b"), entry("next", "c", sequence=2)
    async with directing() as (director, performer, _):
        performer.speech.gate.clear()
        director.submit(stuck)
        director.submit(following)
        await asyncio.sleep(0.01)
        director.drop_current()
        performer.speech.gate.set()
        assert await taken(following) == slots_for(1)
    assert stuck.all_received and stuck.take() is None


async def test_a_failure_stays_with_its_utterance():
    bad, good = entry("bad", "boom"), entry("good", "fine", sequence=2)
    async with directing() as (director, _, _):
        director.submit(bad)
        director.submit(good)
        assert await taken(good) == slots_for(1)
    assert bad.error is not None and bad.error[0] == "internal_error" and good.error is None


async def test_the_performer_is_told_what_is_shown():
    asked: list[PerformRequest] = []
    async with directing() as (director, performer, _):
        perform = performer.perform

        def spy(request, script):
            asked.append(request)
            return perform(request, script)

        performer.perform = spy
        said = entry("said", "a")
        director.submit(said)
        await taken(said)
    assert [(r.avatar, r.position, r.queued) for r in asked] == [("mira", 40, 7)]
