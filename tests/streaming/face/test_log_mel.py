import numpy as np
import pytest

from streaming.face.log_mel import BANDS, FLOOR, STEP_SAMPLES, LogMel, log_mel, mel_power
from streaming.timing import SPEECH_RATE


def _sound(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(3)
    samples = int(seconds * SPEECH_RATE)
    return (rng.standard_normal(samples) * np.linspace(0.001, 0.3, samples)).astype(np.float32)


def _sine(hertz: float, seconds: float = 0.2) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * SPEECH_RATE)) / SPEECH_RATE).astype(np.float32)


@pytest.mark.parametrize("size", [1, 7, 239, 480, 481, 960, 5000, 24_000])
def test_any_cut_gives_the_same_bits(size: int) -> None:
    sound = _sound(1.013)
    mel = LogMel()
    rows = np.concatenate([mel.push(sound[i : i + size]) for i in range(0, len(sound), size)])
    assert rows.dtype == np.float32
    assert np.array_equal(rows, log_mel(sound))


def test_rows_come_in_pairs_as_soon_as_their_sound_is_there() -> None:
    mel = LogMel()
    assert mel.push(np.zeros(STEP_SAMPLES - 1, np.float32)).shape == (0, BANDS)
    assert mel.push(np.zeros(1, np.float32)).shape == (2, BANDS)
    assert mel.push(np.zeros(0, np.float32)).shape == (0, BANDS)


def test_a_row_hears_nothing_after_its_end() -> None:
    sound = _sound(0.5)
    later = sound.copy()
    later[10 * STEP_SAMPLES :] = 0.9
    a, b = log_mel(sound), log_mel(later)
    assert np.array_equal(a[:20], b[:20])
    assert not np.array_equal(a[20], b[20])


def test_reset_forgets() -> None:
    mel = LogMel()
    mel.push(_sound(0.3))
    mel.reset()
    assert np.array_equal(mel.push(_sine(500)), log_mel(_sine(500)))


def test_silence_is_the_floor() -> None:
    assert np.allclose(log_mel(np.zeros(4800, np.float32)), np.log(FLOOR))


@pytest.mark.parametrize("hertz", [200, 1000, 4000, 7000])
def test_a_sine_shows_in_the_band_of_its_mel(hertz: float) -> None:
    row = log_mel(_sine(hertz))[-1]
    low, high = (2595 * np.log10(1 + f / 700) for f in (80, 7600))
    expected = (2595 * np.log10(1 + hertz / 700) - low) / (high - low) * (BANDS + 1) - 1
    assert abs(int(row.argmax()) - expected) <= 1


def test_ten_times_the_amplitude_is_twenty_decibels() -> None:
    # -60 dB is far above the floor.
    ratio = mel_power(_sine(1000))[-1].max() / mel_power(_sine(1000) * np.float32(0.1))[-1].max()
    assert ratio == pytest.approx(100, rel=1e-4)
