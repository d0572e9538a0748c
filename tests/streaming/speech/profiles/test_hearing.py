import numpy as np
import pytest
from numpy.typing import NDArray

from streaming.audio.decode import RecordingInfo
from streaming.face.viseme_net import VisemeNet
from streaming.speech.profiles.check import problems, warnings
from streaming.speech.profiles.hearing import Hearing, hear, measure
from streaming.speech.profiles.manifest import Finding
from streaming.timing import SPEECH_RATE
from tests.support.profiles import INFO, PEOPLE, WORDS, spoken

SILENCE = np.zeros(2 * SPEECH_RATE, np.float32)


@pytest.fixture(scope="module")
def net() -> VisemeNet:
    return VisemeNet()


def noise(seconds: float, level: float) -> NDArray[np.float32]:
    rng = np.random.default_rng(4)
    return (level * rng.standard_normal(round(seconds * SPEECH_RATE))).astype(np.float32)


def codes(found: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in found]


def check(net: VisemeNet, pcm: NDArray[np.float32], info: RecordingInfo = INFO):
    return measure(pcm, hear(net, pcm), info)


def test_speech_is_found_between_silences(net: VisemeNet):
    pcm = np.concatenate((SILENCE, spoken(), SILENCE))
    hearing = hear(net, pcm)
    start, end = hearing.bounds(pcm.size)
    alone = hear(net, spoken()).bounds(spoken().size)
    assert start / SPEECH_RATE == pytest.approx(2 + alone[0] / SPEECH_RATE, abs=0.35)
    assert end / SPEECH_RATE == pytest.approx(2 + alone[1] / SPEECH_RATE, abs=0.35)
    assert 2.5 < hearing.seconds < 4.0


@pytest.mark.parametrize("level", [0.3, 0.03, 0.003])
def test_noise_is_no_speech(net: VisemeNet, level: float):
    found = check(net, np.clip(noise(6, level), -1, 1))
    assert found.speech_seconds == 0 and found.level_db is None
    assert codes(problems(found)) == ["too_little_speech"]


def test_a_tone_and_a_hum_are_no_speech(net: VisemeNet):
    t = np.arange(6 * SPEECH_RATE) / SPEECH_RATE
    tones = [0.3 * np.sin(2 * np.pi * hertz * t) for hertz in (300, 440, 500, 600)]
    noisy = tones[1] + 0.03 * np.random.default_rng(0).standard_normal(t.size)
    vibrato = 0.3 * np.sin(2 * np.pi * 440 * t + 8 * np.sin(2 * np.pi * 5 * t))
    for sound in (*tones, noisy, vibrato, 0.1 * np.sign(np.sin(2 * np.pi * 100 * t))):
        assert codes(problems(check(net, sound.astype(np.float32)))) == ["too_little_speech"]


def test_silence_is_told_apart_from_missing_speech(net: VisemeNet):
    assert codes(problems(check(net, np.zeros(5 * SPEECH_RATE, np.float32)))) == ["silent"]


def test_real_recordings_pass(net: VisemeNet):
    for name in ("arctic_awb", "austen_0870", "kennedy"):
        found = check(net, spoken(PEOPLE / f"{name}.opus"))
        assert problems(found) == (), name


def test_levels_are_measured(net: VisemeNet):
    loud, quiet = check(net, spoken()), check(net, spoken() * np.float32(0.1))
    assert loud.level_db is not None and quiet.level_db is not None
    assert loud.level_db - quiet.level_db == pytest.approx(20, abs=0.3)
    assert loud.peak_db - quiet.peak_db == pytest.approx(20, abs=0.2)
    assert codes(problems(check(net, spoken() * np.float32(0.03)))) == ["too_quiet"]


def test_cut_off_samples_are_refused_and_few_are_warned_of(net: VisemeNet):
    peak = float(np.abs(spoken()).max())
    few = check(net, np.clip(spoken() * np.float32(1.8 / peak), -1, 1))
    assert problems(few) == () and "some_clipping" in codes(warnings(few, WORDS))
    many = check(net, np.clip(spoken() * np.float32(8 / peak), -1, 1))
    assert codes(problems(many)) == ["clipped"] and f"{many.clipped_share:.1%}" in problems(many)[0].message


def test_noise_behind_speech_is_warned_of(net: VisemeNet):
    clean = check(net, spoken())
    assert "noisy" not in codes(warnings(clean, WORDS))
    noisy = check(net, spoken() + noise(spoken().size / SPEECH_RATE, 0.03))
    assert noisy.noise_db == pytest.approx(20 * np.log10(0.03), abs=2)
    assert problems(noisy) == () and "noisy" in codes(warnings(noisy, WORDS))


def test_padding_of_encoders_is_no_quiet_room(net: VisemeNet):
    noisy = spoken() + noise(spoken().size / SPEECH_RATE, 0.03)
    assert "noisy" in codes(warnings(check(net, np.concatenate((SILENCE, noisy, SILENCE))), WORDS))


def test_clicks_are_no_speech_and_gaps_between_words_are():
    voiced = np.zeros(100, bool)
    voiced[20:40] = voiced[50:60] = True
    assert Hearing(voiced, voiced).bounds(48_000) == (20 * 480 - 7200, 60 * 480 + 7200)
    assert Hearing(voiced & False, voiced & False).bounds(48_000) == (0, 48_000)
