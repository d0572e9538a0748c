import numpy as np
import pytest

from streaming.audio.stretching import Pitch, Tempo

RATE = 24_000


def hum(seconds: float, pitch: float = 200.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def paced(pcm: np.ndarray, speed: float, cuts: list[int]) -> np.ndarray:
    tempo = Tempo(speed)
    parts = [tempo.push(part) for part in np.split(pcm, cuts)]
    return np.concatenate([*parts, tempo.flush()])


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.25, 2.0])
def test_the_length_changes_and_the_pitch_stays(speed: float):
    fast = paced(hum(2.0), speed, [1920, 3840, 20_000])
    assert len(fast) == round(2 * RATE / speed) and fast.dtype == np.float32
    middle = fast[RATE // 4 : RATE // 4 + RATE // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * RATE / len(middle) == pytest.approx(200, abs=4)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.05)


def test_at_normal_speed_nothing_is_touched():
    pcm = hum(0.5)
    assert np.array_equal(paced(pcm, 1.0, [1000]), pcm)


def test_sound_comes_soon_and_the_same_each_time():
    tempo = Tempo(1.5)
    assert sum(tempo.push(hum(0.08)).size for _ in range(2)) > 0
    assert np.array_equal(paced(hum(1.0), 0.7, [5000]), paced(hum(1.0), 0.7, [5000]))


@pytest.mark.parametrize("speed", [0.4, 2.5])
def test_what_is_no_speech_any_more_is_refused(speed: float):
    with pytest.raises(ValueError, match="between"):
        Tempo(speed)


@pytest.mark.parametrize("semitones", [-12, -3.5, 4, 12])
def test_the_pitch_changes_and_the_length_stays(semitones: float):
    pitch = Pitch(semitones)
    parts = [pitch.push(part) for part in np.split(hum(2.0), [1920, 3840, 20_000])]
    high = np.concatenate([*parts, pitch.flush()])
    assert len(high) == 2 * RATE
    middle = high[RATE // 2 : RATE + RATE // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) == pytest.approx(200 * 2 ** (semitones / 12), rel=0.02)


def test_a_pitch_that_is_no_voice_any_more_is_refused():
    with pytest.raises(ValueError, match="between"):
        Pitch(13)
    assert np.array_equal(Pitch(0).push(hum(0.1)), hum(0.1))
