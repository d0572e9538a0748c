import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streaming.face.musetalk.resampling import HEARING_RATE
from streaming.face.musetalk.whisper_mel import BANDS, ROW_SAMPLES, SILENCE, WhisperMel, levelled

Sound = NDArray[np.float32]


def _noise(samples: int) -> Sound:
    rng = np.random.default_rng(5)
    return (rng.standard_normal(samples) * np.linspace(0.001, 0.3, samples)).astype(np.float32)


def _rows(sound: Sound, cuts: list[int] | None = None) -> NDArray[np.float32]:
    mel = WhisperMel()
    return np.concatenate([mel.push(piece) for piece in np.split(sound, cuts or [])])


@given(st.lists(st.integers(0, 2500), max_size=12).map(sorted))
def test_any_cut_gives_the_same_bits(cuts: list[int]) -> None:
    sound = _noise(2500)
    assert np.array_equal(_rows(sound, cuts), _rows(sound))


def test_single_samples_do_as_well() -> None:
    sound = _noise(700)
    assert np.array_equal(_rows(sound, list(range(1, 700))), _rows(sound))


def test_rows_come_as_soon_as_their_sound_is_there() -> None:
    mel = WhisperMel()
    assert mel.push(np.zeros(200, np.float32)).shape == (0, BANDS)
    assert mel.push(np.zeros(1, np.float32)).shape == (1, BANDS)
    assert mel.push(np.zeros(ROW_SAMPLES - 2, np.float32)).shape == (0, BANDS)
    assert mel.push(np.zeros(1, np.float32)).shape == (1, BANDS)


def test_silence_has_no_power_and_no_floor_below_it() -> None:
    rows = _rows(np.zeros(4000, np.float32))
    assert np.all(rows == SILENCE)
    assert np.all(levelled(rows, float(rows.max())) == -1.5)


@pytest.mark.parametrize(
    "sound",
    [
        _noise(3 * HEARING_RATE),
        np.concatenate((np.zeros(5000, np.float32), _noise(9000), np.zeros(3000, np.float32))),
        np.eye(1, 4000, 77, dtype=np.float32)[0],
        np.full(3000, 0.5, np.float32),
        _noise(150),
    ],
    ids=["noise", "silence around noise", "a click", "a constant", "shorter than a window"],
)
def test_equal_to_the_extractor_of_transformers(sound: Sound) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    extractor = transformers.WhisperFeatureExtractor()
    expected = extractor(sound, sampling_rate=HEARING_RATE, return_tensors="np").input_features[0]
    padded = np.concatenate((sound, np.zeros(2 * HEARING_RATE, np.float32)))
    rows = _rows(padded)
    assert len(rows) == (len(padded) - 200) // ROW_SAMPLES + 1
    assert np.abs(levelled(rows, float(rows.max())).T - expected[:, : len(rows)]).max() < 1e-4
