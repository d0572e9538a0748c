import numpy as np
import pytest

from precompute.musetalk.boxes import face_box, ibug_points
from precompute.musetalk.masks import square_around
from precompute.musetalk.parsing import PARSE_SIDE, MeshParser


def _parse(picture, mesh):
    box = face_box(ibug_points(mesh))
    assert box is not None
    square = square_around(box)
    to_square = (mesh[:, :2] + 0.5 - square[:2]) * PARSE_SIDE / square[2]
    return MeshParser().parse(picture, square, mesh[:, :2]), to_square.astype(int)


@pytest.mark.parametrize("name", ["mira", "theo", "astronaut"])
def test_the_mesh_tells_skin_lips_nose_and_neck_apart(faces, name):
    regions, places = _parse(*faces[name])

    def at(region, index, right=0, down=0):
        x, y = places[index] + (right, down)
        return bool(region[y, x])

    assert at(regions.nose, 4) and at(regions.nose, 197) and not at(regions.nose, 0)
    assert at(regions.mouth, 13) and at(regions.mouth, 14) and at(regions.mouth, 0, down=3)
    assert not at(regions.mouth, 18, down=4) and not at(regions.mouth, 2)
    for index in (50, 280, 4, 10, 152):
        assert at(regions.skin, index, down=-6 if index == 152 else 6 if index == 10 else 0)
    assert at(regions.neck, 152, down=12) and not at(regions.skin, 152, down=12)
    assert not at(regions.skin, 234, right=-12) and not at(regions.skin, 454, right=12)
    assert not (regions.neck & regions.skin).any()
    assert (regions.nose & regions.skin).sum() == regions.nose.sum()
    assert 0.15 < regions.skin.mean() < 0.4


def test_a_wider_frame_shows_the_same_regions(faces):
    picture, mesh = faces["mira"]
    shifted = mesh + np.array([40, 30, 0], np.float32)
    wider = np.pad(picture, ((30, 0), (40, 0), (0, 0)))
    one, other = _parse(picture, mesh)[0], _parse(wider, shifted)[0]
    assert (one.skin != other.skin).mean() < 1e-3
