import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streaming.face.musetalk.resampling import HEARING_RATE, LOOK_AHEAD_SECONDS, Resampler
from streaming.timing import SPEECH_RATE

Sound = NDArray[np.float32]


def _noise(samples: int) -> Sound:
    return np.random.default_rng(4).uniform(-0.7, 0.7, samples).astype(np.float32)


def _in_pieces(sound: Sound, cuts: list[int]) -> Sound:
    resampler = Resampler()
    return np.concatenate([resampler.push(piece) for piece in np.split(sound, cuts)])


def _tone(rate: int, hertz: float, seconds: float = 0.2) -> Sound:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate).astype(np.float32)


@given(st.lists(st.integers(0, 3000), max_size=12).map(sorted))
def test_any_cut_gives_the_same_bits(cuts: list[int]) -> None:
    sound = _noise(3000)
    assert np.array_equal(_in_pieces(sound, cuts), Resampler().push(sound))


def test_single_samples_do_as_well() -> None:
    sound = _noise(700)
    assert np.array_equal(_in_pieces(sound, list(range(1, 700))), Resampler().push(sound))


@pytest.mark.parametrize("hertz", [60.0, 440.0, 3000.0, 6900.0])
def test_a_sample_belongs_to_its_time(hertz: float) -> None:
    made = Resampler().push(_tone(SPEECH_RATE, hertz))
    expected = _tone(HEARING_RATE, hertz)[: len(made)]
    inner = slice(32, None)
    assert np.abs(made - expected)[inner].max() < 0.005


@pytest.mark.parametrize("hertz", [8800.0, 9500.0, 11_900.0])
def test_what_cannot_be_heard_at_16_khz_is_gone(hertz: float) -> None:
    made = Resampler().push(_tone(SPEECH_RATE, hertz))
    assert np.abs(made[32:]).max() < 0.005


def test_only_a_millisecond_is_waited_for() -> None:
    sound = _noise(SPEECH_RATE)
    made = Resampler().push(sound)
    waiting = len(sound) / SPEECH_RATE - len(made) / HEARING_RATE
    assert waiting <= LOOK_AHEAD_SECONDS + 1e-9
    # And what came after that millisecond is not heard indeed.
    later = np.concatenate((sound[:12_000], np.full(12_000, 0.9, np.float32)))
    known = (12_000 - 24) * 2 // 3
    assert np.array_equal(Resampler().push(later)[:known], made[:known])


def test_nothing_of_nothing() -> None:
    made = Resampler().push(np.zeros(0, np.float32))
    assert made.shape == (0,) and made.dtype == np.float32
