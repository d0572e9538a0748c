import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from streaming.errors import EngineFailed, LipstreamError, PerformerLost, ScriptRejected
from streaming.performer import local
from streaming.performer.base import PerformRequest
from streaming.performer.local import LocalPerformer, PerformerConfig
from streaming.performer.messages import Text
from streaming.script import piece_of
from streaming.slots import MouthShape, Notice, Slot, UtteranceKey
from streaming.speech import kokoro_files
from streaming.speech.base import SpeechRequest
from streaming.speech.registry import build_chain
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE
from tests.support.clock import settle
from tests.support.viewer import until

TEXT = "My name is Bob. Maybe we can help."


async def one(text: str) -> AsyncIterator[str]:
    yield text


@asynccontextmanager
async def running(**options):
    performer = LocalPerformer(**options)
    try:
        await performer.start()
        yield performer
    finally:
        await performer.close()


def request(sequence: int = 1, session: str = "s", generation: int = 0, **options) -> PerformRequest:
    return PerformRequest(UtteranceKey(session, generation, sequence), "mira", **options)


async def slots_of(performer: LocalPerformer, req: PerformRequest, text: str = TEXT) -> list[Slot]:
    return [item async for item in performer.perform(req, one(text)) if isinstance(item, Slot)]


async def test_speech_crosses_the_process_boundary_sample_for_sample():
    engine = build_chain("hibari")
    await engine.warm_up()
    spoken = np.concatenate([c.pcm async for c in engine.synthesize(SpeechRequest(one(TEXT), seed=5))])
    async with running() as performer:
        described = await performer.describe()
        slots = await slots_of(performer, request(seed=5))
    assert described.speech == ("hibari",) and described.memory_bytes > 0 and described.voices
    sent = np.concatenate([slot.samples for slot in slots])
    assert np.array_equal(sent[: spoken.size], spoken)
    assert 0 <= sent.size - spoken.size < 960
    assert [slot.index for slot in slots] == list(range(len(slots)))
    assert [word.text for slot in slots for word in slot.words] == TEXT.replace(".", "").split()
    assert max(aperture(slot) for slot in slots) > 0.3


def aperture(slot: Slot) -> float:
    assert isinstance(slot.patch, MouthShape)
    return slot.patch.aperture


async def test_a_killed_performer_loses_one_utterance_and_comes_back():
    restarted: list[int] = []
    async with running(on_restart=lambda: restarted.append(1)) as performer:
        first = performer.pid
        assert first is not None
        async with aclosing(performer.perform(request(window=4), one(TEXT))) as items:
            await anext(items)
            os.kill(first, signal.SIGKILL)
            with pytest.raises(PerformerLost):
                async for _ in items:
                    await asyncio.sleep(0.01)
        assert len(await slots_of(performer, request(2))) > 20
        assert performer.pid != first and restarted == [1] and performer.restarts == 1


async def test_a_consumer_that_leaves_frees_the_performer():
    async with running() as performer:
        async with aclosing(performer.perform(request(window=2), one(TEXT * 40))) as items:
            async for item in items:
                if isinstance(item, Slot):
                    break
        assert not performer._inboxes
        assert await slots_of(performer, request(2))


async def test_cancel_ends_what_is_older():
    async with running() as performer:
        window = 3
        old = performer.perform(request(window=window), one(TEXT * 20))
        async with aclosing(old):
            assert isinstance(await anext(old), Notice)
            assert isinstance(await anext(old), Slot)
            await performer.cancel("s", 1)
            assert await slots_of(performer, request(2, generation=1))
            # What was under way may still come, then it ends; without the cancelling, all of the rest would.
            assert len([item async for item in old]) <= window


async def test_text_token_by_token_gives_every_word():
    async def tokens() -> AsyncIterator[str]:
        for token in ("Hel", "lo the", "re, my", " friend. ", "By", "e."):
            yield token
            await asyncio.sleep(0.005)

    async with running() as performer:
        items = [item async for item in performer.perform(request(), tokens()) if isinstance(item, Slot)]
    assert [word.text for slot in items for word in slot.words] == ["Hello", "there", "my", "friend", "Bye"]


@pytest.mark.skipif(bool(kokoro_files.missing_packages()), reason="Kokoro's weights are not installed")
async def test_voices_that_come_while_it_runs_are_told(tmp_path: Path):
    # Kokoro looks for its voices whenever it is asked.
    performer = LocalPerformer(PerformerConfig(speech="hibari,kokoro", data_dir=tmp_path))
    await performer.start()
    try:
        before = await performer.describe()
        assert before.speech == ("hibari", "kokoro")
        folder = kokoro_files.voices_folder(tmp_path)
        folder.mkdir(parents=True)
        kokoro_files.find_voice(tmp_path, "jf_alpha").load().tofile(folder / "af_heart.bin")
        asked = await asyncio.gather(performer.describe(), performer.describe())
    finally:
        await performer.close()
    for after in asked:
        assert {v.name for v in after.voices} - {v.name for v in before.voices} == {"af_heart"}


async def test_refusals_cross_the_boundary_as_what_they_are():
    async with running() as performer:
        with pytest.raises(ScriptRejected):
            await slots_of(performer, request(), "   ")
        with pytest.raises(LipstreamError) as caught:
            await slots_of(performer, request(2, voice="nobody"))
        assert caught.value.code == "voice_not_found"


async def test_a_missing_engine_is_told_at_once():
    performer = LocalPerformer(PerformerConfig(speech="nonsense"))
    with pytest.raises(LipstreamError, match="nonsense"):
        await performer.start()
    with pytest.raises(LipstreamError, match="nonsense"):
        await slots_of(performer, request())
    assert performer.restarts == 0
    await performer.close()


async def test_a_child_that_never_comes_up_is_given_up():
    performer = LocalPerformer(command=(sys.executable, "-c", "raise SystemExit(3)"))
    with pytest.raises(EngineFailed):
        await performer.start()
    assert not performer.ready
    await performer.close()


async def test_the_child_ends_with_its_server():
    async with running() as performer:
        pid = performer.pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


DEAF = "import time; time.sleep(60)"


async def test_a_child_that_cannot_be_started_is_given_up():
    performer = LocalPerformer(command=("/no/such/program",))
    async with asyncio.timeout(10):
        with pytest.raises(EngineFailed, match="doctor"):
            await performer.start()
    await performer.close()


async def test_nothing_is_asked_of_a_child_that_was_ready_for_a_moment_only():
    performer = LocalPerformer()
    asking = asyncio.create_task(slots_of(performer, request()))
    await settle()
    performer._ready.set()
    performer._ready.clear()
    await settle()
    assert not performer._inboxes and not asking.done(), "it waits for the next child"
    await performer.close()
    with pytest.raises(PerformerLost, match="stopped"):
        await asking


async def test_closing_does_not_wait_for_a_child_that_hangs(monkeypatch):
    monkeypatch.setattr(local, "STOP_TIMEOUT_SECONDS", 0.05)
    performer = LocalPerformer(command=(sys.executable, "-c", DEAF))
    starting = asyncio.create_task(performer.start())
    await until(lambda: performer._channel is not None)
    pid = performer.pid
    assert pid is not None
    for _ in range(20):
        performer._send(Text(UtteranceKey("s", 0, 1), "x" * 100_000, final=False))
    async with asyncio.timeout(5):
        await asyncio.gather(performer.close(), performer.close())
        with pytest.raises(PerformerLost, match="stopped"):
            await starting
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_closing_ends_what_is_being_said():
    async with running() as performer:
        async with aclosing(performer.perform(request(window=2), one(TEXT * 40))) as items:
            await anext(items)
            await performer.close()
            with pytest.raises(PerformerLost, match="stopping"):
                async for _ in items:
                    pass
        async with asyncio.timeout(5):
            with pytest.raises(PerformerLost, match="stopped"):
                await slots_of(performer, request(2))
            with pytest.raises(PerformerLost, match="stopped"):
                await performer.start()
        assert performer.pid is None


async def test_text_that_cannot_be_passed_on_fails_its_utterance_alone():
    async def broken() -> AsyncIterator[str]:
        yield "Hello. "
        raise ValueError("the tokens broke off")

    async with running() as performer:
        async with asyncio.timeout(10):
            with pytest.raises(ScriptRejected, match="Unicode"):
                await slots_of(performer, request(), "bad \udcff text")
            with pytest.raises(EngineFailed, match="ValueError"):
                async for _ in performer.perform(request(2), broken()):
                    pass
            with pytest.raises(EngineFailed, match="ValueError"):
                await slots_of(performer, request(3), "x" * 2_000_000)
            assert await slots_of(performer, request(4), "Fine.")
        assert performer.restarts == 0


COUNTING = (sys.executable, "-m", "tests.support.counting_child")


def sound(seconds: float) -> np.ndarray:
    return np.random.default_rng(4).uniform(-1, 1, round(seconds * SPEECH_RATE)).astype(np.float32)


async def test_sound_crosses_the_process_boundary_and_never_far_ahead_of_what_was_taken():
    recording, window, fed, furthest = sound(12.0), 10, 0, 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal fed
        for start in range(0, recording.size, 30_000):
            fed = start
            yield piece_of(recording[start : start + 30_000])

    async with running(command=COUNTING) as performer:
        got: list[Slot] = []
        async for item in performer.perform(request(window=window, kind="audio"), pieces()):
            if isinstance(item, Slot):
                furthest = max(furthest, fed // SLOT_SAMPLES - len(got))
                got.append(item)
                if len(got) == 20:
                    # A consumer that takes its time.
                    await asyncio.sleep(0.1)
    assert np.array_equal(np.concatenate([slot.samples for slot in got]), recording)
    assert [aperture(slot) for slot in got] == [(i % 100) / 100 for i in range(len(got))]
    most = window + local.HEADROOM_SLOTS + 30_000 // SLOT_SAMPLES + 1
    assert furthest <= most < 12 * 25 / 2


async def test_a_performer_that_dies_in_the_middle_of_sound_fails_it_and_the_next_works():
    async def live() -> AsyncIterator[bytes]:
        while True:
            yield piece_of(sound(0.02))
            await asyncio.sleep(0.005)

    async with running(command=COUNTING) as performer:
        with pytest.raises(PerformerLost):
            async for item in performer.perform(request(kind="audio"), live()):
                if isinstance(item, Slot) and item.index == 3:
                    assert performer.pid is not None
                    os.kill(performer.pid, signal.SIGKILL)

        async def one() -> AsyncIterator[bytes]:
            yield piece_of(sound(1.0))

        again = [item async for item in performer.perform(request(2, kind="audio"), one())]
        assert sum(isinstance(item, Slot) for item in again) == 25
