import numpy as np
import pytest

from streaming.speech.hibari_model import HibariModel
from streaming.speech.hibari_timing import PAUSE


@pytest.fixture(scope="module")
def model():
    return HibariModel("heart")


def test_symbols_know_their_words(model):
    reading = model.read("On 3 March 2024, Dr. Smith paid $9.99.")
    assert reading.words == ("On", "the", "third", "of", "March", "2024,", "Dr", "Smith", "paid", "$9.99.")
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


def test_a_missing_voice_is_not_downloaded(monkeypatch, tmp_path):
    monkeypatch.setenv("HIBARI_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError):
        HibariModel("emma")
