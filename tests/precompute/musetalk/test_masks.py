import cv2
import numpy as np
import pytest

from avatars.musetalk import CROP, MASK_SIDE
from precompute.musetalk.boxes import clamp, face_box, ibug_points
from precompute.musetalk.masks import RIM, _cone, drop_faint, face_mask, patch_rect, square_around
from precompute.musetalk.parsing import PARSE_SIDE, MeshParser, Regions

BOX = np.array([100, 60, 300, 300], np.float32)


@pytest.fixture(scope="module")
def masks(faces):
    """By name and mode."""
    found = {}
    for name, (picture, mesh) in faces.items():
        height, width = picture.shape[:2]
        box = face_box(ibug_points(mesh))
        assert box is not None
        box = clamp(box[None], width, height)[0]
        regions = MeshParser().parse(picture, square_around(box), mesh[:, :2])
        found |= {(name, mode): face_mask(regions, box, mode) for mode in ("jaw", "raw", "neck")}
    return found


def _regions(**given):
    empty = np.zeros((PARSE_SIDE, PARSE_SIDE), bool)
    return Regions(**({name: empty for name in ("skin", "mouth", "nose", "neck")} | given))


def test_the_square_is_half_as_large_again_as_the_face():
    np.testing.assert_allclose(square_around(BOX), [200 - 180, 180 - 180, 360])


@pytest.mark.parametrize("name", ["mira", "theo", "astronaut"])
def test_masks_show_the_mouth_and_spare_the_eyes(masks, name):
    for mode in ("jaw", "raw", "neck"):
        mask = masks[name, mode]
        assert mask.shape == (MASK_SIDE, MASK_SIDE) and mask.dtype == np.uint8
        assert mask[88:108, 52:76].min() >= 250
        assert not mask[:50].any()
        assert not np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).any()
        y = int(patch_rect(mask[None])[1])
        assert 104 <= y <= 112
    nose = masks[name, "jaw"][60:72, 62:66]
    assert nose.max() < 60 and masks[name, "raw"][66:72, 62:66].min() > 150
    assert int(masks[name, "neck"].astype(int).sum()) > int(masks[name, "raw"].astype(int).sum())


def test_all_skin_shows_below_the_middle_and_fades_at_the_rim():
    everything = _regions(skin=np.ones((PARSE_SIDE, PARSE_SIDE), bool))
    mask = face_mask(everything, BOX, "raw")
    assert mask[80:110, 40:90].min() == 255
    assert abs(int(mask[MASK_SIDE // 2 - 1 : MASK_SIDE // 2 + 1, 64].mean()) - 128) < 4
    assert (np.diff(mask[90, : RIM + 1].astype(int)) > 0).all() and mask[90, 0] == 0
    assert (np.diff(mask[50:80, 64].astype(int)) >= 0).all()


def test_the_edge_is_as_soft_as_upstreams():
    """Upstream blurs at the frame's own size, with a kernel of a tenth of the square."""
    half = np.zeros((PARSE_SIDE, PARSE_SIDE), bool)
    half[:, PARSE_SIDE // 2 :] = True
    mask = face_mask(_regions(skin=half), BOX, "raw")[100].astype(float)
    side = int(square_around(BOX)[2])
    kernel = int(0.1 * side // 2 * 2) + 1
    step = np.zeros((3, side), np.float32)
    step[:, side // 2 :] = 255
    blurred = cv2.GaussianBlur(step, (kernel, kernel), 0)[1]
    places = 100 - 20 + (np.arange(MASK_SIDE) + 0.5) * 200 / MASK_SIDE - 0.5
    expected = np.interp(places, np.arange(side), blurred)
    assert np.abs(mask - expected)[30:100].max() < 6


def test_jaw_grows_upwards_and_leaves_out_cheeks_and_nose():
    cone = _cone()
    assert cone.shape == (33, 33) and cone[16, 16] == 1
    skin = np.zeros((PARSE_SIDE, PARSE_SIDE), bool)
    skin[300:400, 130:382] = True
    nose = np.zeros_like(skin)
    nose[300:340, 236:276] = True
    jaw = face_mask(_regions(skin=skin, nose=nose), BOX, "jaw")
    raw = face_mask(_regions(skin=skin, nose=nose), BOX, "raw")

    def reach(mask, axis):
        return np.flatnonzero((mask > 127).any(axis=axis))

    cell = (BOX[3] - BOX[1]) / MASK_SIDE * PARSE_SIDE / 360
    assert (reach(raw, 1)[0] - reach(jaw, 1)[0]) * cell == pytest.approx(16, abs=3)
    assert (reach(jaw, 1)[-1] - reach(raw, 1)[-1]) * cell == pytest.approx(5, abs=3)
    assert reach(jaw, 0)[0] > reach(raw, 0)[0]
    assert jaw[82, 64] < 80 < raw[82, 64]


def test_the_mouth_shows_even_where_there_is_no_skin():
    mouth = np.zeros((PARSE_SIDE, PARSE_SIDE), bool)
    mouth[320:380, 200:312] = True
    for mode in ("jaw", "raw", "neck"):
        assert face_mask(_regions(mouth=mouth), BOX, mode).max() > 240


def test_what_cannot_be_seen_is_not_drawn(masks):
    mask = masks["mira", "jaw"][None].copy()
    before = int(patch_rect(mask)[1])
    drop_faint(mask)
    assert np.abs(mask.astype(int) - masks["mira", "jaw"]).max() <= 2 and not ((mask > 0) & (mask < 3)).any()
    assert before < int(patch_rect(mask)[1]) <= 112


def test_the_patch_is_tight_even_and_leaves_room_to_interpolate():
    masks = np.zeros((2, MASK_SIDE, MASK_SIDE), np.uint8)
    masks[0, 70, 30] = 1
    masks[1, 90:92, 100] = 200
    assert patch_rect(masks).tolist() == [58, 138, 146, 48]
    masks[1, -1, -1] = masks[0, 0, 0] = 1
    assert patch_rect(masks).tolist() == [0, 0, CROP, CROP]
    assert patch_rect(np.zeros_like(masks)).tolist() == [0, 0, CROP, CROP]
    assert patch_rect(masks).dtype == np.int32
