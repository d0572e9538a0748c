import cv2
import numpy as np
import pytest

from precompute.eyes import EyeRenderer
from precompute.mesh_points import EYE_LOWER_RIGHT, EYE_UPPER_RIGHT


@pytest.fixture(scope="module", params=["smiling_portrait", "closed_portrait"])
def drawn(request):
    portrait = request.getfixturevalue(request.param)
    return portrait, EyeRenderer(portrait)


def eye_part(portrait, renderer, picture):
    """The right eye's opening in a drawn rectangle."""
    x, y, w, h = renderer.rect
    ring = portrait.landmarks[[*EYE_UPPER_RIGHT, *EYE_LOWER_RIGHT[::-1]], :2] - (x, y)
    mask = np.zeros((h, w), np.uint8)
    cv2.fillPoly(mask, [np.round(ring).astype(np.int32)], 1)
    return picture[mask > 0]


def test_open_and_straight_is_the_portrait(drawn):
    portrait, renderer = drawn
    x, y, w, h = renderer.rect
    assert all(v % 2 == 0 for v in renderer.rect)
    assert np.abs(renderer.render() - portrait.frame[y : y + h, x : x + w]).max() <= 1


def test_closed_lids_show_skin_instead_of_the_eye(drawn):
    portrait, renderer = drawn
    shut = renderer.render(1.0)
    x, y, w, h = renderer.rect
    skin = np.median(portrait.frame[y + h - 8 : y + h - 4, x + 10 : x + w // 3].reshape(-1, 3), axis=0)
    before = np.abs(eye_part(portrait, renderer, renderer.render()) - skin).mean()
    after = np.abs(eye_part(portrait, renderer, shut) - skin).mean()
    assert after < 0.75 * before


def test_lids_come_down_step_by_step(drawn):
    portrait, renderer = drawn
    still = eye_part(portrait, renderer, renderer.render())
    changed = [
        np.abs(eye_part(portrait, renderer, renderer.render(k)) - still).mean() for k in (0.35, 0.7, 1)
    ]
    assert 2 < changed[0] < changed[1]
    assert changed[2] > changed[0]


def test_gaze_moves_the_iris(drawn):
    portrait, renderer = drawn
    x, _, _, _ = renderer.rect
    columns = portrait.landmarks[[33, 133], 0] - x
    inner = slice(int(columns[0]) + 3, int(columns[1]) - 3)
    y = int(portrait.landmarks[[159, 145], 1].mean() - renderer.rect[1])

    def dark_centre(gaze):
        row = renderer.render(0, gaze)[y - 1 : y + 2, inner].mean(axis=(0, 2))
        weight = np.clip(row.max() - row, 0, None) ** 2
        return (weight * np.arange(len(row))).sum() / weight.sum()

    left, middle, right = (dark_centre((gaze, 0.0)) for gaze in (-1.0, 0.0, 1.0))
    assert left < middle - 0.15 and right > middle + 0.15


def test_edges_never_change(drawn):
    _, renderer = drawn
    still, shut = renderer.render(), renderer.render(1.0, (1.0, 0.0))
    for edge in (np.s_[:4], np.s_[-4:], np.s_[:, :4], np.s_[:, -4:]):
        assert np.abs(shut[edge] - still[edge]).max() < 0.01
