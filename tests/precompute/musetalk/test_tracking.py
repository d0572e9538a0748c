import numpy as np
import pytest

from precompute.errors import AvatarRejected
from precompute.landmarks import FaceBox, FaceMesh
from precompute.musetalk.boxes import face_box, ibug_points
from precompute.musetalk.tracking import follow, ranges


def _follow(frames, finder):
    return follow(frames, finder, shift=0, margin=10, each=lambda _: None)


def test_a_face_is_followed_where_it_goes(walk, finder):
    frames, shifts = walk(14)
    done = []
    track = follow(frames, finder, shift=0, margin=10, each=done.append)
    assert track.meshes.shape == (14, 468, 2) and track.boxes.shape == (14, 4)
    assert done == list(range(1, 15))
    moved = track.boxes[:, 0] - track.boxes[0, 0] - (shifts[:, 0] - shifts[0, 0])
    assert np.abs(moved).max() < 1.5


def test_frames_without_a_face_are_named_and_none_is_left_out(walk, finder):
    frames, _ = walk(8)
    empty = np.full_like(frames[0], 90)
    for index in (2, 3, 6):
        frames[index] = empty
    with pytest.raises(AvatarRejected, match=r"frames 2-3, 6 show no face") as caught:
        _follow(frames, finder)
    assert caught.value.code == "no_face"


class Finder:
    """Finds the mesh that a frame names by its grey level."""

    def __init__(self, meshes):
        self.meshes = meshes

    def mesh(self, image, face):
        return self.meshes[int(image[0, 0, 0])]

    def detect(self, image):
        return [FaceBox(0.9, np.array([50, 40, 200, 220], np.float32), np.zeros((6, 2), np.float32))]


def _frames(*greys):
    return [np.full((256, 256, 3), grey, np.uint8) for grey in greys]


@pytest.fixture
def meshes(faces):
    points = faces["mira"][1] / 2
    middle = points.mean(axis=0)

    def changed(scale=1.0, yaw=0.0, pitch=0.0, shift=(0, 0)):
        y, p = np.radians([yaw, pitch])
        turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
        moved = (points - middle) @ (turn @ nod).T * scale + middle + (*shift, 0)
        return FaceMesh(moved.astype(np.float32), 0.99)

    turned = changed(yaw=60), changed(yaw=25), changed(shift=(0, 120)), changed(pitch=-50)
    return [changed(), changed(0.2), *turned]


def test_faces_that_are_small_turned_away_or_cut_off_are_named_apart(meshes):
    finder = Finder(meshes)
    assert len(_follow(_frames(0, 3, 0), finder).boxes) == 3
    with pytest.raises(AvatarRejected) as caught:
        _follow(_frames(0, 1, 1, 2, 0, 5, 4), finder)
    assert caught.value.code == "face_too_small"
    message = caught.value.message
    assert "frames 1-2 show a face that is too small" in message
    assert "frames 3, 5 show a face that is turned away" in message
    assert "frames 6 show a face that is cut off" in message


def test_points_in_a_line_fall_back_on_the_detectors_box(meshes):
    flat = meshes[0].points.copy()
    nose, chin = flat[[195, 5], 1].mean(), flat[:, 1].max()
    flat[[195, 5], 1] += chin - nose
    assert face_box(ibug_points(flat)) is None
    track = _follow(_frames(0), Finder([FaceMesh(flat, 0.9)]))
    np.testing.assert_array_equal(track.boxes, [[50, 40, 200, 220]])


@pytest.mark.parametrize(
    ("numbers", "words"),
    [([3], "3"), ([12, 13, 14, 15, 40], "12-15, 40"), ([0, 1, 3, 4], "0-1, 3-4")],
)
def test_runs_of_numbers_are_told_in_few_words(numbers, words):
    assert ranges(numbers) == words


def test_endless_lists_are_cut():
    words = ranges(list(range(0, 200, 2)))
    assert len(words) < 80 and words.endswith("and others up to 198")
