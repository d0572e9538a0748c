# pyright: reportMissingImports=false
"""MuseTalk as the line uses it, with tiny networks of random weights."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="MuseTalk needs diffusers, the rest of the program does not")

import torch

from avatars.store import AvatarStore
from streaming.clock import SystemClock
from streaming.errors import EngineFailed, EngineUnavailable
from streaming.face.base import FaceRequest
from streaming.face.musetalk import engine as engine_module
from streaming.face.musetalk.engine import RETRY_SECONDS, MuseTalkEngine, status
from streaming.face.musetalk.options import MuseTalkOptions
from streaming.gpu.admission import Plan
from streaming.gpu.budget import MemoryReport
from streaming.gpu.calibration import Calibration
from streaming.gpu.costs import Costs
from streaming.options import EngineOptions
from streaming.playhead import Playhead
from streaming.resources import Resources
from streaming.slots import FacePixels
from streaming.speech.base import SpeechChunk
from tests.support.clock import ManualClock
from tests.support.faces import AVATAR, request, resources_of, settled, shown, silence, talk
from tests.support.musetalk_part import RECT, part_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def running(weights: Path, data_dir: Path, **options) -> AsyncIterator[MuseTalkEngine]:
    resources = resources_of(weights, data_dir, **options)
    engine = MuseTalkEngine(resources)
    await engine.warm_up()
    yield engine
    await asyncio.to_thread(resources.compute.close)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(
    musetalk_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[MuseTalkEngine]:
    async with running(musetalk_folder, tmp_path_factory.mktemp("data")) as engine:
        yield engine


def difference(left: FacePixels, right: FacePixels) -> int:
    assert left.frame == right.frame and len(left.pixels) == len(right.pixels)
    if not left.pixels:
        return 0
    one, other = (np.frombuffer(patch.pixels, np.uint8).astype(int) for patch in (left, right))
    return int(np.abs(one - other).max())


def same(left: list[FacePixels], right: list[FacePixels], levels: int = 1) -> bool:
    """Equal up to the rounding of batches of another size."""
    assert len(left) == len(right)
    return all(difference(a, b) <= levels for a, b in zip(left, right, strict=True))


async def test_a_frame_for_every_slot_with_the_pixels_of_the_patch(engine: MuseTalkEngine) -> None:
    pcm = talk(1.0)[:-100]
    patches = await shown(engine.open(request()), pcm)
    assert len(patches) == 25
    _, _, width, height = RECT
    assert {len(patch.pixels) for patch in patches} == {width * height * 3 // 2}
    assert {patch.frame for patch in patches} == {0}
    assert max(patch.energy for patch in patches) > 0.5


async def test_what_is_heard_is_seen(engine: MuseTalkEngine) -> None:
    one = await shown(engine.open(request()), talk(0.3))
    other = await shown(engine.open(request()), talk(0.3, seed=9))
    assert max(difference(a, b) for a, b in zip(one, other, strict=True)) > 10


@pytest.mark.parametrize("pieces", [2, 61, 1000])
async def test_streamed_frames_equal_those_of_the_whole(engine: MuseTalkEngine, pieces: int) -> None:
    pcm = np.concatenate((talk(0.4), silence(0.4), talk(0.3, 1)))
    whole = await shown(engine.open(request()), pcm)
    assert same(await shown(engine.open(request()), pcm, pieces), whole)


async def test_sessions_side_by_side_get_what_they_get_alone(engine: MuseTalkEngine) -> None:
    sounds = [talk(0.4, seed) for seed in range(3)]
    alone = [await shown(engine.open(request()), pcm) for pcm in sounds]
    streams = [engine.open(request()) for _ in sounds]
    together = await asyncio.gather(
        *(shown(stream, pcm, 11) for stream, pcm in zip(streams, sounds, strict=True))
    )
    assert all(same(left, right) for left, right in zip(together, alone, strict=True))


async def test_silence_shows_the_avatars_own_mouth_and_draws_nothing(engine: MuseTalkEngine) -> None:
    patches = await shown(engine.open(request()), np.concatenate((silence(1), talk(1), silence(1))))
    drawn = [bool(patch.pixels) for patch in patches]
    assert not any(drawn[:22]) and all(drawn[25:50]) and not any(drawn[55:])


async def test_what_is_known_at_once_is_given_at_once(engine: MuseTalkEngine) -> None:
    stream = engine.open(request())
    decided = [*stream.push(SpeechChunk(silence(1))), *stream.flush()]
    assert len(decided) == 25 and all(isinstance(patch, FacePixels) for patch in decided)


async def test_the_first_frame_wants_little_sound(engine: MuseTalkEngine) -> None:
    stream = engine.open(request())
    assert len(stream.push(SpeechChunk(talk(0.12)))) == 0
    assert len(stream.push(SpeechChunk(talk(0.02)))) == 1


async def test_nothing_is_drawn_for_nobody(engine: MuseTalkEngine) -> None:
    stream = engine.open(request())
    promises = stream.push(SpeechChunk(talk(20.0)))
    stream.close()
    assert await shown(engine.open(request()), talk(0.2))
    left = [each for each in promises if isinstance(each, asyncio.Future) and not each.done()]
    assert len(left) > len(promises) - 40


async def test_an_avatar_without_a_part_is_refused_with_what_helps(engine: MuseTalkEngine) -> None:
    with pytest.raises(EngineUnavailable, match="lipstream avatar rebuild theo"):
        engine.open(FaceRequest("theo"))
    with pytest.raises(EngineUnavailable, match="no avatar 'nobody'"):
        engine.open(FaceRequest("nobody"))


async def test_a_part_that_is_built_anew_is_shown_from_the_next_utterance_on(
    musetalk_folder: Path, tmp_path: Path
) -> None:
    async with running(musetalk_folder, tmp_path) as engine:
        await check_rebuilding(engine, AvatarStore(tmp_path / "avatars"))


async def check_rebuilding(engine: MuseTalkEngine, store: AvatarStore) -> None:
    before = await shown(engine.open(request()), talk(0.4))
    store.put_musetalk(AVATAR, part_of(store.get(AVATAR), method="another", seed=8))
    after = await shown(engine.open(request()), talk(0.4))
    assert not same(before, after)


async def test_it_leaves_the_card_and_comes_back(engine: MuseTalkEngine) -> None:
    before = await shown(engine.open(request()), talk(0.4))
    assert await engine.unload() and not await engine.unload()
    assert engine.steps() is None
    assert same(await shown(engine.open(request()), talk(0.4)), before)
    assert engine.steps() is not None


async def test_it_stays_while_anybody_speaks(engine: MuseTalkEngine) -> None:
    stream = engine.open(request())
    promises = stream.push(SpeechChunk(talk(0.4)))
    assert not await engine.unload()
    async with asyncio.timeout(60):
        assert all(patch.pixels for patch in await settled(promises))
    stream.close()
    assert await engine.unload()
    await engine.warm_up()


async def test_its_memory_is_free_when_it_is_given_back(
    engine: MuseTalkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.warm_up()
    machine, left = weakref.ref(engine._machine), []
    monkeypatch.setattr(engine_module, "release", lambda: left.append((gc.collect(), machine())[1]))
    assert await engine.unload() and left == [None]
    await engine.warm_up()


async def test_who_is_cancelled_while_it_is_loaded_does_not_have_it_loaded_twice(
    engine: MuseTalkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.unload()
    loads, begun, go = list[int](), threading.Event(), threading.Event()
    load = engine._load

    def slow():
        loads.append(1)
        begun.set()
        assert go.wait(60)
        return load()

    monkeypatch.setattr(engine, "_load", slow)
    first = asyncio.ensure_future(engine.warm_up())
    assert await asyncio.to_thread(begun.wait, 60)
    first.cancel()
    await asyncio.wait((first,))
    second = asyncio.ensure_future(engine.warm_up())
    await asyncio.sleep(0)
    go.set()
    await second
    assert first.cancelled() and len(loads) == 1
    assert any(patch.pixels for patch in await shown(engine.open(request()), talk(0.3)))


async def test_what_cannot_be_loaded_again_is_told_and_not_tried_for_every_frame(
    musetalk_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(musetalk_folder, tmp_path) as engine:
        await check_reloading(engine, monkeypatch)


async def check_reloading(engine: MuseTalkEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    await engine.unload()
    loads, halves = list[int](), list[weakref.ref[threading.Event]]()
    clock = ManualClock()

    def broken():
        half = threading.Event()
        loads.append(1)
        halves.append(weakref.ref(half))
        raise RuntimeError("the card fell out")

    with monkeypatch.context() as patched:
        patched.setattr(engine, "_load", broken)
        patched.setattr(engine, "_clock", clock)
        told: list[tuple[str, str, str]] = []
        for _ in range(3):
            stream = engine.open(request(on_news=lambda *news: told.append(news)))
            assert not any(patch.pixels for patch in await shown(stream, talk(0.3), 5))
        assert len(loads) == 1, "the thread is needed for voices"
        assert [code for code, _, _ in told] == ["face_failed"] * 3 and "the card fell out" in told[-1][2]
        clock.jump(RETRY_SECONDS)
        await shown(engine.open(request()), talk(0.3))
        assert len(loads) == 2
        with pytest.raises(EngineFailed, match="the card fell out") as failed:
            await engine.warm_up()
    assert failed.value.__cause__ is None and [half() for half in halves] == [None] * 3
    clock.jump(RETRY_SECONDS)
    engine._retry_at = 0.0
    assert any(patch.pixels for patch in await shown(engine.open(request()), talk(0.3)))


def calibrated(frame_rate: float, faces: dict[str, dict[int, float]]) -> Calibration:
    plan = Plan(
        sessions=1, frame_rate=frame_rate, decoder="taesd", face_sizes=(1, 2), load=0.5, reason="a test"
    )
    memory = MemoryReport(device="cpu", allocated=0, reserved=0, peak=0, budget=0, enforced=False)
    return Calibration(device="cpu", costs=Costs(face=faces), plan=plan, memory=memory, seconds=0.0)


async def test_a_slow_card_draws_every_other_frame_and_shows_it_twice(
    musetalk_folder: Path, tmp_path: Path
) -> None:
    async with running(musetalk_folder, tmp_path) as engine:
        await check_half_rate(engine)


async def check_half_rate(engine: MuseTalkEngine) -> None:
    full = await shown(engine.open(request()), talk(0.6))
    engine.use(calibrated(12.5, {"taesd": {1: 0.05, 2: 0.08}}))
    slow = await shown(engine.open(request()), talk(0.6))
    assert len(slow) == 15
    assert [patch.pixels for patch in slow[1::2]] == [patch.pixels for patch in slow[2::2]]
    assert same(slow[1::2], full[1::2]) and not same(slow[2::2], full[2::2], levels=0)
    offline = engine.open(request(playhead=Playhead(SystemClock(), "offline")))
    film = await shown(offline, talk(0.6))
    assert all(a.pixels != b.pixels for a, b in pairwise(film)), "nobody waits for it, so it has all frames"


async def test_films_are_drawn_by_the_better_decoder(musetalk_folder: Path, tmp_path: Path) -> None:
    async with running(musetalk_folder, tmp_path, render_decoder="vae") as engine:
        live = await shown(engine.open(request()), talk(0.4))
        film = await shown(engine.open(request(playhead=Playhead(SystemClock(), "offline"))), talk(0.4))
    assert len(live) == len(film) == 10 and not same(live, film, levels=20)


async def test_too_little_memory_makes_smaller_batches_and_is_told(
    musetalk_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(musetalk_folder, tmp_path) as engine:
        await check_scarcity(engine, monkeypatch)


async def check_scarcity(engine: MuseTalkEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = await shown(engine.open(request()), talk(0.6))
    machine = engine._machine
    assert machine is not None
    draw = machine.draw

    def scarce(frames, decoder):
        if len(frames) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return draw(frames, decoder)

    monkeypatch.setattr(machine, "draw", scarce)
    told: list[tuple[str, str, str]] = []
    patches = await shown(engine.open(request(on_news=lambda *news: told.append(news))), talk(0.6))
    assert same(patches, expected)
    assert machine.renderer.sizes == (1, 2)
    assert [(code, name) for code, name, _ in told] == [("memory_low", "musetalk")]
    assert "at a time" in told[0][2]


@pytest.mark.parametrize("error", [RuntimeError("a kernel failed"), torch.OutOfMemoryError("out of memory")])
async def test_a_face_that_cannot_be_drawn_does_not_stop_the_voice(
    engine: MuseTalkEngine, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    machine = engine._machine
    assert machine is not None

    def broken(frames, decoder):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(machine, "draw", broken)
        told: list[tuple[str, str, str]] = []
        patches = await shown(engine.open(request(on_news=lambda *news: told.append(news))), talk(0.5))
    assert len(patches) == 13 and not any(patch.pixels for patch in patches)
    assert "face_failed" in {code for code, _, _ in told}
    assert any(patch.pixels for patch in await shown(engine.open(request()), talk(0.5))), "the next one works"


async def test_a_face_that_cannot_be_drawn_leaves_those_of_others_alone(
    engine: MuseTalkEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = engine._machine
    assert machine is not None
    draw = machine.draw
    bad, good = engine.open(request()), engine.open(request())

    def broken(frames, decoder):
        if any(frame.orders is bad._orders for frame in frames):
            raise RuntimeError("latents of another shape")
        return draw(frames, decoder)

    monkeypatch.setattr(machine, "draw", broken)
    blank, drawn = await asyncio.gather(shown(bad, talk(0.6)), shown(good, talk(0.6)))
    assert not any(patch.pixels for patch in blank) and all(patch.pixels for patch in drawn)


async def test_no_picture_is_no_pixels(engine: MuseTalkEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = engine._machine
    assert machine is not None
    hear = machine.hear

    def deafened(sounds):
        hear(sounds)
        for sound in sounds:
            if sound.window.first == 3:
                sound.features = torch.full_like(sound.features, torch.nan)

    monkeypatch.setattr(machine, "hear", deafened)
    patches = await shown(engine.open(request()), talk(0.4))
    assert [bool(patch.pixels) for patch in patches] == [i not in (3, 4) for i in range(10)]


async def test_weights_that_are_missing(tmp_path: Path) -> None:
    resources = Resources(tmp_path, EngineOptions(musetalk=MuseTalkOptions(folder=str(tmp_path / "none"))))
    with pytest.raises(EngineUnavailable, match="does not hold all of MuseTalk"):
        await MuseTalkEngine(resources).warm_up()
    assert not status(resources).ready


async def test_what_doctor_says(musetalk_folder: Path, tmp_path: Path) -> None:
    said = status(resources_of(musetalk_folder, tmp_path))
    assert said.ready and said.detail == f"avatars with a part for it: {AVATAR}"
