import numpy as np
import pytest

from streaming.face.coarticulation import RATE, Coarticulation
from streaming.speech.base import Phoneme
from training.visemes import labels
from training.visemes.labels import APERTURE, JAW, PRESS, TONGUE, VOICE, WIDTH

SOUNDS = (
    Phoneme("_", 0.0, 0.3),
    Phoneme("m", 0.3, 0.4),
    Phoneme("ɑ", 0.4, 0.6, 1.0),
    Phoneme("l", 0.6, 0.7),
    Phoneme("I", 0.7, 0.9),
    Phoneme("_", 0.9, 1.3),
)


def test_targets_are_what_the_face_that_knows_the_sounds_draws() -> None:
    rows = labels.targets(SOUNDS, 130)
    face = Coarticulation()
    face.add(SOUNDS, 0.0)
    face.finish()
    curves = face.curves(0, 260)
    assert np.allclose(rows[:, APERTURE], curves.aperture[:: RATE // labels.LABEL_RATE], atol=1e-6)
    free = rows[:, PRESS] == 0
    assert np.allclose(rows[free, JAW], rows[free, APERTURE], atol=1e-6)


def test_closures_are_full_while_they_are_held_and_fade_beside() -> None:
    press = labels.targets(SOUNDS, 130)[:, PRESS]
    assert press[30:35] == pytest.approx(1.0)
    assert 0 < press[28] < 1 and press[15] == 0 and press[50] == 0


def test_the_mouth_rests_where_nobody_speaks() -> None:
    rows = labels.targets(SOUNDS, 130)
    assert rows[:10, [JAW, APERTURE, TONGUE, VOICE]] == pytest.approx(0, abs=0.01)
    assert rows[0, WIDTH] == pytest.approx(0.5, abs=0.02)
    assert rows[50, VOICE] == 1 and rows[65, TONGUE] > 0.5


def test_every_moment_has_the_class_of_its_sound() -> None:
    classes = labels.classes(SOUNDS, 131)
    assert classes[10] == classes[120] == labels.SILENCE
    assert classes[35] == labels.class_of("m")
    assert classes[72] == labels.class_of("ɑ") and classes[88] == labels.class_of("i")


def test_marked_sounds_belong_to_the_class_of_their_letter() -> None:
    assert labels.class_of("ɔ̃") == labels.class_of("ɔ")
    assert labels.class_of("tʰ") == labels.class_of("t")


def test_diphthongs_split_and_the_rest_stays() -> None:
    parts = labels.split_diphthongs(SOUNDS)
    assert [part.symbol for part in parts] == ["_", "m", "ɑ", "l", "ɑ", "i", "_"]
    assert parts[4].end == parts[5].start == pytest.approx(0.81)
