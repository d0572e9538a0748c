import itertools

import numpy as np
import pytest
from hibari import dsp

from streaming.speech.hibari_model import HibariModel
from streaming.speech.hibari_phrasing import render_unfinished
from streaming.speech.hibari_timing import PAUSE

RATE = 24_000
UNFINISHED = [
    "Hello there,",
    "We could take the bus,",
    "When the rain had stopped at last,",
    "If you want to change your password,",
    "Everything that happened in the kitchen",
    "He opened the door slowly,",
    "In the middle of the night a loud noise",
    "Before you install the heater,",
]


@pytest.fixture(scope="module")
def model():
    return HibariModel("heart")


def noise():
    return np.random.default_rng(0)


def fall_of_last_word(utterance, curve):
    """Semitones from the first third of its voiced frames (12.5 ms) to the last."""
    sounds = [s for s in utterance.sounds if s.symbol != PAUSE]
    start = next(s.start for s in sounds if s.word == sounds[-1].word)
    frames = curve[round(start / 0.0125) : round(sounds[-1].end / 0.0125)]
    voiced = frames[frames > 60]
    third = max(2, len(voiced) // 3)
    return 12 * np.log2(voiced[:third].mean() / voiced[-third:].mean())


def test_pitch_does_not_fall_where_the_sentence_goes_on(model, monkeypatch):
    curves = []

    def listening(lh, theta, ln, lr, phi, f0, rng, synth=dsp.synth):
        curves.append(f0.copy())
        return synth(lh, theta, ln, lr, phi, f0, rng)

    monkeypatch.setattr(dsp, "synth", listening)
    ended, unfinished = [], []
    for text in UNFINISHED:
        reading = model.read(text)
        ended.append(fall_of_last_word(model.render(reading, 1.0, noise()), curves[-1]))
        utterance = render_unfinished(model, reading, 1.0, noise())
        unfinished.append(fall_of_last_word(utterance, curves[-1]))
    assert np.mean(ended) > 4.0
    assert np.mean(unfinished) < 2.5


@pytest.mark.parametrize("speed", [0.5, 1.0, 1.7])
def test_only_the_clause_is_left_and_whole(model, speed):
    for text in UNFINISHED:
        reading = model.read(text)
        plain = model.render(reading, speed, noise())
        utterance = render_unfinished(model, reading, speed, noise())
        if utterance is None:
            assert speed > 1.0
            continue
        sounds = [s for s in utterance.sounds if s.symbol != PAUSE]
        assert [s.symbol for s in sounds] == [s.symbol for s in plain.sounds if s.symbol != PAUSE]
        assert {s.word for s in sounds} == set(range(len(reading.words)))
        last = utterance.sounds[-1]
        assert last.symbol == PAUSE and last.end == pytest.approx(len(utterance.pcm) / RATE, abs=1e-4)
        for left, right in itertools.pairwise(utterance.sounds):
            assert left.end == pytest.approx(right.start, abs=1e-9) and left.start < left.end
        spoken = next(s.end for s in reversed(plain.sounds) if s.symbol != PAUSE)
        assert last.start == pytest.approx(spoken, rel=0.12)
        # Nothing is cut off in the middle of a sound, and nothing of the words more is left.
        assert np.abs(utterance.pcm[-120:]).max() < 0.03 * np.abs(utterance.pcm).max()
