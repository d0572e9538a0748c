import numpy as np
import pytest

from benchmarks.judge.noise import DECIBELS, silences


def test_noises_have_the_level_and_silence_has_none():
    sounds = {said.name: said.pcm for said in silences()}
    assert not sounds.pop("digital silence").any()
    for pcm in sounds.values():
        assert 10 * np.log10(np.square(pcm.astype(float)).mean()) == pytest.approx(DECIBELS, abs=0.01)


def test_noises_are_always_the_same_and_differ_in_colour():
    once, again = silences(), silences()
    assert all((a.pcm == b.pcm).all() for a, b in zip(once, again, strict=True))
    shares = {}
    for said in once[1:]:
        power = np.square(np.abs(np.fft.rfft(said.pcm)))
        shares[said.name] = power[: len(power) // 8].sum() / power.sum()
    assert shares["white noise"] < 0.2 < shares["pink noise"] < shares["room hum"]
