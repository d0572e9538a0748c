import importlib.util

import numpy as np
import pytest

from streaming.face.viseme_net import VisemeNet
from streaming.speech.profiles.hearing import hear
from streaming.speech.profiles.prepare import LEVEL_DB, prepare, told_language
from streaming.timing import SPEECH_RATE
from tests.support.profiles import INFO, WORDS, spoken


@pytest.fixture(scope="module")
def net() -> VisemeNet:
    return VisemeNet()


def level_of(net: VisemeNet, pcm: np.ndarray) -> float:
    voiced = hear(net, pcm).voiced
    steps = pcm[: voiced.size * 480].reshape(-1, 480)[voiced]
    return float(10 * np.log10(np.mean(steps.astype(np.float64) ** 2)))


@pytest.mark.parametrize("gain", [0.1, 0.5, 1.4])
def test_every_reference_has_the_same_level(net: VisemeNet, gain: float):
    prepared = prepare(net, spoken() * np.float32(gain), INFO, transcript=WORDS)
    pcm = np.frombuffer(prepared.pcm, "<f4")
    assert level_of(net, pcm) == pytest.approx(LEVEL_DB, abs=0.5)
    assert np.abs(pcm).max() < 0.9
    assert prepared.check.gain_db == pytest.approx(LEVEL_DB - (prepared.check.level_db or 0), abs=0.11)


def test_no_gain_raises_a_peak_to_clipping(net: VisemeNet):
    pcm = spoken() * np.float32(0.2)
    pcm[spoken().size // 2] = 0.95
    prepared = prepare(net, pcm, INFO)
    assert np.abs(np.frombuffer(prepared.pcm, "<f4")).max() <= 10 ** (-1 / 20) + 1e-3


def test_silence_around_the_speech_goes_and_nothing_is_added(net: VisemeNet):
    quiet = np.zeros(3 * SPEECH_RATE, np.float32)
    prepared = prepare(net, np.concatenate((quiet, spoken(), quiet)), INFO)
    length = len(prepared.pcm) / 4
    assert length < spoken().size + 0.1 * SPEECH_RATE
    assert length / SPEECH_RATE == pytest.approx(prepared.check.seconds, abs=0.01)
    assert prepared.check.sent_seconds == pytest.approx(6 + spoken().size / SPEECH_RATE, abs=0.01)


def test_what_cannot_be_used_gives_figures_and_no_sound(net: VisemeNet):
    prepared = prepare(net, spoken()[:SPEECH_RATE], INFO)
    assert prepared.pcm == b"" and prepared.check.gain_db == 0
    assert [finding.code for finding in prepared.check.problems] == ["too_short"]


def test_the_language_is_taken_as_given_or_told_by_the_transcript(net: VisemeNet):
    assert prepare(net, spoken(), INFO, transcript=WORDS, language="en-GB").language == "en-GB"
    assert prepare(net, spoken(), INFO).language is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("今日はとても良い天気ですね。", "ja"),
        ("今天天气很好。", "zh"),
        ("오늘은 날씨가 좋습니다.", "ko"),
        ("Сегодня хорошая погода.", "ru"),
        ("Das Wetter ist heute wirklich schön, finde ich.", "de"),
        ("Il fait vraiment très beau aujourd'hui.", "fr"),
        (None, None),
    ],
)
def test_languages_of_transcripts(text: str | None, wanted: str | None):
    assert told_language(text) == wanted


def test_without_a_detector_latin_letters_tell_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert told_language("Das Wetter ist heute wirklich schön, finde ich.") is None
    assert told_language("Сегодня хорошая погода.") == "ru"
