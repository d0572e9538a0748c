import numpy as np
import pytest

from avatars.atlas import MOTIONS
from precompute.mesh_points import BROW_TOPS, NOSE_TIP
from precompute.motion import motion_fields


@pytest.fixture(scope="module")
def fields(closed_portrait):
    return motion_fields(closed_portrait.landmarks, 512)


def at(field, point):
    x, y = np.round(point[:2] / 511 * 32).astype(int)
    return field[y, x]


def test_one_field_per_motion(fields):
    assert fields.shape == (len(MOTIONS), 33, 33, 2) and fields.dtype == np.float32
    assert np.isfinite(fields).all()


def test_rim_stays_put(fields):
    assert not fields[:, 0].any() and not fields[:, :, 0].any() and not fields[:, :, -1].any()


def test_each_motion_moves_the_nose_its_way(fields, closed_portrait):
    move = {name: at(fields[i], closed_portrait.landmarks[NOSE_TIP]) for i, name in enumerate(MOTIONS)}
    assert move["shift_x"] == pytest.approx((1, 0), abs=0.01)
    assert move["shift_y"] == pytest.approx((0, 1), abs=0.01)
    assert move["yaw"][0] > 20 and move["yaw"][1] == 0
    assert move["pitch"][1] > 20 and move["pitch"][0] == 0
    assert -1 < move["breath"][1] < -0.2  # breathing in lifts


def test_yaw_moves_the_nose_more_than_the_cheeks(fields, closed_portrait):
    yaw = fields[MOTIONS.index("yaw")]
    nose, cheek = (at(yaw, closed_portrait.landmarks[i])[0] for i in (NOSE_TIP, 234))
    assert nose > cheek + 15


def test_roll_turns_clockwise_above_the_neck(fields, closed_portrait):
    roll = fields[MOTIONS.index("roll")]
    assert at(roll, closed_portrait.landmarks[NOSE_TIP])[0] > 50


def test_brows_rise_without_the_mouth(fields, closed_portrait):
    brows = fields[MOTIONS.index("brows")]
    assert all(at(brows, closed_portrait.landmarks[i])[1] < -1 for i in BROW_TOPS)
    assert abs(at(brows, closed_portrait.landmarks[13])[1]) < 0.05


def test_nothing_folds_at_usual_amplitudes(fields):
    coefficients = np.array([2.5, 2, 0.016, 0.045, 0.035, 1, 1], np.float32)
    cell = 511 / 32
    for signs in ([1] * 7, [-1] * 7, [1, -1, 1, -1, 1, -1, 1]):
        moved = np.tensordot(coefficients * np.array(signs), fields, 1)
        assert (np.diff(moved[..., 0], axis=1) > -0.6 * cell).all()
        assert (np.diff(moved[..., 1], axis=0) > -0.6 * cell).all()


def test_fields_scale_with_the_still(closed_portrait):
    large = motion_fields(closed_portrait.landmarks, 512)
    small = motion_fields(closed_portrait.landmarks / 2, 256)
    yaw = MOTIONS.index("yaw")
    assert np.abs(small[yaw] * 2 - large[yaw]).max() < 2.5
