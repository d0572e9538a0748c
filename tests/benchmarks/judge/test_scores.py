import numpy as np
import pytest

from benchmarks.judge.film import length_of, spans_of
from benchmarks.judge.reader import Seen
from benchmarks.judge.scores import score
from benchmarks.judge.targets import Targets
from benchmarks.judge.utterances import HUMAN, SILENCE, Utterance, UtteranceSet
from streaming.speech.base import Phoneme
from streaming.timing import FPS, SPEECH_RATE

REST_BETWEEN, REST_OUTER, REST_WIDTH = 0.01, 0.2, 0.5


def sentence(name="a", group="en"):
    sounds, t = [Phoneme("_", 0.0, 0.2)], 0.2
    for symbol in "mɑbipupɑtimæbɑnɑ":
        sounds.append(Phoneme(symbol, t, t + 0.12, 1.0))
        t += 0.12
    sounds.append(Phoneme("_", t, t + 0.2))
    return Utterance(name, group, np.zeros(round((t + 0.2) * SPEECH_RATE), np.float32), tuple(sounds))


def film(utterances, apertures, widths=None):
    """What would be seen of mouths that open like this, measured without error."""
    spans = spans_of(utterances)
    n = length_of(spans)
    aperture, width = np.zeros(n), np.zeros(n)
    for i, span in enumerate(spans):
        aperture[span.frames] = apertures[i]
        width[span.frames] = 0 if widths is None else widths[i]
    places = np.zeros((n, 20, 2))
    places[:, :, 1] = 10 * aperture[:, None]
    return spans, Seen(
        REST_BETWEEN + 0.1 * aperture,
        REST_OUTER + 0.15 * aperture,
        REST_WIDTH + 0.05 * width,
        places,
        np.full(n, 0.5),
        np.full(n, 20.0),
    )


def spoken(*utterances, name=HUMAN):
    return UtteranceSet(name, utterances)


def wanted(utterance):
    return Targets(utterance.phonemes, utterance.frames)


def test_a_perfect_mouth_scores_full_marks():
    said = sentence()
    spans, seen = film([said], [wanted(said).aperture()], [wanted(said).width()])
    scores = score(spoken(said), spans, seen, still_sharpness=25.0)
    assert scores.closures == scores.own_closures == 1
    assert scores.closure_count == 6
    assert scores.opening == pytest.approx(1)
    assert scores.width == pytest.approx(1)
    assert scores.lag == 0
    assert scores.vowels_closed == scores.false_closures == scores.moving == 0
    assert scores.vowel_count >= 3
    assert (scores.flicker, scores.sharpness, scores.wobble) == (0.5, 0.8, 0)


def test_a_late_mouth_is_late():
    said = sentence()
    late = np.concatenate((np.zeros(2), wanted(said).aperture()[:-2]))
    spans, seen = film([said], [late])
    scores = score(spoken(said), spans, seen, 20.0)
    assert scores.lag == pytest.approx(2000 / FPS)
    assert scores.opening is not None and scores.opening < 0.9
    assert scores.vowels_closed is not None and scores.vowels_closed > 0


def test_a_mouth_that_stays_open_closes_on_nothing():
    said = sentence()
    spans, seen = film([said], [np.full(said.frames, 0.5)])
    scores = score(spoken(said), spans, seen, 20.0)
    assert (scores.closures, scores.vowels_closed, scores.opening) == (0, 0, 0)
    assert scores.jump == pytest.approx(5)


def test_a_mouth_that_stays_shut_is_found_out_by_the_control():
    said = sentence()
    spans, seen = film([said], [np.zeros(said.frames)])
    scores = score(spoken(said), spans, seen, 20.0)
    assert (scores.closures, scores.vowels_closed, scores.false_closures) == (1, 1, 1)


def test_groups_are_scored_apart():
    one, other = sentence("a", "en"), sentence("b", "ja")
    spans, seen = film([one, other], [wanted(one).aperture(), np.full(other.frames, 0.5)])
    both = spoken(one, other)
    assert score(both, spans, seen, 20.0, "en").closures == 1
    assert score(both, spans, seen, 20.0, "ja").closures == 0
    assert score(both, spans, seen, 20.0).closures == 0.5


def test_in_silence_every_frame_of_the_face_has_to_rest():
    noise = Utterance("hum", "hum", np.zeros(SPEECH_RATE, np.float32))
    aperture = np.zeros(FPS)
    aperture[5:10] = 0.3
    spans, seen = film([noise], [aperture])
    scores = score(spoken(noise, name=SILENCE), spans, seen, 20.0)
    assert scores.moving == pytest.approx(5 / FPS)
    assert scores.closures is scores.opening is scores.lag is scores.jump is None


def test_a_mouth_that_moves_in_a_pause_is_found_out():
    sounds = (Phoneme("ɑ", 0.0, 0.4), Phoneme("_", 0.4, 1.6), Phoneme("m", 1.6, 2.0))
    said = Utterance("a", "en", np.zeros(2 * SPEECH_RATE, np.float32), sounds)
    moving = wanted(said).aperture()
    moving[20:25] = 0.3
    spans, seen = film([said], [moving])
    assert score(spoken(said), spans, seen, 20.0).pauses_moving == pytest.approx(5 / 19)


def test_a_mouth_that_does_not_come_to_rest_moves_in_silence():
    said = sentence()
    spans, seen = film([said], [wanted(said).aperture()])
    seen.between[-20:] += 0.05
    quiet = len(seen.between) - said.frames - 4
    assert score(spoken(said), spans, seen, 20.0).moving == pytest.approx(20 / quiet)
