import numpy as np
import pytest

from streaming.timing import SPEECH_RATE
from training.visemes import rooms


def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def test_rooms_begin_with_the_direct_sound_and_die_away() -> None:
    random = rng()
    for _ in range(8):
        response = rooms.impulse_response(random)
        assert response[0] == 1.0 and not response[1:30].any()
        energy = np.square(response[1:])
        third = len(energy) // 3
        assert energy[:third].sum() > 20 * energy[-third:].sum()
        ratio = -10 * np.log10(energy.sum())
        assert rooms.DIRECT_TO_REVERBERANT[0] - 1 <= ratio <= rooms.DIRECT_TO_REVERBERANT[1] + 1


def test_a_room_keeps_time_and_adds_a_tail() -> None:
    click = np.zeros(SPEECH_RATE, np.float32)
    click[1000] = 1.0
    heard = rooms.in_room(click, rng())
    assert len(heard) == len(click) and heard.dtype == np.float32
    assert np.abs(heard[:1000]).max() < 1e-4 and heard[1000] == pytest.approx(1.0, abs=1e-3)
    assert np.square(heard[1100:3500]).sum() > 0.01


def test_a_telephone_carries_its_band_only() -> None:
    t = np.arange(SPEECH_RATE // 2) / SPEECH_RATE
    for hertz, carried in ((100, False), (1000, True), (6000, False)):
        tone = (0.5 * np.sin(2 * np.pi * hertz * t)).astype(np.float32)
        level = np.square(rooms.over_telephone(tone)[2000:]).mean() / np.square(tone).mean()
        assert (level > 0.5) == carried and (level < 0.05) != carried


@pytest.mark.parametrize("exponent", rooms.COLOURS)
def test_noise_has_level_one_and_its_colour(exponent: float) -> None:
    noise = rooms.coloured_noise(1 << 15, exponent, rng())
    assert noise.std() == pytest.approx(1.0, rel=0.02)
    power = np.square(np.abs(np.fft.rfft(noise)))
    octaves = [power[1 << k : 2 << k].mean() for k in (7, 9, 11, 13)]
    slope = np.polyfit(np.log((7, 9, 11, 13)) * 0 + np.array((7, 9, 11, 13)) * np.log(2), np.log(octaves), 1)[
        0
    ]
    assert slope == pytest.approx(2 * exponent, abs=0.15)


def test_devices_change_everything_but_the_length() -> None:
    random = rng()
    sound = rooms.coloured_noise(SPEECH_RATE // 2, -0.5, random) * np.float32(0.1)
    for _ in range(6):
        heard = rooms.through_device(sound, random)
        assert heard.shape == sound.shape and np.isfinite(heard).all() and np.abs(heard).max() < 3
