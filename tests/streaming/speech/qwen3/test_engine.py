# pyright: reportMissingImports=false
"""The engine on tiny checkpoints: text in, chunks out, whatever else is being said."""

import pytest

torch = pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")

import asyncio  # noqa: E402
import gc  # noqa: E402
import itertools  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

from streaming.errors import (  # noqa: E402
    EngineFailed,
    EngineUnavailable,
    LanguageNotSpoken,
    ScriptRejected,
    VoiceNotFound,
)
from streaming.speech.base import SpeechRequest  # noqa: E402
from streaming.speech.chain import FallbackChain  # noqa: E402
from streaming.speech.qwen3 import engine as engine_module  # noqa: E402
from streaming.speech.qwen3.engine import PAUSE_SECONDS, Qwen3Engine  # noqa: E402
from streaming.speech.qwen3.machine import CHUNK_FRAMES  # noqa: E402
from streaming.speech.qwen3.package import missing  # noqa: E402
from streaming.speech.qwen3.sentence import AHEAD_FRAMES, Sentence  # noqa: E402
from streaming.speech.text.clauses import Ending  # noqa: E402
from tests.support.engines import RampSpeech  # noqa: E402
from tests.support.qwen3_engine import (  # noqa: E402
    SESSIONS,
    Steps,
    idle,
    make_engine,
    pieces,
    request,
    shorten,
    sound_of,
    speak,
)

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}")

FRAME = 1920
RATE = 24_000
TEXT = "Good morning to everybody here. It is 5 o'clock, and we begin!"


@pytest.fixture(autouse=True)
def short_sentences(monkeypatch: pytest.MonkeyPatch):
    shorten(monkeypatch)


@pytest.fixture(scope="module")
def custom(checkpoint: Callable[[str], Path]) -> Qwen3Engine:
    torch.set_num_threads(1)
    engine = make_engine(checkpoint("custom_voice"))
    asyncio.run(engine.warm_up())
    return engine


def test_only_voices_of_recordings_need_what_reads_recordings(
    checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(for_recordings: bool = True) -> tuple[str, ...]:
        return ("librosa",) if for_recordings else ()

    monkeypatch.setattr(engine_module, "missing", without)
    assert make_engine(checkpoint("custom_voice")).voices()
    with pytest.raises(EngineUnavailable, match="librosa"):
        make_engine(checkpoint("base"))


async def test_sound_comes_after_one_frame_and_then_in_growing_chunks(custom: Qwen3Engine):
    heard: list[str] = []
    chunks = [c async for c in custom.synthesize(request(TEXT, on_engine=heard.append))]
    assert heard == ["qwen3"]
    ends = [i for i, chunk in enumerate(chunks) if chunk.final_of_clause]
    assert len(ends) == 2 and ends[-1] == len(chunks) - 1
    first = [len(chunk.pcm) / FRAME for chunk in chunks[: ends[0]]]
    assert 0 < first[0] <= 1 and first[1:5] == [1, 1, 2, 2]
    for chunk in chunks:
        assert chunk.pcm.dtype == np.float32 and np.abs(chunk.pcm).max(initial=0) <= 1 and not chunk.phonemes
    assert np.sqrt(np.square(sound_of(chunks)).mean()) > 0.01


def test_chunks_grow_no_faster_than_they_can_be_made():
    speed, buffered = 4 / 3, 0.0
    for i, frames in enumerate((*CHUNK_FRAMES, CHUNK_FRAMES[-1])):
        buffered += frames - (frames / speed if i else 0)
        following = CHUNK_FRAMES[min(i + 1, len(CHUNK_FRAMES) - 1)]
        assert following / speed <= buffered + 1e-9


async def test_words_come_once_with_their_spans_in_the_text(custom: Qwen3Engine):
    chunks = await speak(custom, TEXT)
    words = [word for chunk in chunks for word in chunk.words]
    assert [w.text for w in words] == "Good morning to everybody here It is 5 o'clock and we begin".split()
    assert all(TEXT[word.begin : word.stop] == word.text for word in words)
    at, starts = 0, []
    for chunk in chunks:
        starts += [at + word.start for word in chunk.words]
        at += len(chunk.pcm) / RATE
    assert starts == sorted(starts) and 0 <= starts[0] < starts[-1] <= at


async def test_sentences_are_parted_by_a_pause(custom: Qwen3Engine):
    chunks = await speak(custom, "Good morning to you all.\n\nThis is another paragraph.")
    paragraph, end = [chunk for chunk in chunks if chunk.final_of_clause]
    for chunk, ending in ((paragraph, Ending.PARAGRAPH), (end, Ending.SENTENCE)):
        silence = round(PAUSE_SECONDS[ending] * RATE)
        assert len(chunk.pcm) == pytest.approx(silence, abs=RATE // 100) and not chunk.pcm.any()


async def test_text_that_trickles_in_sounds_like_the_whole(custom: Qwen3Engine):
    whole, tokens = await speak(custom, TEXT), await speak(custom, *TEXT)
    one, other = sound_of(whole), sound_of(tokens)
    assert len(one) == len(other)
    # Where text was late, frames are decoded in other portions.
    assert np.abs(one - other).max() < 1e-4
    assert [w.text for c in tokens for w in c.words] == [w.text for c in whole for w in c.words]


async def test_a_sentence_is_spoken_while_it_is_being_written(custom: Qwen3Engine):
    more: asyncio.Queue[str] = asyncio.Queue()

    async def written():
        while piece := await more.get():
            yield piece

    more.put_nowait("Good morning to ev")
    chunks = custom.synthesize(SpeechRequest(written(), language="en"))
    async with asyncio.timeout(20):
        first = await anext(chunks)
        assert 0 < len(first.pcm) <= FRAME
        more.put_nowait("erybody here.")
        more.put_nowait("")
        rest = [chunk async for chunk in chunks]
    assert rest[-1].final_of_clause
    assert "".join(w.text for c in (first, *rest) for w in c.words) == "Goodmorningtoeverybodyhere"


async def test_a_seed_decides_the_sound(custom: Qwen3Engine):
    one, same = await speak(custom, TEXT, seed=3), await speak(custom, TEXT, seed=3)
    for left, right in zip(one, same, strict=True):
        assert np.array_equal(left.pcm, right.pcm) and left.words == right.words
    other = sound_of(await speak(custom, TEXT, seed=4))
    assert len(other) != len(sound_of(one)) or not np.allclose(other, sound_of(one), atol=0.01)


async def test_in_company_everybody_sounds_as_alone(custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch):
    texts = [f"This is speaker number {name}, and so it goes. More of it follows now!" for name in "abcde"]
    alone = [sound_of(await speak(custom, text, seed=i)) for i, text in enumerate(texts)]
    steps = Steps(custom, monkeypatch)
    together = await asyncio.gather(*(speak(custom, text, seed=i) for i, text in enumerate(texts)))
    # More speakers than places: some waited for their turn.
    assert max(steps.sizes) == SESSIONS
    for one, chunks in zip(alone, together, strict=True):
        both = sound_of(chunks)
        assert len(both) == len(one) and np.abs(both - one).max() < 1e-4


async def test_closing_stops_within_one_frame(custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch):
    shorten(monkeypatch, 1000)
    steps = Steps(custom, monkeypatch)
    steps.hold(at=3)
    chunks = custom.synthesize(request("This would go on for a very long time indeed."))
    await anext(chunks)
    await steps.held()
    await chunks.aclose()
    steps.go_on()
    await idle(custom)
    assert steps.count == 4
    loop = custom._conductor._machine.loop  # pyright: ignore[reportOptionalMemberAccess]
    assert loop.free == SESSIONS


async def test_a_task_that_is_cancelled_stops_it_too(custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch):
    shorten(monkeypatch, 1000)
    steps = Steps(custom, monkeypatch)
    steps.hold(at=3)
    waiting = asyncio.ensure_future(speak(custom, "This would go on for a very long time indeed."))
    await steps.held()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    steps.go_on()
    await idle(custom)
    assert steps.count == 4


async def test_nothing_is_made_far_ahead_of_a_slow_listener(
    custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch
):
    shorten(monkeypatch, 200)
    steps = Steps(custom, monkeypatch)
    chunks = custom.synthesize(request("This goes on for a long time."))
    taken = len((await anext(chunks)).pcm) / FRAME
    await idle(custom)
    assert AHEAD_FRAMES <= steps.count <= AHEAD_FRAMES + 1
    while taken < 20:
        taken += len((await anext(chunks)).pcm) / FRAME
    await asyncio.sleep(0)
    await idle(custom)
    assert AHEAD_FRAMES + 10 < steps.count <= AHEAD_FRAMES + 1 + taken
    await chunks.aclose()


async def test_who_speaks_waits_for_no_slow_listener(custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch):
    shorten(monkeypatch, 200)
    slow = custom.synthesize(request("This goes on for a long time."))
    await anext(slow)
    await idle(custom)
    shorten(monkeypatch)
    assert await speak(custom, TEXT)
    await slow.aclose()


async def test_little_of_a_text_is_read_ahead(custom: Qwen3Engine):
    asked: list[int] = []

    async def endless():
        for i in itertools.count():
            asked.append(i)
            yield "All is well in this house today. "

    chunks = custom.synthesize(SpeechRequest(endless(), language="en"))
    await anext(chunks)
    await chunks.aclose()
    assert len(asked) < 10


async def test_a_long_text_is_spoken_to_its_end_with_nothing_left_behind(
    custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch
):
    shorten(monkeypatch, 2, 1)
    text = "The ferry leaves the harbour at noon, and comes back in the evening. " * 145
    assert len(text) > 10_000
    words, ends = [], 0
    async for chunk in custom.synthesize(request(text)):
        words += [word.text for word in chunk.words]
        ends += chunk.final_of_clause
    assert words == text.replace(",", "").replace(".", "").split() and ends == 145
    assert sum(type(thing) is Sentence for thing in gc.get_objects()) <= 1
    await idle(custom)
    assert not [s for s in custom._conductor._sentences if not s.over]  # pyright: ignore[reportOptionalMemberAccess]


@pytest.mark.parametrize(("speed", "ratio"), [(0.5, 2.0), (2.0, 0.5)])
async def test_speed_is_heeded(custom: Qwen3Engine, speed: float, ratio: float):
    one = len(sound_of(await speak(custom, TEXT)))
    assert len(sound_of(await speak(custom, TEXT, speed=speed))) == pytest.approx(one * ratio, rel=0.02)


async def test_the_language_is_detected_sentence_by_sentence(
    custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch
):
    seen: list[str] = []
    original = engine_module.name_in_model
    monkeypatch.setattr(
        engine_module, "name_in_model", lambda tag, spoken: seen.append(original(tag, spoken)) or seen[-1]
    )
    text = "Good morning, my dear friends. これは日本語の文章です。 And we go on in English again."
    chunks = await speak(custom, text, language=None, voice="aiden")
    assert seen == ["english", "japanese", "english"]
    assert all(text[w.begin : w.stop] == w.text for c in chunks for w in c.words)
    with pytest.raises(LanguageNotSpoken, match="Greek"):
        await speak(custom, "Καλημέρα σε όλους σας εδώ.", language=None)


async def test_what_cannot_be_spoken_is_refused(custom: Qwen3Engine):
    with pytest.raises(VoiceNotFound, match=r"voices: .*aiden"):
        await speak(custom, "Hello", voice="nobody")
    with pytest.raises(LanguageNotSpoken, match="Finnish"):
        await speak(custom, "Hei", language="fi")
    with pytest.raises(ScriptRejected, match="speed"):
        await speak(custom, "Hello", speed=3.0)
    for text in ("", "...", "😀"):
        with pytest.raises(ScriptRejected, match="one word"):
            await speak(custom, text)


def test_voices_are_the_speakers_english_first(custom: Qwen3Engine):
    voices = {voice.name: voice for voice in custom.voices()}
    assert {"aiden", "eric"} <= set(voices) and next(iter(voices.values())).languages[0] == "en"
    assert voices["aiden"].languages[0] == "en" and voices["eric"].languages[0] == "zh"
    assert (
        set(voices["eric"].languages) == set(voices["aiden"].languages)
        and len(voices["eric"].languages) == 10
    )
    assert custom._choose(request("x", language="zh-CN")).languages[0] == "zh"


async def test_a_broken_step_makes_the_next_engine_speak(
    custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch
):
    def broken(streams: object) -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")

    told: list[tuple[str, str]] = []
    chain = FallbackChain([custom, RampSpeech()])
    with monkeypatch.context() as patch:
        patch.setattr(custom._conductor._machine.loop, "step", broken)  # pyright: ignore[reportOptionalMemberAccess]
        chunks = await speak(chain, TEXT, on_fallback=lambda *what: told.append(what))
    assert [engine for engine, _ in told] == ["qwen3"] and "device-side assert" in told[0][1]
    assert sound_of(chunks)[1] == 1.0
    assert await speak(custom, TEXT)


async def test_what_goes_wrong_with_one_is_no_concern_of_the_others(
    custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch
):
    model = custom._conductor._machine.model  # pyright: ignore[reportOptionalMemberAccess]
    original = model.text_ids

    def picky(text: str) -> Any:
        if "kaput" in text:
            raise RuntimeError("no such token")
        return original(text)

    monkeypatch.setattr(model, "text_ids", picky)
    good = asyncio.ensure_future(speak(custom, TEXT))
    with pytest.raises(EngineFailed, match="no such token"):
        await speak(custom, "This one is kaput, I am afraid.")
    assert [chunk.final_of_clause for chunk in await good].count(True) == 2


async def test_codes_that_come_from_no_number_are_tried_once_more(
    custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch
):
    machine = custom._conductor._machine  # pyright: ignore[reportOptionalMemberAccess]
    head = machine.model.talker.codec_head.weight
    opened: list[int] = []
    original = machine.loop.open
    with monkeypatch.context() as patch:
        patch.setattr(machine.loop, "open", lambda *a: opened.append(a[2]) or original(*a))
        kept = head.clone()
        head.fill_(float("nan"))
        try:
            with pytest.raises(EngineFailed, match="no number"):
                await speak(custom, TEXT)
        finally:
            head.copy_(kept)
    assert len(opened) == 2 and opened[0] != opened[1]
    assert await speak(custom, TEXT)


async def test_silence_is_tried_once_more_and_never_heard(
    custom: Qwen3Engine, monkeypatch: pytest.MonkeyPatch
):
    decoder = custom._conductor._machine.decoder  # pyright: ignore[reportOptionalMemberAccess]
    original, calls = decoder.decode, []

    def muted(codes: Any, state: Any) -> np.ndarray:
        pcm = original(codes, state)
        calls.append(len(pcm))
        return pcm * 0 if sum(calls) <= 35 * FRAME else pcm

    shorten(monkeypatch, 40)
    with monkeypatch.context() as patch:
        patch.setattr(decoder, "decode", muted)
        chunks = await speak(custom, "Good morning to you all.")
    # 2.4 s of silence were dropped with the first attempt, and the rest at the beginning of the second.
    assert 30 <= sum(calls) / FRAME - sum(len(c.pcm) for c in chunks) / FRAME + 4.375 <= 36
    assert np.abs(chunks[0].pcm[-FRAME // 4 :]).max() > 0


async def test_a_missing_model_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(EngineUnavailable, match="neither a folder nor a model"):
        make_engine(tmp_path / "nothing")
    with pytest.raises(EngineUnavailable, match="holds no Qwen3-TTS model"):
        make_engine(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    status = engine_module.status(None, engine_module.Qwen3Options(model="nobody/nothing", revision="abc"))
    assert not status.ready and status.install == "hf download nobody/nothing --revision abc"
    absent = Qwen3Engine(None, engine_module.Qwen3Options(model="nobody/nothing"))
    assert absent.voices() == ()
    with pytest.raises(EngineUnavailable, match="hf download"):
        absent.check(SpeechRequest(pieces("Hello")))
