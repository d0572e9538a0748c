# pyright: reportMissingImports=false
"""Qwen3-TTS as one source of work among others: its deadlines, its thread, its memory."""

import pytest

torch = pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")

import asyncio  # noqa: E402
import gc  # noqa: E402
import math  # noqa: E402
import threading  # noqa: E402
import weakref  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

from streaming.clock import SystemClock  # noqa: E402
from streaming.errors import EngineFailed  # noqa: E402
from streaming.gpu.calibration import FaceSteps, Stopwatch, measure_costs  # noqa: E402
from streaming.gpu.compute import ComputeThread  # noqa: E402
from streaming.gpu.work import AT_ONCE, RunningMean  # noqa: E402
from streaming.playhead import Playhead  # noqa: E402
from streaming.speech.qwen3 import guards, rehearsal  # noqa: E402
from streaming.speech.qwen3.conductor import STEP_SECONDS  # noqa: E402
from streaming.speech.qwen3.engine import Qwen3Engine  # noqa: E402
from streaming.speech.qwen3.options import Qwen3Options  # noqa: E402
from streaming.speech.qwen3.package import missing  # noqa: E402
from streaming.speech.qwen3.sentence import FACE_SECONDS  # noqa: E402
from tests.support.clock import ManualClock  # noqa: E402
from tests.support.gpu import Job  # noqa: E402
from tests.support.qwen3_engine import (  # noqa: E402
    SESSIONS,
    Steps,
    idle,
    request,
    shorten,
    sound_of,
    speak,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}")

TEXT = "Good morning to everybody here. It is 5 o'clock, and we begin!"
LONG = "This would go on for a very long time indeed."
FRAME_SECONDS = 0.08


@pytest.fixture(autouse=True)
def short_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(monkeypatch)


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="module")
def compute(clock: ManualClock) -> ComputeThread:
    return ComputeThread(clock)


@pytest.fixture(scope="module")
def engine(checkpoint: Callable[[str], Path], compute: ComputeThread) -> Qwen3Engine:
    torch.set_num_threads(1)
    options = Qwen3Options(model=str(checkpoint("custom_voice")), sessions=SESSIONS, device="cpu")
    engine = Qwen3Engine(None, options, compute)
    asyncio.run(engine.warm_up())
    return engine


def conductor_of(engine: Qwen3Engine) -> Any:
    assert engine._conductor is not None
    return engine._conductor


async def on_thread(compute: ComputeThread, function: Callable[[], Any]) -> Any:
    return await asyncio.wrap_future(compute.call(function))


async def test_it_speaks_on_the_thread_that_it_is_given(
    engine: Qwen3Engine, compute: ComputeThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()
    loop = conductor_of(engine).machine.loop
    step = loop.step
    monkeypatch.setattr(loop, "step", lambda s: threads.add(threading.get_ident()) or step(s))
    assert sound_of(await speak(engine, TEXT)).size
    assert threads == {await on_thread(compute, threading.get_ident)}


async def test_other_work_goes_on_beside_it(
    engine: Qwen3Engine, compute: ComputeThread, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = sound_of(await speak(engine, TEXT))
    steps, log = Steps(engine, monkeypatch), list[str]()
    steps.hold(at=5)
    speaking = asyncio.ensure_future(speak(engine, TEXT))
    await steps.held()
    # More urgent than what is only wanted as soon as can be.
    compute.add(Job(clock, log, "faces", clock.now() - 1.0, cost=0.01, steps=40))
    steps.go_on()
    assert np.array_equal(sound_of(await speaking), alone)
    assert log == ["faces"] * 40 and steps.count > 6


async def test_with_nothing_to_say_nothing_is_due(engine: Qwen3Engine, compute: ComputeThread) -> None:
    await speak(engine, TEXT)
    await idle(engine)
    assert await on_thread(compute, conductor_of(engine).due) is None


async def test_its_due_time_is_when_the_sound_runs_dry(
    engine: Qwen3Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, 1000)
    conductor, playhead = conductor_of(engine), Playhead(clock)
    steps = Steps(engine, monkeypatch)
    steps.hold(at=3)
    chunks = engine.synthesize(request(LONG, playhead=playhead))
    heard = len((await anext(chunks)).pcm) / 24_000
    playhead.sent(0)
    await steps.held()
    # Three frames were made and heard, one chunk each; the next chunk needs two.
    for _ in range(2):
        heard += len((await anext(chunks)).pcm) / 24_000
    clock.jump(5.0)
    expected = playhead.due(heard) - FACE_SECONDS - conductor._frames_cost.value
    assert conductor.due() == pytest.approx(expected)
    assert heard == pytest.approx(3 * FRAME_SECONDS, abs=FRAME_SECONDS)
    await chunks.aclose()
    assert conductor.due() == AT_ONCE
    steps.go_on()
    await idle(engine)


async def test_what_was_said_before_counts(
    engine: Qwen3Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    conductor, playhead = conductor_of(engine), Playhead(clock)
    playhead.sent(0)
    seen: list[float] = []
    loop = conductor.machine.loop
    step = loop.step
    monkeypatch.setattr(conductor, "_frames_cost", RunningMean(0.0))
    monkeypatch.setattr(loop, "step", lambda s: seen.append(conductor.due()) or step(s))
    chunks = await speak(engine, TEXT, playhead=playhead, speed=2.0)
    ends = np.cumsum([len(chunk.pcm) for chunk in chunks]) / 24_000
    first = next(i for i, chunk in enumerate(chunks) if chunk.final_of_clause)
    after = [due for due in seen if due >= playhead.due(ends[first]) - FACE_SECONDS - 1e-6]
    assert after and after[0] == pytest.approx(playhead.due(ends[first]) - FACE_SECONDS)
    assert seen[0] == pytest.approx(playhead.due(0.0) - FACE_SECONDS)
    # Later sound is due later; played at twice the speed, half as late.
    assert max(seen) <= playhead.due(ends[-1]) and seen == sorted(seen)


async def test_without_a_playhead_it_is_wanted_now_and_for_a_file_by_nobody(
    engine: Qwen3Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, 1000)
    conductor = conductor_of(engine)
    for playhead, due in ((None, clock.now()), (Playhead(clock, "offline"), math.inf)):
        with monkeypatch.context() as patch:
            steps = Steps(engine, patch)
            steps.hold(at=2)
            chunks = engine.synthesize(request(LONG, playhead=playhead))
            await anext(chunks)
            await steps.held()
            assert conductor.due() == due
            await chunks.aclose()
            steps.go_on()
            await idle(engine)


async def test_its_cost_is_what_its_steps_took_lately(
    engine: Qwen3Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = conductor_of(engine).machine.loop
    step = loop.step
    monkeypatch.setattr(loop, "step", lambda s: clock.jump(0.2) or step(s))
    for _ in range(4):
        await speak(engine, TEXT)
    assert conductor_of(engine)._frames_cost.value == pytest.approx(0.2, rel=0.05)
    assert conductor_of(engine)._sound_cost.value < 0.1
    assert STEP_SECONDS < 0.2


async def test_a_lack_of_memory_ends_an_utterance_and_not_the_engine(
    engine: Qwen3Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(streams: object) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")

    with monkeypatch.context() as patch:
        patch.setattr(conductor_of(engine).machine.loop, "step", full)
        with pytest.raises(EngineFailed, match="card's memory"):
            await speak(engine, TEXT)
    assert sound_of(await speak(engine, TEXT)).size


async def test_its_steps_can_be_timed_while_nobody_speaks(
    engine: Qwen3Engine, compute: ComputeThread
) -> None:
    def measure() -> Any:
        with engine.measured_steps() as steps:
            return measure_costs(steps, FaceSteps(), Stopwatch(SystemClock().now, lambda: None), 0.2)

    costs = await on_thread(compute, measure)
    assert set(costs.speech) == {1, 2, 3} and set(costs.codec) == set(rehearsal.CHUNKS)
    assert min(costs.speech.values()) > 0 and min(costs.codec.values()) > 0
    assert conductor_of(engine).machine.loop.free == SESSIONS
    before = await speak(engine, TEXT, seed=5)
    await on_thread(compute, measure)
    assert np.array_equal(sound_of(await speak(engine, TEXT, seed=5)), sound_of(before))
    chunks = engine.synthesize(request(TEXT))
    await anext(chunks)
    with pytest.raises(EngineFailed, match="nobody speaks"):
        engine.measured_steps()
    await chunks.aclose()


async def test_its_memory_is_free_after_unloading_and_it_speaks_again(
    checkpoint: Callable[[str], Path],
) -> None:
    options = Qwen3Options(model=str(checkpoint("custom_voice")), sessions=2, device="cpu")
    engine = Qwen3Engine(None, options)
    assert not await engine.unload()
    before = sound_of(await speak(engine, TEXT))
    machine = conductor_of(engine).machine
    model, loop = weakref.ref(machine.model), weakref.ref(machine.loop)
    del machine
    chunks = engine.synthesize(request(TEXT))
    await anext(chunks)
    assert not await engine.unload()
    await chunks.aclose()
    assert await engine.unload() and not await engine.unload()
    gc.collect()
    assert model() is None and loop() is None
    with pytest.raises(EngineFailed):
        engine.measured_steps()
    assert engine.voices()
    assert np.array_equal(sound_of(await speak(engine, TEXT)), before)


async def test_who_is_interrupted_while_it_is_loaded_does_not_have_it_loaded_twice(
    checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Qwen3Engine(None, Qwen3Options(model=str(checkpoint("custom_voice")), device="cpu"))
    loads, begun, go = list[int](), threading.Event(), threading.Event()
    load = engine._load

    def slow() -> None:
        loads.append(1)
        begun.set()
        assert go.wait(60)
        load()

    monkeypatch.setattr(engine, "_load", slow)
    interrupted = asyncio.ensure_future(speak(engine, TEXT))
    assert await asyncio.to_thread(begun.wait, 60)
    interrupted.cancel()
    await asyncio.wait((interrupted,))
    again = asyncio.ensure_future(speak(engine, TEXT))
    await asyncio.sleep(0)
    go.set()
    assert sound_of(await again).size and len(loads) == 1


async def test_who_asks_while_it_is_being_unloaded_is_heard(checkpoint: Callable[[str], Path]) -> None:
    options = Qwen3Options(model=str(checkpoint("custom_voice")), sessions=2, device="cpu")
    engine = Qwen3Engine(None, options)
    await engine.warm_up()
    unloaded, chunks = await asyncio.gather(engine.unload(), speak(engine, TEXT))
    assert unloaded and sound_of(chunks).size
    spoken, unloaded = await asyncio.gather(speak(engine, TEXT), engine.unload())
    assert not unloaded and sound_of(spoken).size


async def test_a_file_is_spoken_along_with_who_is_live(
    engine: Qwen3Engine, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "FRAMES_PER_TOKEN", 3)
    over: list[str] = []

    async def say(name: str, text: str, playhead: Playhead) -> None:
        chunks = await speak(engine, text, playhead=playhead)
        over.append(name if sound_of(chunks).size else "nobody")

    steps = Steps(engine, monkeypatch)
    steps.hold(at=3)
    live = asyncio.ensure_future(say("live", LONG[:-1] + " and then for much longer still.", Playhead(clock)))
    await steps.held()
    file = asyncio.ensure_future(say("file", "Good morning to you all.", Playhead(clock, "offline")))
    await asyncio.sleep(0.05)
    steps.go_on()
    await asyncio.gather(live, file)
    assert over == ["file", "live"] and max(steps.sizes) == 2
