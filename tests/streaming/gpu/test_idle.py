import asyncio

import pytest

from streaming.gpu.idle import IdleUnloading
from tests.support.clock import ManualClock, settle


class Models:
    def __init__(self, clock: ManualClock) -> None:
        self.unloaded: list[float] = []
        self.hold: asyncio.Event | None = None
        self._clock = clock

    async def unload(self) -> bool:
        if self.hold is not None:
            await self.hold.wait()
        self.unloaded.append(self._clock.now())
        return True


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0.0)


async def test_models_leave_some_time_after_the_last_utterance(clock: ManualClock) -> None:
    models = Models(clock)
    idle = IdleUnloading(60.0, models.unload, clock)
    with idle.utterance():
        await clock.advance(100.0)
        with idle.utterance():
            await clock.advance(100.0)
        await clock.advance(100.0)
    await clock.advance(59.0)
    assert models.unloaded == []
    await clock.advance(1.5)
    assert models.unloaded == [360.0]
    await clock.advance(500.0)
    assert len(models.unloaded) == 1


async def test_who_speaks_again_keeps_them(clock: ManualClock) -> None:
    models = Models(clock)
    idle = IdleUnloading(60.0, models.unload, clock)
    for _ in range(10):
        with idle.utterance():
            await clock.advance(1.0)
        await clock.advance(50.0)
    assert models.unloaded == []
    await clock.advance(11.0)
    assert len(models.unloaded) == 1


async def test_models_that_nobody_ever_uses_leave_as_well(clock: ManualClock) -> None:
    models = Models(clock)
    idle = IdleUnloading(60.0, models.unload, clock)
    idle.start()
    await clock.advance(61.0)
    assert models.unloaded == [60.0]


async def test_without_a_time_they_stay(clock: ManualClock) -> None:
    models = Models(clock)
    idle = IdleUnloading(None, models.unload, clock)
    idle.start()
    with idle.utterance():
        pass
    await clock.advance(1e6)
    assert models.unloaded == []


async def test_an_utterance_that_fails_counts_as_over(clock: ManualClock) -> None:
    models = Models(clock)
    idle = IdleUnloading(60.0, models.unload, clock)
    with pytest.raises(RuntimeError), idle.utterance():
        raise RuntimeError
    await clock.advance(61.0)
    assert len(models.unloaded) == 1


async def test_an_unloading_that_has_begun_is_not_cut_short(clock: ManualClock) -> None:
    models = Models(clock)
    models.hold = asyncio.Event()
    idle = IdleUnloading(60.0, models.unload, clock)
    idle.start()
    await clock.advance(61.0)
    with idle.utterance():
        models.hold.set()
        await settle()
        assert len(models.unloaded) == 1
    idle.close()


async def test_a_failure_is_no_end(clock: ManualClock) -> None:
    calls: list[float] = []

    async def broken() -> None:
        calls.append(clock.now())
        raise RuntimeError("no")

    idle = IdleUnloading(60.0, broken, clock)
    idle.start()
    await clock.advance(61.0)
    with idle.utterance():
        pass
    await clock.advance(61.0)
    assert calls == [60.0, 121.0]


async def test_after_closing_nothing_is_unloaded(clock: ManualClock) -> None:
    models = Models(clock)
    idle = IdleUnloading(60.0, models.unload, clock)
    idle.start()
    idle.close()
    with idle.utterance():
        pass
    await clock.advance(1000.0)
    assert models.unloaded == []
