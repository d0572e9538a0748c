import numpy as np
import pytest

from streaming.speech import hibari_model
from streaming.speech.hibari_model import HibariModel
from streaming.speech.hibari_timing import PAUSE
from streaming.speech.limiter import CEILING, KNEE


@pytest.fixture(scope="module")
def model():
    return HibariModel("heart")


def test_symbols_know_their_words(model):
    reading = model.read("On 3 March 2024, Dr. Smith paid $9.99.")
    assert reading.words == (
        *("On", "the", "third", "of", "March", "2024,", "Dr", "Smith", "paid"),
        *("9", "dollars", "and", "99", "cents."),
    )
    smith = "".join(s for s, w in zip(reading.symbols, reading.word_of_symbol, strict=True) if w == 7)
    assert smith.strip() == "smˈɪθ"
    assert len(reading.symbols) == len(reading.word_of_symbol)
    assert list(reading.word_of_symbol) == sorted(reading.word_of_symbol)


def test_sounds_cover_the_pcm(model):
    utterance = model.render(model.read("Hello there, my name is Bob."), 1.0, np.random.default_rng(0))
    assert utterance.pcm.dtype == np.float32 and np.abs(utterance.pcm).max() <= 1.0
    assert utterance.sounds[0].start == 0.0
    assert utterance.sounds[-1].end == pytest.approx(len(utterance.pcm) / 24_000)
    said = "".join(s.symbol for s in utterance.sounds if s.symbol != PAUSE)
    assert said == "həlOðɛɹmInAmɪzbɑb"


def test_readings_beyond_the_limit_are_spoken_in_parts(model):
    reading = model.read("1 2 3 4 5 6 7 8 9 0 " * 12)
    assert len(reading.symbols) > 400
    utterance = model.render(reading, 1.0, np.random.default_rng(0))
    assert utterance.sounds[-1].end == pytest.approx(len(utterance.pcm) / 24_000)
    assert {s.word for s in utterance.sounds} >= set(range(120))


def test_speech_is_as_loud_as_people_expect(model):
    text = "In the middle of the night a loud noise from the street outside woke the entire family."
    pcm = model.render(model.read(text), 1.0, np.random.default_rng(0)).pcm
    power = np.square(pcm[: len(pcm) // 480 * 480].reshape(-1, 480)).mean(axis=1)
    spoken = power[power > power.max() * 1e-4]
    assert -21.0 < 10 * np.log10(spoken.mean()) < -17.0


def test_peaks_are_bent_and_not_clipped(model, monkeypatch):
    reading = model.read("What a wonderful surprise!")
    usual = model.render(reading, 1.0, np.random.default_rng(0)).pcm
    monkeypatch.setattr(hibari_model, "GAIN", 1.5 * KNEE / np.abs(usual).max() * hibari_model.GAIN)
    loud = model.render(reading, 1.0, np.random.default_rng(0)).pcm
    peak = np.abs(loud).max()
    assert KNEE < peak < CEILING
    assert np.count_nonzero(np.abs(loud) > peak - 1e-4) < 3
    low = np.abs(loud) < KNEE
    np.testing.assert_allclose(
        loud[low], usual[low] * np.abs(loud[low]).max() / np.abs(usual[low]).max(), rtol=1e-4
    )


def test_a_missing_voice_is_not_downloaded(monkeypatch, tmp_path):
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        HibariModel("emma")
