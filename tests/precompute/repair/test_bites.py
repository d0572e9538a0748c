import cv2
import numpy as np
import pytest

from precompute.matting.face_inside import face_mask
from precompute.repair.bites import FACE_MARGIN, find_bites
from tests.support.mattes import body


def _without(alpha, where, size=(8, 6)):
    bitten = alpha.copy()
    cv2.ellipse(bitten, where, size, 0, 0, 360, 0.0, -1)
    return bitten


@pytest.mark.parametrize(
    "where",
    [(100, 175), (80, 199), (70, 172)],
    ids=["hole", "from the lower edge", "another hole"],
)
def test_bites_are_found_with_their_area(where):
    alpha, points = body()
    bitten = _without(alpha, where)
    bites = find_bites(bitten, points)
    lost = (alpha > 0.5) & (bitten < 0.5)
    assert bites.count == 1
    assert ((bites.labels > 0) & lost).sum() > 0.95 * lost.sum()
    assert bites.share(bitten) == pytest.approx(lost.sum() / bites.body.sum(), rel=0.1)
    assert bites.share(alpha) == 0


def test_a_notch_under_a_shoulder_is_found():
    alpha, points = body()
    edge = int(np.flatnonzero(alpha[190])[0])
    bitten = alpha.copy()
    bitten[184:194, edge - 2 : edge + 14] = 0
    bites = find_bites(bitten, points)
    lost = (alpha > 0.5) & (bitten < 0.5)
    assert ((bites.labels > 0) & lost).sum() > 0.6 * lost.sum()


def test_a_whole_body_has_none_and_the_space_beside_the_neck_is_none():
    alpha, points = body()
    bites = find_bites(alpha, points)
    assert bites.count == 0 and bites.share(alpha) == 0
    assert (bites.body == (alpha > 0.5) & bites.body).all()


def test_half_transparent_clothing_counts_by_what_is_missing():
    alpha, points = body()
    thin = alpha.copy()
    thin[170:190, 90:110] = 0.7
    bites = find_bites(thin, points)
    assert bites.share(thin) == pytest.approx(0.3 * 400 / bites.body.sum(), rel=0.1)


def test_the_face_is_never_part_of_a_bite():
    alpha, points = body()
    chin = int(points[:, 1].max())
    bitten = _without(alpha, (100, chin), (12, 16))
    bites = find_bites(bitten, points)
    assert not (bites.labels[face_mask(points, alpha.shape, FACE_MARGIN) > 0] > 0).any()


def test_noise_and_whole_missing_sides_are_none():
    alpha, points = body()
    speck = alpha.copy()
    speck[180, 100] = 0
    assert find_bites(speck, points).count == 0
    gone = alpha.copy()
    gone[150:, 70:130] = 0
    assert find_bites(gone, points).count == 0


def test_no_body_at_all_is_no_damage():
    alpha, points = body()
    bites = find_bites(np.zeros_like(alpha), points)
    assert bites.count == 0 and bites.share(alpha) == 0
