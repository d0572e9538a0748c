import importlib.util
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streaming.errors import EngineUnavailable, LanguageNotSpoken, ScriptRejected, VoiceNotFound
from streaming.speech import hibari
from streaming.speech.base import SpeechRequest
from streaming.speech.chunk import LEAD_SECONDS
from streaming.speech.hibari import PAUSE_SECONDS, HibariEngine
from streaming.speech.hibari_timing import PAUSE
from streaming.speech.text.clauses import Ending

RATE = 24_000


@pytest.fixture(scope="module")
def engine():
    return HibariEngine()


async def pieces(*texts):
    for text in texts:
        yield text


async def speak(engine, *texts, **options):
    request = SpeechRequest(pieces(*texts), **options)
    return [chunk async for chunk in engine.synthesize(request)]


def check_chunks(chunks, script):
    at = 0
    for chunk in chunks:
        seconds = len(chunk.pcm) / RATE
        assert chunk.pcm.dtype == np.float32 and np.abs(chunk.pcm).max() <= 1.0
        assert chunk.phonemes[0].start == 0.0
        assert chunk.phonemes[-1].end == pytest.approx(seconds, abs=1e-9)
        for left, right in itertools.pairwise(chunk.phonemes):
            assert left.end == pytest.approx(right.start, abs=1e-9) and left.start < left.end
        clock = 0.0
        for word in chunk.words:
            assert word.text == script[word.begin : word.stop]
            assert at <= word.begin < word.stop
            assert clock - 1e-9 <= word.start < word.end <= seconds + 1e-9
            at, clock = word.stop, word.start


async def test_words_carry_their_spans(engine):
    script = "On 3 March 2024, Dr. Smith paid $9.99 at https://example.com/x?y=1 — 50% off! 😀 Café déjà vu…"
    chunks = await speak(engine, script)
    check_chunks(chunks, script)
    assert [w.text for c in chunks for w in c.words] == [
        *("On", "3", "March", "2024", "Dr", "Smith", "paid", "$9.99", "at", "https://example.com/x?y=1"),
        *("50%", "off", "Café", "déjà", "vu"),
    ]


async def test_silence_at_the_ends_is_cut_to_size(engine):
    chunks = await speak(engine, "Hello there. This is fine, I think.\n\nBye.")
    assert len(chunks) == 3
    for chunk, ending in zip(chunks, [Ending.SENTENCE, Ending.PARAGRAPH, Ending.SENTENCE], strict=True):
        first, last = chunk.phonemes[0], chunk.phonemes[-1]
        assert first.symbol == PAUSE and first.end <= LEAD_SECONDS + 1e-3
        assert last.symbol == PAUSE
        assert last.end - last.start == pytest.approx(PAUSE_SECONDS[ending], abs=1e-3)
        heard = np.abs(chunk.pcm[: round(0.1 * RATE)]).max()
        assert heard > 0.01


async def test_same_seed_same_sound(engine):
    one = await speak(engine, "Hello there. How are you?", seed=5)
    two = await speak(engine, "Hello there. How are you?", seed=5)
    other = await speak(engine, "Hello there. How are you?", seed=-6)
    for left, right, different in zip(one, two, other, strict=True):
        np.testing.assert_array_equal(left.pcm, right.pcm)
        assert not np.array_equal(left.pcm, different.pcm)


async def test_speed_changes_length(engine):
    lengths = [
        sum(len(c.pcm) for c in await speak(engine, "Hello there, friend.", speed=s)) for s in (0.5, 1, 2)
    ]
    assert lengths[0] > 1.5 * lengths[1] and lengths[1] > 1.5 * lengths[2]


async def test_first_clause_is_spoken_before_the_text_ends(engine):
    consumed = []

    async def slow():
        for piece in ["Hello", " there", ",", " my", " name", " is", " Bob", "."]:
            consumed.append(piece)
            yield piece

    chunks = engine.synthesize(SpeechRequest(slow()))
    first = await anext(chunks)
    assert [w.text for w in first.words] == ["Hello", "there"]
    assert consumed == ["Hello", " there", ",", " my"]
    await chunks.aclose()
    assert len(consumed) == 4


@pytest.mark.parametrize("text", ["", "   \n", "😀 😀", "... !!! —", "***"])
async def test_nothing_to_say_is_rejected(engine, text):
    with pytest.raises(ScriptRejected):
        await speak(engine, text)


@pytest.mark.parametrize(
    ("text", "name"), [("こんにちは世界", "Japanese"), ("Привет, мир", "Russian"), ("你好", "Chinese")]
)
async def test_foreign_scripts_are_refused_by_name(engine, text, name):
    with pytest.raises(LanguageNotSpoken, match=rf"{name}.*English.*lipstream doctor"):
        await speak(engine, text)


async def test_some_foreign_words_are_transliterated(engine):
    script = "The city of 東京 is called Tokyo in English."
    chunks = await speak(engine, script)
    check_chunks(chunks, script)
    assert "東京" in [w.text for c in chunks for w in c.words]


async def test_requests_are_checked(engine):
    with pytest.raises(VoiceNotFound, match="heart"):
        engine.check(SpeechRequest(pieces(), voice="nobody"))
    with pytest.raises(LanguageNotSpoken, match="German"):
        engine.check(SpeechRequest(pieces(), language="de-DE"))
    with pytest.raises(ScriptRejected, match="speed"):
        engine.check(SpeechRequest(pieces(), speed=3.0))
    for language in (None, "en", "en-US", "en-GB"):
        engine.check(SpeechRequest(pieces(), voice="heart", language=language))


async def test_only_ready_voices_are_offered(engine, monkeypatch, tmp_path):
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    assert [v.name for v in engine.voices()] == ["heart"]
    (tmp_path / "bf_emma.int8.onnx").write_bytes(b"")
    assert [v.name for v in engine.voices()] == ["heart", "emma"]
    assert engine.voices()[1].languages == ("en-GB",)
    assert hibari.status().ready


async def test_engine_says_that_it_speaks(engine):
    names = []
    await speak(engine, "One. Two.", on_engine=names.append)
    assert names == ["hibari"]


def test_missing_package_names_the_command(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match="pip install"):
        HibariEngine()
    assert not hibari.status().ready and "pip install" in hibari.status().install


WORDS = st.sampled_from(
    "hello World 3.14 $9.99 https://a.example.com/x?y=1 Dr. e.g. — ... 😀 <b> **bold** 日本 don't "
    "'quoted' 12:30 3/4/2024 5kg ½ ² - \" ( ) U.S. a@b.co €5 #tag C++ 100% İ ʃ , ; ! ? "
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 12345678901234567 \u0301 \ud800".split()
)


@given(st.lists(WORDS, min_size=1, max_size=8), st.integers(1, 8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_text_is_spoken_or_refused(engine, words, step):
    script = " ".join(words)
    parts = [script[i : i + step] for i in range(0, len(script), step)]
    try:
        chunks = await speak(engine, *parts)
    except (ScriptRejected, LanguageNotSpoken):
        return
    check_chunks(chunks, script)
