import numpy as np
import pytest

from precompute.mouth.render import MouthRenderer


@pytest.fixture(scope="module")
def closed_mouth(closed_portrait):
    return MouthRenderer(closed_portrait)


@pytest.fixture(scope="module")
def smiling_mouth(smiling_portrait):
    return MouthRenderer(smiling_portrait)


def behind(portrait, renderer):
    x, y, w, h = renderer.rect
    return portrait.frame[y : y + h, x : x + w].astype(float)


def near_lips(renderer, picture):
    """The picture's part around the lips."""
    x, y = (renderer.mouth.frame.origin - renderer.rect[:2]).astype(int)
    unit = renderer.mouth.frame.unit
    up, down, side = int(0.03 * unit), int(0.25 * unit), int(0.15 * unit)
    return picture[y - up : y + down, x - side : x + side]


def test_photos_are_told_apart(closed_mouth, smiling_mouth):
    assert closed_mouth.mouth.closed and not closed_mouth.mouth.teeth
    assert not smiling_mouth.mouth.closed and smiling_mouth.mouth.teeth


def test_closed_photo_at_rest_is_untouched(closed_portrait, closed_mouth):
    assert np.abs(closed_mouth.render() - behind(closed_portrait, closed_mouth)).max() <= 1


def test_closed_smile_hides_the_teeth(smiling_portrait, smiling_mouth):
    def bright(picture):
        part = near_lips(smiling_mouth, picture)
        return ((part.min(axis=2) > 190) & (np.ptp(part, axis=2) < 45)).mean()

    assert bright(smiling_mouth.render()) < 0.4 * bright(behind(smiling_portrait, smiling_mouth))


@pytest.mark.parametrize("which", ["closed_mouth", "smiling_mouth"])
def test_wide_mouth_shows_a_dark_cavity(which, request):
    renderer = request.getfixturevalue(which)
    dark = [(near_lips(renderer, renderer.render(a)).max(axis=2) < 70).mean() for a in (0.0, 0.5, 1.0)]
    assert dark[0] < 0.02 and dark[0] < dark[1] < dark[2] and dark[2] > 0.1


def test_edges_never_change(closed_portrait, closed_mouth):
    still = behind(closed_portrait, closed_mouth)
    wide = closed_mouth.render(1.0, 1.0)
    for edge in (np.s_[:4], np.s_[-4:], np.s_[:, :4], np.s_[:, -4:]):
        assert np.abs(wide[edge] - still[edge]).max() < 0.01


def test_chin_follows_the_jaw_and_the_nose_does_not(closed_portrait, closed_mouth):
    still, wide = behind(closed_portrait, closed_mouth), closed_mouth.render(1.0)
    changed = np.abs(wide - still).mean(axis=(1, 2))
    nose, chin = changed[:10].mean(), changed[len(changed) // 2 :].mean()
    assert chin > 5 * nose


def test_tongue_shows_between_the_teeth(closed_mouth):
    without, tip = (near_lips(closed_mouth, closed_mouth.render(0.24, tongue=t)) for t in (0, 1))
    redder = (tip[..., 2] - tip[..., 0]) - (without[..., 2] - without[..., 0])
    assert (redder > 12).mean() > 0.005


def test_steps_between_neighbours_are_small(closed_mouth):
    a, b = closed_mouth.render(0.41), closed_mouth.render(0.51)
    assert 0.2 < np.abs(a - b).mean() < 6
