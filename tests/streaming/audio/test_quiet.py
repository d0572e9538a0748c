import numpy as np

from streaming.audio.quiet import FRAME_SAMPLES, QuietMeter, energies


def frames(level: float, count: int, seed: int = 0) -> list[float]:
    return energies((np.random.default_rng(seed).normal(0, level, count * FRAME_SAMPLES)).astype(np.float32))


def judged(*parts: list[float]) -> list[list[bool]]:
    meter = QuietMeter()
    return [[meter.is_quiet(energy) for energy in part] for part in parts]


def test_energy_is_mean_power_of_whole_frames():
    sound = np.concatenate([np.full(FRAME_SAMPLES, 0.5), np.zeros(FRAME_SAMPLES), np.ones(9)])
    assert energies(sound.astype(np.float32)) == [0.25, 0.0]


def test_background_is_quiet_and_what_stands_out_of_it_is_not():
    for level in (0.0001, 0.002, 0.008):
        background, speech, after = judged(frames(level, 100), frames(0.1, 50), frames(level, 100, 1))
        assert all(background[1:]) and not any(speech) and all(after)


def test_digital_silence_does_not_hide_the_background():
    _, noise = judged([0.0] * 300, frames(0.005, 300))
    assert all(noise[1:])


def test_a_background_that_rises_is_known_after_two_seconds():
    _, noise = judged(frames(0.0005, 300), frames(0.008, 500))
    assert not any(noise[:150]) and all(noise[250:])
