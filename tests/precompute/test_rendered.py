import json
from typing import cast

import cv2
import numpy as np
import pytest

from avatars.atlas import crop
from avatars.errors import BundleInvalid
from precompute.landmarks import FaceFinder
from precompute.rendered import SIZE, rendered_atlas

EYES = {"x": 244, "y": 222, "w": 232, "h": 72}


class NoFace:
    def detect(self, image):
        return []


@pytest.fixture(scope="module")
def drawn(closed):
    """Crops of eyes for a rendered still: dark bars that grow with the lids, and move with the gaze."""
    still = np.array(closed)
    files, pictures = {}, {"still.png": still}
    x, y, w, h = (EYES[k] for k in "xywh")

    def render(name, bar, **about):
        picture = still[y : y + h, x : x + w].copy()
        if bar:
            cv2.ellipse(picture, bar[0], bar[1], 0, 0, 360, (60, 70, 90), -1, cv2.LINE_AA)
        pictures[name], files[name] = picture, about

    for k in range(4):
        render(
            f"blink{k}.png", ((w // 2, 14), (90, 5 * k)) if k else None, kind="blink", closure=round(k / 3, 3)
        )
    for name, yaw, pitch in (("gazeD.png", 0, 5), ("gazeL.png", -7, 0), ("gazeR.png", 7, 0)):
        render(name, ((w // 2 + 4 * yaw, 44 + pitch), (40, 6)), kind="gaze", yaw_deg=yaw, pitch_deg=pitch)
    return pictures, {"base": "still.png", "eye_rect": EYES, "files": files}


@pytest.fixture
def folder(drawn, tmp_path):
    return write(drawn, tmp_path)


def write(drawn, folder):
    pictures, about = drawn
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / name), picture)
    (folder / "atlas.json").write_text(json.dumps(about))
    return folder


@pytest.fixture(scope="module")
def atlas(drawn, finder, tmp_path_factory):
    return rendered_atlas(write(drawn, tmp_path_factory.mktemp("crops")), finder)


def test_the_still_keeps_its_frame_and_is_a_little_sharper(atlas, closed):
    plain = cv2.resize(closed, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert atlas.still.shape == (SIZE, SIZE, 3)
    assert np.abs(atlas.still.astype(int) - plain).mean() < 2
    fine = [np.abs(cv2.Laplacian(p[180:330, 180:330], cv2.CV_32F)).mean() for p in (atlas.still, plain)]
    assert fine[0] > 1.2 * fine[1]


def test_rendered_eyes_are_taken(atlas):
    assert atlas.gazes.tolist() == [[0, 0], [0, 1], [-1, 0], [1, 0]]
    np.testing.assert_allclose(atlas.lids, [0, 0.333, 0.667, 1], atol=1e-3)
    rest = crop(atlas.still, atlas.eye_rect)
    np.testing.assert_array_equal(atlas.eyes[0, 0], rest)
    moved = [np.abs(eyes.astype(int) - rest).sum() for eyes in atlas.eyes[:, 0]]
    assert (np.diff(moved) > 0).all()
    # A closed lid hides where the eyes look; one that is hardly lowered does not.
    assert (atlas.eyes[3] == atlas.eyes[3, :1]).all()
    assert not (atlas.eyes[0, 1] == atlas.eyes[0, 2]).all()
    assert not (atlas.eyes[1] == atlas.eyes[1, :1]).all()


def test_the_eyes_rectangle_is_tight_even_and_ends_in_the_still(atlas):
    x, y, w, h = (int(v) for v in atlas.eye_rect)
    scale = SIZE / 720
    assert not any(v % 2 for v in (x, y, w, h))
    assert EYES["w"] * scale * 0.6 < w < EYES["w"] * scale + 30 and h < EYES["h"] * scale + 30
    rest = crop(atlas.still, atlas.eye_rect)
    for edge in (np.s_[..., 0, :, :], np.s_[..., -1, :, :], np.s_[..., :, 0, :], np.s_[..., :, -1, :]):
        assert (atlas.eyes[edge] == rest[edge]).all()


@pytest.mark.parametrize("broken", ["blink2.png", "still.png"])
def test_missing_pictures_are_named(folder, finder, broken):
    (folder / broken).unlink()
    with pytest.raises(BundleInvalid, match=broken):
        rendered_atlas(folder, finder)


def test_a_crop_of_another_size_is_named(folder, finder):
    cv2.imwrite(str(folder / "gazeL.png"), np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(BundleInvalid, match=r"gazeL\.png"):
        rendered_atlas(folder, finder)


def test_eyes_that_never_close_are_refused(folder, finder):
    about = json.loads((folder / "atlas.json").read_text())
    del about["files"]["blink3.png"]
    (folder / "atlas.json").write_text(json.dumps(about))
    with pytest.raises(BundleInvalid, match="closed"):
        rendered_atlas(folder, finder)


def test_a_still_without_a_face_is_refused(folder):
    with pytest.raises(BundleInvalid, match="face"):
        rendered_atlas(folder, cast(FaceFinder, NoFace()))
