import cv2
import numpy as np
import pytest

from benchmarks.renders import render
from precompute.matting.face_inside import face_mask
from precompute.repair.bites import FACE_MARGIN
from precompute.repair.inpainters import OpenCVInpainter
from precompute.repair.mend import mend, untouched_line
from tests.support.mattes import Painter, body, face_points

CLOTH, WALL, HAIR = (90, 60, 40), (200, 210, 220), (10, 20, 30)


@pytest.fixture
def dressed():
    """A photo of somebody in plain cloth before a wall, the true matte, and the face."""
    alpha, points = body()
    photo = np.full((*alpha.shape, 3), WALL, np.uint8)
    photo[alpha > 0.5] = CLOTH
    return photo, alpha, points


def _bitten(alpha, where=(100, 175), size=(16, 10)):
    bitten = alpha.copy()
    cv2.ellipse(bitten, where, size, 0, 0, 360, 0.0, -1)
    return bitten


def test_what_the_network_missed_is_taken_back_from_the_photo(dressed):
    photo, alpha, points = dressed
    painter = Painter()
    mended = mend(photo, _bitten(alpha), points, painter, whole_photo=True)
    assert painter.missing is None and (mended.colours == photo).all()
    assert ((mended.alpha > 0.99) | (alpha < 1)).all()
    report = mended.report
    assert report.before > 0.04 and report.after < 0.001 and report.inpainter == ""
    assert report.restored == pytest.approx(report.before - report.after)


def test_a_gap_that_shows_the_wall_stays(dressed):
    photo, alpha, points = dressed
    bitten = _bitten(alpha)
    photo[(alpha > 0.5) & (bitten < 0.5)] = WALL
    mended = mend(photo, bitten, points, Painter(), whole_photo=True)
    assert (mended.alpha == bitten).all()
    assert mended.report.before == 0 and mended.report.gaps > 0.04


def test_white_clothing_before_a_white_wall_is_clothing(dressed):
    photo, alpha, points = dressed
    photo[:] = WALL
    mended = mend(photo, _bitten(alpha), points, Painter(), whole_photo=True)
    assert mended.report.restored > 0.04


def test_what_a_cut_out_lost_is_drawn_and_nothing_else(dressed):
    colours, alpha, points = dressed
    bitten, painter = _bitten(alpha), Painter()
    colours[bitten < 0.5] = 0
    mended = mend(colours, bitten, points, painter, whole_photo=False)
    lost = (alpha > 0.5) & (bitten < 0.5)
    assert (mended.colours[lost] == (0, 255, 0)).all() and (mended.alpha[lost] > 0.99).all()
    far = cv2.dilate(lost.astype(np.uint8), np.ones((9, 9))) == 0
    assert (mended.colours[far] == colours[far]).all() and (mended.alpha[far] == bitten[far]).all()
    assert mended.report.drawn > 0.04 and mended.report.inpainter == "green"


def test_less_than_a_hundredth_is_left_alone(dressed):
    colours, alpha, points = dressed
    bitten = _bitten(alpha, size=(4, 3))
    mended = mend(colours, bitten, points, Painter(), whole_photo=False)
    assert 0 < mended.report.before < 0.01 and mended.report.after == mended.report.before
    assert mended.colours is colours and mended.alpha is bitten
    eager = mend(colours, bitten, points, Painter(), whole_photo=False, threshold=0.001)
    assert eager.report.drawn > 0


def test_the_face_is_never_drawn_on(dressed):
    colours, alpha, points = dressed
    bitten, painter = _bitten(alpha, (100, 125), (12, 20)), Painter()
    mended = mend(colours, bitten, points, painter, whole_photo=False, threshold=0.0)
    face = face_mask(points, alpha.shape, FACE_MARGIN) > 0
    assert painter.missing is not None and painter.missing.any() and not painter.missing[face].any()
    assert (mended.colours[face] == colours[face]).all() and (mended.alpha[face] == bitten[face]).all()


def test_the_corner_between_hair_and_shoulder_stays(dressed):
    colours, alpha, points = dressed
    cv2.rectangle(alpha, (22, 100), (60, 160), 1.0, -1)
    colours[100:161, 22:61] = HAIR
    bitten = alpha.copy()
    cv2.rectangle(bitten, (20, 161), (70, 168), 0.0, -1)
    mended = mend(colours, bitten, points, Painter(), whole_photo=False, threshold=0.0)
    assert (mended.alpha[162:167, 25:40] == bitten[162:167, 25:40]).all()


def test_real_clothing_is_mended_so_that_it_is_hardly_seen():
    person = render("theo")
    points = face_points((360, 300), (150, 200))
    bitten = _bitten(person.alpha, (300, 640), (45, 30))
    lost, true = (bitten < 0.5) & (person.alpha > 0.95), person.colours()
    lost[:560] = False
    damaged = np.where(bitten[..., None] > 0, true, 0).astype(np.uint8)
    mended = mend(damaged, bitten, points, OpenCVInpainter(), whole_photo=False)
    error = np.mean((mended.colours[lost].astype(float) - true[lost]) ** 2)
    assert 10 * np.log10(255**2 / error) > 30


def test_what_is_not_repaired_is_told_as_it_is():
    assert untouched_line(0.0) == "The clothing is whole."
    assert untouched_line(0.006) == "Clothing left as it is: 0.6% is missing."
