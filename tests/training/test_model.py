"""The model file as it ships."""

import numpy as np
import pytest

from streaming.face.log_mel import log_mel
from streaming.face.viseme_net import MODEL, VisemeNet
from streaming.timing import SPEECH_RATE
from training.visemes import metrics, rooms
from training.visemes.clips import Clip, to_int16
from training.visemes.evaluate import Judge
from training.visemes.hibari_voices import VOICE, ManyVoices, Speaker


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge(MODEL)


@pytest.fixture(scope="module")
def spoken() -> list[Clip]:
    """Sentences that were not trained on, by speakers that were not."""
    from streaming.speech.base import Phoneme
    from training.visemes.text import HELD_OUT

    model, rng = ManyVoices(VOICE), np.random.default_rng(123)
    clips = []
    for i, line in enumerate(HELD_OUT[:6]):
        model.speaker = Speaker.random(rng)
        said = model.render(model.read(line), 1.0, rng)
        sounds = tuple(Phoneme(s.symbol, s.start, s.end, s.stress) for s in said.sounds)
        clips.append(Clip(f"test_{i}", "test", "hibari", "en", to_int16(said.pcm), sounds))
    return clips


def test_it_is_small_and_has_all_heads() -> None:
    assert MODEL.stat().st_size < 1_000_000
    assert VisemeNet(MODEL).look_ahead_steps == (0, 2, 4, 6)


def test_it_hears_openings_and_closures_of_strangers(judge: Judge, spoken: list[Clip]) -> None:
    figures = judge.judge(spoken)
    assert figures["closures"] > 10
    assert figures["recall"] >= 0.85 and figures["false closures"] < 0.06
    assert figures["opening"] > 0.75
    assert figures["opening"] > judge.baseline(spoken)["opening"] + 0.15
    assert figures["recall"] > judge.baseline(spoken)["recall"] + 0.3


def test_listening_longer_helps(judge: Judge, spoken: list[Clip]) -> None:
    assert judge.judge(spoken, 80)["press"] > judge.judge(spoken, 0)["press"] + 0.05


@pytest.mark.parametrize("decibels", [None, -60.0, -40.0])
def test_the_mouth_rests_where_nobody_speaks(judge: Judge, decibels: float | None) -> None:
    sound = np.zeros(8 * SPEECH_RATE, np.float32)
    if decibels is not None:
        noise = rooms.coloured_noise(len(sound), -0.5, np.random.default_rng(9))
        sound += noise * np.float32(10 ** (decibels / 20))
    assert metrics.moving(judge.hear(sound)) <= 0.01


def test_level_hardly_matters(judge: Judge, spoken: list[Clip]) -> None:
    loud, soft = judge.hear(spoken[0].sound), judge.hear(spoken[0].sound * np.float32(0.05))
    assert np.corrcoef(metrics.opening(loud), metrics.opening(soft))[0, 1] > 0.95


def test_cuts_do_not_matter(spoken: list[Clip]) -> None:
    rows = log_mel(spoken[0].sound)
    net = VisemeNet(MODEL)
    whole = net.open().hear(rows)
    stream = net.open()
    parts = [stream.hear(rows[at : at + size]) for at, size in ((0, 2), (2, 10), (12, 4))]
    assert np.allclose(np.concatenate(parts), whole[:8], atol=1e-5)
