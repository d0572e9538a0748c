import json
from typing import cast

import cv2
import numpy as np
import pytest

from avatars.atlas import crop
from avatars.errors import BundleInvalid
from precompute.landmarks import FaceBox, FaceFinder, FaceMesh
from precompute.rendered import SIZE, rendered_atlas

SIDE = 720
MOUTH = {"x": 260, "y": 400, "w": 200, "h": 160}
EYES = {"x": 230, "y": 220, "w": 260, "h": 80}


class OneFace:
    """Finds a made-up face in the middle of whatever it is shown."""

    def detect(self, image):
        return [FaceBox(1.0, np.array([150, 100, 360, 400], np.float32), np.zeros((6, 2), np.float32))]

    def mesh(self, image, face):
        rng = np.random.default_rng(5)
        points = rng.uniform((150, 100, -20), (360, 400, 20), (468, 3)).astype(np.float32)
        return FaceMesh(points, 1.0)


class NoFace(OneFace):
    def detect(self, image):
        return []


@pytest.fixture
def folder(tmp_path):
    """Rendered crops: ellipses that grow with aperture and width, in a smooth picture."""
    rng = np.random.default_rng(2)
    coarse = rng.integers(80, 180, (9, 9, 3)).astype(np.uint8)
    still = np.asarray(cv2.resize(coarse, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.uint8)
    cv2.imwrite(str(tmp_path / "still.png"), still)
    files = {}

    def render(name, rect, axes, colour, **about):
        x, y, w, h = (rect[k] for k in "xywh")
        picture = still[y : y + h, x : x + w].copy()
        if axes:
            cv2.ellipse(picture, (w // 2, h // 2), axes, 0, 0, 360, colour, -1, cv2.LINE_AA)
        cv2.imwrite(str(tmp_path / name), picture)
        files[name] = about

    apertures, widths = [0, 0.5, 1], [-1, 0, 1]
    grid = [[f"a{a}_w{j}.png" for j in range(3)] for a in range(3)]
    for a in range(3):
        for j in range(3):
            axes = None if (a, j) == (0, 1) else (30 + 10 * j, 5 + 15 * a)
            render(grid[a][j], MOUTH, axes, (20, 20, 120), kind="grid", a=apertures[a], w=widths[j])
    for kind, colour in (("press", (90, 90, 200)), ("bite", (200, 200, 200))):
        for k in range(3):
            render(f"{kind}{k}.png", MOUTH, (30, 4 * k) if k else None, colour, kind=kind, strength=k / 2)
    for k in range(3):
        render(f"tongue{k}.png", MOUTH, (30, 12 + k), (80, 80, 220), kind="tongue", strength=(k + 1) / 3)
    for k in range(4):
        render(
            f"blink{k}.png", EYES, (100, 8 * k) if k else None, (150, 160, 200), kind="blink", closure=k / 3
        )
    for name, yaw, pitch in (("gazeD.png", 0, 5), ("gazeL.png", -7, 0), ("gazeR.png", 7, 0)):
        axes = (40 + 3 * yaw + pitch, 6)
        render(name, EYES, axes, (40, 40, 40), kind="gaze", yaw_deg=yaw, pitch_deg=pitch)
    about = {
        "base": "still.png",
        "mouth_rect": MOUTH,
        "eye_rect": EYES,
        "grid": {"a": apertures, "w": widths, "files": grid},
        "files": files,
    }
    (tmp_path / "atlas.json").write_text(json.dumps(about))
    return tmp_path


def _build(folder, finder=OneFace):
    return rendered_atlas(folder, cast(FaceFinder, finder()))


def test_the_atlas_has_every_picture_where_it_belongs(folder):
    atlas = _build(folder)
    assert atlas.still.shape == (SIZE, SIZE, 3)
    assert atlas.mouths.shape[:2] == (3, 3)
    np.testing.assert_allclose(atlas.press_levels, [0.5, 1])
    np.testing.assert_allclose(atlas.tongue_levels, [1 / 3, 2 / 3, 1])
    assert atlas.press_widths.tolist() == [-1, 0, 1]
    assert atlas.bite_widths.tolist() == [0, 1]
    assert atlas.gazes.tolist() == [[0, 0], [0, 1], [-1, 0], [1, 0]]
    np.testing.assert_array_equal(atlas.mouths[0, 1], crop(atlas.still, atlas.mouth_rect))
    # Wider open means more of the dark ellipse.
    dark = (atlas.mouths.max(axis=-1) < 150).sum(axis=(2, 3))
    assert (np.diff(dark, axis=0) > 0).all()
    # A closed lid hides where the eyes look.
    assert (atlas.eyes[3] == atlas.eyes[3, :1]).all()
    assert not (atlas.eyes[0, 1] == atlas.eyes[0, 2]).all()
    # A lid that is hardly lowered does not.
    assert not (atlas.eyes[1] == atlas.eyes[1, :1]).all()


def test_rectangles_are_tight_even_and_end_in_the_still(folder):
    atlas = _build(folder)
    scale = SIZE / SIDE
    x, y, w, h = atlas.mouth_rect
    centre = np.array([MOUTH["x"] + MOUTH["w"] / 2, MOUTH["y"] + MOUTH["h"] / 2]) * scale
    assert abs(x + w / 2 - centre[0]) < 4 and abs(y + h / 2 - centre[1]) < 4
    assert 2 * 50 * scale < w < 2 * 50 * scale + 30
    for pictures, rect in (
        (atlas.mouths, atlas.mouth_rect),
        (atlas.press, atlas.mouth_rect),
        (atlas.eyes, atlas.eye_rect),
    ):
        rest = crop(atlas.still, rect)
        for edge in (np.s_[..., 0, :, :], np.s_[..., -1, :, :], np.s_[..., :, 0, :], np.s_[..., :, -1, :]):
            assert (pictures[edge] == rest[edge]).all()


def test_the_still_is_a_little_sharper_than_its_source(folder):
    source = np.array(cv2.imread(str(folder / "still.png")), np.uint8)
    source[300:420, 300:420] = np.indices((120, 120)).sum(axis=0)[..., None] // 6 % 2 * 80 + 80
    cv2.imwrite(str(folder / "still.png"), source)
    description = json.loads((folder / "atlas.json").read_text())
    for name, about in description["files"].items():
        rect = EYES if about["kind"] in ("blink", "gaze") else MOUTH
        picture = source[rect["y"] : rect["y"] + rect["h"], rect["x"] : rect["x"] + rect["w"]].copy()
        if name not in ("a0_w1.png", "press0.png", "bite0.png", "blink0.png"):
            picture[30:50, 50:90] = 10
        cv2.imwrite(str(folder / name), picture)
    still = _build(folder).still[220:290, 220:290].astype(float)
    plain = cv2.resize(source, (SIZE, SIZE), interpolation=cv2.INTER_AREA)[220:290, 220:290].astype(float)
    assert still.std() > plain.std() * 1.03


@pytest.mark.parametrize("broken", ["a1_w1.png", "still.png"])
def test_missing_pictures_are_named(folder, broken):
    (folder / broken).unlink()
    with pytest.raises(BundleInvalid, match=broken):
        _build(folder)


def test_a_crop_of_another_size_is_named(folder):
    cv2.imwrite(str(folder / "press1.png"), np.zeros((10, 10, 3), np.uint8))
    with pytest.raises(BundleInvalid, match=r"press1\.png"):
        _build(folder)


def test_a_still_without_a_face_is_refused(folder):
    with pytest.raises(BundleInvalid, match="face"):
        _build(folder, NoFace)
