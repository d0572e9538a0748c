import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.speech.hibari_timing import PAUSE, quiet_runs, sounds_of

RATE = 24_000


def sound(*parts):
    """PCM of (seconds, amplitude) stretches."""
    generator = np.random.default_rng(0)
    return np.concatenate(
        [generator.standard_normal(round(seconds * RATE)) * level for seconds, level in parts]
    ).astype(np.float32)


def test_quiet_runs_are_found_at_the_ends_and_inside():
    runs = quiet_runs(sound((0.3, 0), (0.5, 0.1), (0.2, 0), (0.5, 0.1), (0.05, 0), (0.2, 0.1), (0.4, 0)))
    expected = [(0.0, 0.3), (0.8, 1.0), (1.75, 2.15)]
    assert np.allclose(runs, expected, atol=0.011)


def test_sounds_are_moved_to_where_they_are_heard():
    pcm = sound((0.3, 0), (0.5, 0.1), (0.4, 0))
    # pad, h, stress, a, space, t, pad; 48 steps of 25 ms.
    steps = np.array([13, 4, 4, 6, 2, 13, 6], np.float32)
    sounds = sounds_of("hˈa t", [0, 0, 0, 0, 1], steps, 1.0, pcm)
    assert [s.symbol for s in sounds] == [PAUSE, "h", "a", "t", PAUSE]
    assert sounds[2].stress == 1.0 and sounds[1].stress == 0.0
    assert [s.word for s in sounds] == [-1, 0, 0, 1, -1]
    assert sounds[1].start == pytest.approx(0.3, abs=0.006)
    assert sounds[2].start == pytest.approx((13 + 4) * 0.025 - 0.055, abs=1e-6)
    assert sounds[3].end == pytest.approx(0.8, abs=0.006)


def test_a_pause_inside_is_taken_from_the_sound_before_it():
    pcm = sound((0.3, 0), (0.3, 0.1), (0.4, 0), (0.3, 0.1), (0.3, 0))
    steps = np.array([14, 6, 22, 12, 10], np.float32)
    sounds = sounds_of("aɡb", [0, 0, 1], steps, 1.0, pcm)
    assert [s.symbol for s in sounds] == [PAUSE, "a", "ɡ", PAUSE, "b", PAUSE]
    assert sounds[3].start == pytest.approx(0.6, abs=0.006)
    assert sounds[3].end == pytest.approx(1.0, abs=0.006)


@given(
    st.text("abˈˌ ,.ːt", max_size=12),
    st.lists(st.integers(0, 20), min_size=14, max_size=14),
    st.lists(st.tuples(st.floats(0.01, 0.5), st.sampled_from([0.0, 0.0, 0.1])), min_size=1, max_size=6),
    st.sampled_from([0.5, 1.0, 2.0]),
)
@settings(max_examples=200, deadline=None)
def test_sounds_cover_the_clause_without_gaps(symbols, steps, parts, speed):
    pcm = sound(*parts)
    words = list(range(len(symbols)))
    sounds = sounds_of(symbols, words, np.array(steps[: len(symbols) + 2], np.float32), speed, pcm)
    assert sounds[0].start == 0.0
    assert sounds[-1].end == pytest.approx(len(pcm) / RATE, abs=1e-9)
    for left, right in itertools.pairwise(sounds):
        assert left.end == right.start and left.start <= left.end
    assert [s.symbol for s in sounds if s.symbol != PAUSE] == [c for c in symbols if c in "abt"]
