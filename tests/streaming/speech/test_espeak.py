import asyncio
import itertools

import numpy as np
import pytest

from streaming.errors import EngineUnavailable, LanguageNotSpoken, ScriptRejected, VoiceNotFound
from streaming.speech import espeak
from streaming.speech.base import SpeechRequest
from streaming.speech.espeak import EspeakEngine
from streaming.speech.espeak_library import PHONEME, WORD, find_library, load_library
from streaming.speech.symbol_timing import PAUSE

pytestmark = pytest.mark.skipif(find_library() is None, reason="eSpeak NG is not installed")

RATE = 24_000


@pytest.fixture(scope="module")
def engine():
    return EspeakEngine()


async def pieces(*texts):
    for text in texts:
        yield text


async def speak(engine, *texts, **options):
    request = SpeechRequest(pieces(*texts), **options)
    return [chunk async for chunk in engine.synthesize(request)]


async def test_korean_is_spoken_with_timing_and_words(engine):
    script = "안녕하세요, 반갑습니다. 오늘은 3시입니다."
    chunks = await speak(engine, script, language="ko")
    at = 0
    for chunk in chunks:
        seconds = len(chunk.pcm) / RATE
        assert chunk.pcm.dtype == np.float32 and 0.05 < np.abs(chunk.pcm).max() < 1.0
        assert chunk.phonemes[0].start == 0.0
        assert chunk.phonemes[-1].end == pytest.approx(seconds, abs=1e-9)
        for left, right in itertools.pairwise(chunk.phonemes):
            assert left.end == pytest.approx(right.start, abs=1e-9) and left.start < left.end
        for word in chunk.words:
            assert word.text == script[word.begin : word.stop] and at <= word.begin
            assert 0.0 <= word.start < word.end <= seconds + 1e-9
            at = word.stop
    assert [w.text for c in chunks for w in c.words] == ["안녕하세요", "반갑습니다", "오늘은", "3시입니다"]


async def test_phonemes_are_where_they_are_heard(engine):
    (chunk,) = await speak(engine, "마 마 마 마.", language="ko")
    loud = [np.abs(chunk.pcm[round(p.start * RATE) : round(p.end * RATE)]).mean() for p in chunk.phonemes]
    vowels = [level for level, p in zip(loud, chunk.phonemes, strict=True) if p.symbol not in (PAUSE, "m")]
    pauses = [level for level, p in zip(loud, chunk.phonemes, strict=True) if p.symbol == PAUSE]
    assert len(vowels) == 4 and min(vowels) > 3 * max(pauses)


async def test_speed_is_heeded(engine):
    slow, fast = [
        sum(len(c.pcm) for c in await speak(engine, "Guten Morgen!", language="de", speed=speed))
        for speed in (0.5, 2.0)
    ]
    assert slow > 2 * fast


async def test_what_cannot_be_spoken_is_refused(engine):
    with pytest.raises(LanguageNotSpoken, match="language"):
        await speak(engine, "Hello")
    with pytest.raises(LanguageNotSpoken, match="tlh"):
        await speak(engine, "Hello", language="tlh")
    with pytest.raises(VoiceNotFound, match="espeak-ko"):
        await speak(engine, "Hello", voice="nobody")
    with pytest.raises(LanguageNotSpoken, match="German, not Korean"):
        await speak(engine, "Hello", voice="espeak-de", language="ko")
    with pytest.raises(ScriptRejected, match="speed"):
        await speak(engine, "Hello", language="de", speed=9)
    with pytest.raises(ScriptRejected, match="nothing"):
        await speak(engine, "...", language="de")


def test_every_voice_that_is_offered_is_there(engine):
    library = load_library()
    for name in espeak.VOICES.values():
        assert library.phonemes("2", name), name


def test_speech_ends_early_when_asked():
    library = load_library()
    whole = library.speak("eins zwei drei vier fünf sechs", "de", 160)
    short = library.speak("eins zwei drei vier fünf sechs", "de", 160, lambda: True)
    assert len(short.pcm) < len(whole.pcm) / 2
    assert {event.kind for event in whole.events} == {WORD, PHONEME}


async def test_cancelling_ends_the_speech(engine):
    waiting = asyncio.ensure_future(speak(engine, "eins zwei drei " * 200, language="de"))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await speak(engine, "Hallo", language="de")


def test_without_the_library_there_is_no_engine(monkeypatch):
    monkeypatch.setattr(espeak, "find_library", lambda: None)
    with pytest.raises(EngineUnavailable, match="espeakng-loader"):
        EspeakEngine()
    assert not espeak.status().ready
