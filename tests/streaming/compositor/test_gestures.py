import numpy as np

from streaming.compositor.gestures import BEATS, HeadGestures
from streaming.compositor.phrasing import Moment
from streaming.timing import FPS

X, Y, ROLL, YAW, PITCH = range(5)
SPEAKING = Moment(speaking=True, voiced=True, energy=0.8)


def follow(moments, seed=1, scale=1.0, first=0):
    gestures = HeadGestures(seed, scale)
    path = []
    for index, moment in enumerate(moments, first):
        gestures.follow(index, 1, moment)
        path.append((*gestures.head, gestures.brow))
    return np.array(path)


def stressed(first):
    return follow([SPEAKING] * 5 + [SPEAKING._replace(stress=1.0)] + [SPEAKING] * 30, first=first)


def test_silence_adds_nothing():
    assert not follow([Moment()] * 50).any()


def test_many_but_not_all_stresses_get_a_beat_and_beats_vary():
    paths = [stressed(first) for first in range(0, 4000, 40)]
    moved = [path for path in paths if np.abs(path[:, :5]).max() > 0]
    assert abs(len(moved) / len(paths) - BEATS) < 0.15
    down = [path[:, PITCH].max() > np.radians(0.5) for path in moved]
    sideways = [np.abs(path[:, (ROLL, YAW)]).max() > np.radians(0.5) for path in moved]
    up = [path[:, PITCH].min() < -np.radians(0.5) for path in moved]
    assert 0.5 < np.mean(down) < 0.95 and 0.2 < np.mean(sideways) < 0.6 and 0 < np.mean(up) < 0.25


def test_a_beat_peaks_on_the_vowel_and_is_gone_soon():
    for first in range(0, 400, 40):
        size = np.abs(stressed(first)[:, :5]).max(axis=1)
        if size.max() > 0:
            assert 2 <= size.argmax() - 5 <= 6
            assert not size[5 + FPS :].any()


def test_each_phrase_has_a_posture_of_its_own_and_silence_none():
    phrase = [SPEAKING._replace(began=True), *[SPEAKING] * 60]
    path = follow([*phrase * 12, *[Moment()] * 120])
    held = np.degrees(path[60 : 61 * 12 : 61, YAW])
    assert held.std() > 0.4 and np.abs(held).max() < 1.6 and (held > 0).any() and (held < 0).any()
    assert np.abs(path[-1, :5]).max() < 0.01


def test_the_chin_rises_as_a_phrase_begins_and_falls_as_it_ends():
    rises, falls = [], []
    for seed in range(30):
        moments = [SPEAKING._replace(began=True), *[SPEAKING] * 50]
        path = follow([*moments, SPEAKING._replace(ended=True), *[SPEAKING] * 30], seed)
        rises.append(path[8, PITCH] - path[50, PITCH])
        falls.append(path[58, PITCH] - path[50, PITCH])
    assert np.mean(rises) < -np.radians(0.1) and np.mean(falls) > np.radians(0.3)


def test_brows_rise_with_stress_and_stay_up_after_a_question():
    asked = [SPEAKING._replace(brow=0.6)] * 6 + [SPEAKING] * 20
    brow = follow(asked)[:, 5]
    assert 0.45 < brow[5] <= 0.6 and brow[-1] < 0.05
    question = follow([SPEAKING] * 5 + [SPEAKING._replace(ended=True, raised=True)] + [SPEAKING] * 40)[:, 5]
    statement = follow([SPEAKING] * 5 + [SPEAKING._replace(ended=True)] + [SPEAKING] * 40)[:, 5]
    assert question.max() > 0.4 and question[-1] < 0.01 and statement.max() == 0


def test_motion_is_smooth_and_scales():
    moments = (
        [SPEAKING._replace(began=True)] + [SPEAKING] * 9 + [SPEAKING._replace(stress=1.0)] + [SPEAKING] * 20
    ) * 9
    path = follow(moments)
    steps = np.abs(np.diff(path, axis=0)).max(axis=0)
    assert steps[X] < 0.5 and steps[Y] < 0.6 and np.degrees(steps[2:5]).max() < 0.9
    np.testing.assert_allclose(follow(moments, scale=2.0)[:, :2], 2 * path[:, :2])


def test_skipped_slots_are_made_up_for():
    gestures, whole = HeadGestures(1, 1.0), HeadGestures(1, 1.0)
    for index in range(60):
        moment = SPEAKING._replace(began=index == 0)
        whole.follow(index, 1, moment)
        if index % 3 == 0:
            gestures.follow(index, 3, moment)
    np.testing.assert_allclose(gestures.head, whole.head, atol=0.05)
