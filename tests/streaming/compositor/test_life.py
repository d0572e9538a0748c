import numpy as np
import pytest

from avatars.atlas import MOTIONS
from streaming.compositor.life import BLINK, BLINK_CELL, Life, Speaking
from streaming.timing import FPS

MINUTES = 10 * 60 * FPS


def _blinks(life, count):
    closed = np.array([life.lids(i) > 0 for i in range(count)])
    return np.flatnonzero(closed[1:] & ~closed[:-1]) + 1


def test_any_slot_can_be_asked_for_in_any_order():
    forward = Life(5)
    expected = [(forward.head(i).tolist(), forward.lids(i), forward.gaze(i, 4)) for i in range(300)]
    backward = Life(5)
    found = [(backward.head(i).tolist(), backward.lids(i), backward.gaze(i, 4)) for i in reversed(range(300))]
    assert found[::-1] == expected


def test_coefficients_are_small_and_smooth_and_one_per_motion():
    life = Life(2)
    path = np.array([life.head(i) for i in range(3000)])
    assert path.shape[1] == len(MOTIONS)
    assert path.dtype == np.float32
    assert np.abs(path[:, :2]).max() < 3
    assert np.abs(np.degrees(path[:, 2:5])).max() < 3
    assert path[:, 6].min() >= 0 and path[:, 6].max() <= 1
    assert np.abs(np.diff(path[:, :2], axis=0)).max() < 0.15
    assert (path[:, :6].std(axis=0) > 0).all()


def test_shifts_scale_with_the_face():
    near, far = Life(1, eye_span=120), Life(1, eye_span=60)
    pixels = [MOTIONS.index(name) for name in ("shift_x", "shift_y", "breath")]
    np.testing.assert_allclose(near.head(40)[pixels], 2 * far.head(40)[pixels], rtol=1e-5)
    assert near.head(40)[MOTIONS.index("yaw")] == far.head(40)[MOTIONS.index("yaw")]


def test_sessions_differ_by_seed():
    assert _blinks(Life(1), 2000).tolist() != _blinks(Life(2), 2000).tolist()
    assert not np.allclose(Life(1).head(0), Life(2).head(0))


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_blinks_are_whole_frequent_and_irregular(seed):
    life = Life(seed)
    starts = _blinks(life, MINUTES)
    for start in starts[:-1]:
        assert tuple(life.lids(int(start) + k) for k in range(len(BLINK))) == BLINK
        assert life.lids(int(start) + len(BLINK)) == 0
    per_minute = len(starts) / 10
    assert 15 < per_minute < 25
    gaps = np.diff(starts) / FPS
    single = gaps[gaps > 0.5]
    assert single.std() > 0.6
    assert single.max() < 2 * BLINK_CELL / FPS
    doubles = (gaps <= 0.5).sum() / len(gaps)
    assert 0.04 < doubles < 0.25


def test_eyes_look_at_the_viewer_most_of_the_time_and_hold_each_glance():
    life = Life(4)
    gaze = np.array([life.gaze(i, 4) for i in range(MINUTES)])
    share = np.bincount(gaze, minlength=4) / len(gaze)
    assert share[0] > 0.8 and (share[1:] > 0.02).all()
    changes = np.flatnonzero(np.diff(gaze))
    assert np.diff(changes).min() >= 3
    away = np.flatnonzero(np.diff((gaze != 0).astype(int)))
    first = int(gaze[0] != 0)
    lengths = np.diff(away)[first::2] / FPS
    assert 0.35 < lengths.min() and lengths.max() < 1.0
    speaking = np.array([life.gaze(i, 4, Speaking(energy=0.8)) for i in range(MINUTES)])
    assert (speaking == 0).mean() > share[0]
    assert {life.gaze(i, 1) for i in range(500)} == {0}


def test_speech_nods_and_raises_brows():
    life = Life(3)
    pitch, drop, brows = (MOTIONS.index(name) for name in ("pitch", "shift_y", "brows"))
    calm = life.head(10)
    loud = life.head(10, Speaking(energy=1, accent=1))
    assert loud[drop] > calm[drop] + 0.5
    assert loud[brows] > calm[brows] + 0.3
    assert life.head(10, Speaking(brow=0.5))[brows] == pytest.approx(calm[brows] + 0.5)
    assert loud[pitch] - calm[pitch] > np.radians(0.8)
    assert life.head(10, Speaking(brow=0.4))[pitch] - calm[pitch] > np.radians(0.8)


@pytest.mark.parametrize("period", [50, 100, 200, 333])
def test_a_loop_closes_without_a_seam(period):
    life = Life(0, period=period)
    path = np.array([life.head(i) for i in range(period)])
    steps = np.abs(np.diff(np.vstack([path, life.head(period)]), axis=0)).max(axis=1)
    np.testing.assert_array_equal(path[0], life.head(period))
    assert steps[-1] <= steps[:-1].max() * 1.05
    for i in range(period):
        assert life.lids(i) == life.lids(i + period)
        assert life.gaze(i, 4) == life.gaze(i + period, 4)
    assert life.lids(0) == life.lids(period - 1) == 0
    assert max(life.lids(i) for i in range(period)) == 1
