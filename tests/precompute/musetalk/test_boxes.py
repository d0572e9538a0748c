import numpy as np
import pytest

from precompute.musetalk.boxes import clamp, face_box, ibug_points, smooth, smooth_boxes


def _mesh(**places):
    """Points far inside of a face, and some at given places."""
    mesh = np.full((468, 3), 100, np.float32)
    for index, place in places.items():
        mesh[int(index[1:]), :2] = place
    return mesh


def test_mesh_points_stand_for_ibugs_68():
    mesh = np.random.default_rng(1).uniform(0, 100, (468, 3)).astype(np.float32)
    points = ibug_points(mesh)
    assert points.shape == (68, 2)
    pairs = ((0, 127), (8, 152), (16, 356), (17, 70), (26, 300), (27, 168), (30, 4), (48, 61))
    for index, mesh_index in pairs:
        np.testing.assert_array_equal(points[index], mesh[mesh_index, :2])
    np.testing.assert_allclose(points[28], (mesh[6, :2] + mesh[197, :2]) / 2)
    np.testing.assert_allclose(points[29], (mesh[195, :2] + mesh[5, :2]) / 2)


def test_eyes_nose_and_lips_are_where_a_face_has_them(faces):
    _, mesh = faces["theo"]
    points = ibug_points(mesh)
    right_eye, left_eye, nose, lips = points[36:42], points[42:48], points[27:31], points[48:68]
    assert right_eye[:, 0].max() < nose[:, 0].min() < nose[:, 0].max() < left_eye[:, 0].min()
    assert right_eye[:, 1].max() < lips[:, 1].min() and nose[:, 1].max() < lips[:, 1].min()
    assert (np.diff(points[:9, 1]) > 0).all() and (np.diff(points[8:17, 1]) < 0).all()
    assert points[:17, 1].argmax() == 8 and (np.diff(points[:17, 0]) > 0).all()


def test_the_box_reaches_as_far_above_the_middle_of_the_nose_as_the_chin_below():
    mesh = _mesh(p195=(100, 80), p5=(100, 84), p152=(100, 160), p127=(40, 90), p356=(150, 90))
    middle, chin = 82.0, 160.0
    box = face_box(ibug_points(mesh), margin=0)
    assert box is not None
    np.testing.assert_allclose(box, [40.5, 2 * middle - chin + 0.5, 150.5, chin + 0.5])
    lower = face_box(ibug_points(mesh), shift=5, margin=10)
    assert lower is not None
    np.testing.assert_allclose(lower - box, [0, 10, 0, 10])


def test_points_that_span_nothing_give_no_box():
    assert face_box(ibug_points(_mesh())) is None
    flat = _mesh(p127=(40, 100), p356=(150, 100), p195=(100, 99), p5=(100, 99))
    assert face_box(ibug_points(flat)) is None


def test_boxes_stay_in_the_frame():
    boxes = clamp(np.array([[-5.5, 3.25, 130, 97]]), 128, 96)
    np.testing.assert_array_equal(boxes, [[0, 3.25, 128, 96]])
    assert boxes.dtype == np.float32


def _centres(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def test_trembling_falls_to_a_third_and_less():
    rng = np.random.default_rng(2)
    still = np.tile(np.array([100.0, 50, 300, 290]), (200, 1))
    shaken = still + rng.normal(0, 1.5, still.shape)
    calm = smooth_boxes(shaken)
    assert 3 * (calm - still).std() <= (shaken - still).std()
    assert 8 * np.diff(calm, axis=0).std() <= np.diff(shaken, axis=0).std()
    # The ends are no worse than the middle.
    assert 2 * np.abs(calm - still)[[0, -1]].max() <= np.abs(shaken - still).max()


@pytest.mark.parametrize("rate", [0.3, 0.6, 1.0, 1.5, 2.0])
def test_a_moving_face_is_followed_without_lag(rate):
    """Nods, and swaying, up to twice a second; between two ends of the loop at which the face rests."""
    turns = 2 * np.pi * rate * np.arange(250) / 25
    centre = np.stack([300 + 20 * np.cos(turns), 200 + 15 * np.cos(turns)], axis=1)
    half = np.array([80.0, 100]) * (1 + 0.1 * np.cos(2 * np.pi * 0.1 * np.arange(250) / 25))[:, None]
    moving = np.concatenate([centre - half, centre + half], axis=1)
    followed = _centres(smooth_boxes(moving + np.random.default_rng(3).normal(0, 1, moving.shape)))
    assert np.sqrt(np.square(followed - centre).mean()) < 2.5
    inner = slice(20, -20)
    errors = [
        np.square(followed[inner] - np.roll(centre, lag, axis=0)[inner]).mean() for lag in (-2, -1, 0, 1, 2)
    ]
    assert int(np.argmin(errors)) == 2


def test_a_face_that_starts_to_move_is_followed_at_once():
    centre = np.tile([300.0, 200.0], (120, 1))
    centre[60:70] += np.linspace(0, 40, 10)[:, None]
    centre[70:] += 40
    boxes = np.concatenate([centre - 80, centre + 80], axis=1)
    shaken = boxes + np.random.default_rng(6).normal(0, 0.7, boxes.shape)
    errors = np.abs(_centres(smooth_boxes(shaken)) - centre)
    assert errors.max() < 4 and errors[:50].max() < 1


def test_a_single_outlier_moves_nothing():
    boxes = np.tile(np.array([100.0, 50, 300, 290]), (60, 1))
    boxes[30] += 50
    np.testing.assert_allclose(smooth_boxes(boxes), np.tile(boxes[0], (60, 1)), atol=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 24])
def test_short_loops_are_smoothed_too(count):
    boxes = np.random.default_rng(4).normal((100, 50, 300, 290), 1, (count, 4))
    smoothed = smooth_boxes(boxes)
    assert smoothed.shape == boxes.shape and np.isfinite(smoothed).all()
    assert np.abs(smoothed - boxes).max() < 5
    np.testing.assert_allclose(smooth_boxes(boxes[::-1]), smoothed[::-1], atol=1e-9)


def test_landmarks_are_smoothed_likewise():
    rng = np.random.default_rng(5)
    meshes = np.zeros((100, 468, 2)) + rng.normal(0, 1, (100, 468, 2))
    assert 3 * smooth(meshes).std() <= meshes.std()


def test_a_forward_loop_is_as_calm_at_its_seam_as_elsewhere():
    turn = 2 * np.pi * np.arange(60) / 60
    boxes = np.column_stack(
        [100 + 9 * np.sin(turn), np.full(60, 50.0), 300 + 9 * np.sin(turn), np.full(60, 250.0)]
    )
    shaken = boxes + np.random.default_rng(5).normal(0, 1, boxes.shape)
    calm = smooth_boxes(shaken, "forward")
    # Wherever such a loop begins, it comes out the same.
    elsewhere = np.roll(smooth_boxes(np.roll(shaken, 23, axis=0), "forward"), -23, axis=0)
    np.testing.assert_allclose(elsewhere, calm, atol=0.2)
    assert np.abs(calm[0] - calm[-1]).max() < 2
