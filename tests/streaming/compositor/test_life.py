import itertools

import numpy as np
import pytest

from avatars.atlas import MOTIONS
from streaming.compositor.life import FULL_BROW, STRETCH, Life
from streaming.compositor.speaking import Speaking
from streaming.timing import FPS

MINUTES = 10 * 60 * FPS
PIXELS = [MOTIONS.index(name) for name in ("shift_x", "shift_y", "breath")]
HEAD, BREATH, BROWS = slice(0, 5), MOTIONS.index("breath"), MOTIONS.index("brows")


def _watch(life, count, first=0):
    poses = [life.pose(index) for index in range(first, first + count)]
    return tuple(np.array(part) for part in zip(*poses, strict=True))


@pytest.fixture(scope="module", params=[0, 1, 77])
def ten_minutes(request):
    return _watch(Life(request.param), MINUTES)


def _starts(condition):
    return np.flatnonzero(condition[1:] & ~condition[:-1]) + 1


def _repetition(path, least):
    """The strongest autocorrelation at lags of ``least`` slots up to half the path's length."""
    path = path - path.mean()
    spectrum = np.fft.rfft(path, 2 * len(path))
    found = np.fft.irfft(np.abs(spectrum) ** 2)[: len(path) // 2] / (len(path) - np.arange(len(path) // 2))
    return float((found / found[0])[least:].max())


def test_any_slot_can_be_asked_for_in_any_order():
    slots = [*range(STRETCH - 60, STRETCH + 60), 7, 40 * STRETCH + 3]
    forward, backward = Life(5), Life(5)

    def ask(life, order):
        return {i: (life.pose(i).motion.tolist(), *life.pose(i)[1:]) for i in order}

    assert ask(forward, slots) == ask(backward, slots[::-1])


def test_nothing_repeats(ten_minutes):
    motion, closure, gaze = ten_minutes
    for column in range(motion.shape[1]):
        # A posture lasts for longer than 5 s, so moments so near are alike; later ones are not.
        assert _repetition(motion[:, column], 5 * FPS) < 0.7
        assert _repetition(motion[:, column], 25 * FPS) < 0.45
        # Breath comes and goes, if not evenly.
        assert _repetition(np.diff(motion[:, column]), 5 * FPS) < (0.5 if column == BREATH else 0.3)
    assert _repetition(closure, 5 * FPS) < 0.15
    assert _repetition(gaze[:, 0], 5 * FPS) < 0.3


def test_no_stretch_is_like_another():
    motion, _, _ = _watch(Life(3), 20 * STRETCH)
    stretches = motion[:, HEAD].reshape(20, STRETCH, -1)
    stretches = (stretches - stretches.mean(axis=1, keepdims=True)).reshape(20, -1)
    alike = np.corrcoef(stretches) - np.eye(20)
    assert np.abs(alike).max() < 0.85 and np.abs(alike).mean() < 0.3


def test_the_head_moves_a_little_and_smoothly_and_does_not_drift(ten_minutes):
    motion, _, _ = ten_minutes
    assert motion.shape[1] == len(MOTIONS) and motion.dtype == np.float32
    assert 1.5 < np.abs(motion[:, :2]).max() < 5
    degrees = np.degrees(motion[:, 2:5])
    assert 1.5 < np.abs(degrees).max() < 5
    assert np.abs(degrees.mean(axis=0)).max() < 0.8 and np.abs(motion[:, :2].mean(axis=0)).max() < 0.8
    assert np.abs(np.diff(motion[:, :2], axis=0)).max() < 0.35
    assert np.abs(np.diff(degrees, axis=0)).max() < 0.45
    assert motion[:, BROWS].min() >= 0 and motion[:, BROWS].max() <= FULL_BROW


def test_postures_change_every_now_and_then(ten_minutes):
    motion, _, _ = ten_minutes
    yaw = np.degrees(motion[:, MOTIONS.index("yaw")])
    moved = np.abs(yaw[2 * FPS :] - yaw[: -2 * FPS]) > 1.0
    gaps = np.diff(_starts(moved)) / FPS
    assert 10 < len(gaps) + 1 < 90
    assert gaps.max() < 70


def test_breath_is_slow_uneven_and_of_human_rate(ten_minutes):
    breath = ten_minutes[0][:, BREATH]
    inhalations = _starts(breath > breath.max() / 4)
    assert 11 < len(inhalations) / 10 < 18
    lengths = np.diff(inhalations) / FPS
    assert 0.05 < lengths.std() / lengths.mean() < 0.4
    assert np.abs(np.diff(breath)).max() < 0.25


def test_blinks_are_of_human_rate_and_irregular(ten_minutes):
    _, closure, _ = ten_minutes
    starts = _starts(closure > 0.25)
    # Bentivoglio 1997: 17 a minute at rest, from 4 to 48 between people.
    assert 14 < len(starts) / 10 < 24
    gaps = np.diff(starts) / FPS
    assert 0.45 < gaps.std() / gaps.mean() < 0.95
    assert gaps.max() < 15
    assert np.mean(gaps > gaps.mean()) < 0.47
    assert 0.01 < (gaps < 0.9).mean() < 0.2
    lengths = np.array([np.argmax(closure[s:] <= 0.25) for s in starts[:-1]]) / FPS
    assert 0.1 < np.median(lengths) < 0.3 and lengths.max() < 0.5
    peaks = np.array([closure[s : s + 6].max() for s in starts[:-1]])
    assert 0.75 < (peaks > 0.95).mean() < 0.95


def test_eyes_stay_with_the_viewer_but_for_glances(ten_minutes):
    _, _, gaze = ten_minutes
    away = np.abs(gaze).max(axis=1) > 0.6
    assert 0.04 < away.mean() < 0.15
    edges = np.flatnonzero(np.diff(away.astype(int)))
    first = int(away[0])
    lasting, between = np.diff(edges)[first::2] / FPS, np.diff(edges)[1 - first :: 2] / FPS
    assert lasting.max() < 1.5 and 0.3 < np.median(lasting) < 0.8
    assert between.max() < 25 and 3 < np.median(between) < 9
    assert gaze[away][:, 0].min() < -0.9 and gaze[away][:, 0].max() > 0.9
    assert gaze[away][:, 1].max() > 0.9 and gaze[away][:, 1].min() < -0.4


def test_eyes_jump_and_rest(ten_minutes):
    _, _, gaze = ten_minutes
    steps = np.abs(np.diff(gaze, axis=0)).max(axis=1)
    # A jump takes one frame in between at most.
    assert (steps > 0.3).mean() < 0.02
    assert np.median(steps) < 0.01
    small = (steps > 0.03) & (steps < 0.3)
    assert 20 < small.sum() / 10 < 120


def test_eyes_make_up_for_a_turned_head():
    motion, _, gaze = _watch(Life(4), 3000)
    near = np.abs(gaze).max(axis=1) < 0.5
    assert np.corrcoef(motion[near, MOTIONS.index("yaw")], gaze[near, 0])[0, 1] < -0.5


def test_lids_go_down_with_the_eyes():
    _, closure, gaze = _watch(Life(4), 3000)
    down = gaze[:, 1] > 0.9
    assert np.median(closure[down]) > 0.1 > np.median(closure[~down])


def test_shifts_scale_with_the_face():
    near, far = Life(1, eye_span=120), Life(1, eye_span=60)
    np.testing.assert_allclose(near.pose(40).motion[PIXELS], 2 * far.pose(40).motion[PIXELS], rtol=1e-5)
    yaw = MOTIONS.index("yaw")
    assert near.pose(40).motion[yaw] == far.pose(40).motion[yaw]


def test_sessions_differ_by_seed():
    one, other = _watch(Life(1), 2000), _watch(Life(2), 2000)
    assert (_starts(one[1] > 0.5)[:5] != _starts(other[1] > 0.5)[:5]).any()
    assert abs(np.corrcoef(one[0][:, 3], other[0][:, 3])[0, 1]) < 0.7
    assert np.isfinite(Life(-4).pose(3).motion).all()


def test_speech_adds_to_idle_life():
    life = Life(3)
    calm = life.pose(10)
    speaking = Speaking(1.0, 0.0, (0.0, 1.0, 0.0, 0.0, 0.02), 0.4, 2.5, (1.0, 0.0), False, 0.7)
    spoken = life.pose(10, speaking)
    assert spoken.motion[1] - calm.motion[1] == pytest.approx(1.0, abs=0.2)
    assert spoken.motion[4] - calm.motion[4] == pytest.approx(0.02, abs=0.005)
    assert spoken.motion[BROWS] - calm.motion[BROWS] == pytest.approx(0.4 * FULL_BROW)
    assert spoken.motion[BREATH] == pytest.approx(2.5)
    assert spoken.gaze[0] > 0.6 and spoken.closure >= 0.7
    livelier = [life.pose(i, Speaking(1.0, liveliness=1.0)).motion[3] for i in range(300)]
    still = [life.pose(i).motion[3] for i in range(300)]
    assert np.abs(np.diff(livelier)).mean() > 1.5 * np.abs(np.diff(still)).mean()


def test_attentive_eyes_do_not_leave_the_viewer():
    life = Life(4)
    gaze = np.array([life.pose(i, Speaking(1.0, attentive=True)).gaze for i in range(3000)])
    assert np.abs(gaze).max() < 0.5


def test_far_motion_ends_softly():
    life = Life(3)
    far = [life.pose(10, Speaking(1.0, head=(0, 0, 0, turn, 0))).motion[3] for turn in (0.1, 0.2, 1.0)]
    assert far[0] < far[1] < far[2] < np.radians(6)


@pytest.mark.parametrize("period", [50, 100, 300, 333, 1600])
def test_a_loop_closes_without_a_seam(period):
    life = Life(0, period=period)
    motion, closure, gaze = _watch(life, 2 * period)
    steps = np.abs(np.diff(motion, axis=0)).max(axis=1)
    np.testing.assert_allclose(motion[:period], motion[period:], atol=1e-6)
    assert steps[period - 1] <= np.delete(steps[:period], period - 1).max() * 1.05
    np.testing.assert_array_equal(closure[:period], closure[period:])
    np.testing.assert_allclose(gaze[:period], gaze[period:], atol=1e-6)
    assert closure[0] < 0.05 and closure[period - 1] < 0.05
    assert np.abs(gaze[0] - gaze[period - 1]).max() < 0.3
    assert closure.max() > 0.9


def test_it_can_be_told_whether_idle_life_blinks():
    life = Life(1)
    _, closure, _ = _watch(life, 2 * STRETCH)
    starts = _starts(closure > 0.5)
    for start in starts[:8].tolist():
        assert life.blinks(start - 3, start + 3)
    open_for_long = next(a for a, b in itertools.pairwise(starts) if b - a > 60) + 20
    assert not life.blinks(int(open_for_long), int(open_for_long) + 5)
