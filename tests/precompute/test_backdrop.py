import cv2
import numpy as np
import pytest

from benchmarks.renders import busy, render
from precompute.backdrop import Backdrop
from precompute.errors import AvatarRejected
from precompute.matting.background import Blurred, colour
from precompute.photo import Cutout
from tests.support.mattes import KnownMatter, Painter, cut, portrait_of

GREEN = colour("#00ff00")


@pytest.fixture(scope="module")
def theo():
    return render("theo")


@pytest.fixture(scope="module")
def portrait(theo, finder):
    return portrait_of(theo.before(busy("grass")), finder)


@pytest.fixture(scope="module")
def true(theo, portrait):
    return cut(portrait, theo.alpha)


@pytest.fixture(autouse=True)
def matting():
    pytest.importorskip("pymatting")


def _cutout(theo, holes=()):
    alpha = theo.alpha.copy()
    for where in holes:
        cv2.circle(alpha, where, 30, 0.0, -1)
    return Cutout(np.where(alpha[..., None] > 0, theo.colours(), 0).astype(np.uint8), alpha)


def test_the_background_is_new_and_the_person_the_same(theo, portrait, true):
    backdrop = Backdrop(GREEN, KnownMatter(true), None)
    made = backdrop(portrait, None)
    frame, sure, behind = made.portrait.frame, cv2.erode(true, np.ones((9, 9))) > 0.99, true < 0.01
    assert np.percentile(np.abs(frame[sure].astype(int) - portrait.frame[sure]), 99.5) <= 2
    away = cv2.dilate((~behind).astype(np.uint8), np.ones((15, 15))) == 0
    assert (frame[away] == (0, 255, 0)).all()
    assert made.portrait.source.shape == (1024, 1024, 3)
    shrunk = cv2.resize(made.portrait.source, (512, 512), interpolation=cv2.INTER_AREA)
    assert (shrunk == frame).all()
    assert made.alpha.shape == (512, 512) and made.alpha.dtype == np.uint8
    assert np.abs(made.alpha / 255 - true).mean() < 0.02
    assert made.tools == ("known",) and (made.portrait.landmarks == portrait.landmarks).all()
    assert backdrop.report is not None and backdrop.report.clothing is None
    assert backdrop.report.person == pytest.approx(true.mean(), abs=0.02)


def test_a_bitten_face_and_clothing_are_whole_again(portrait, true):
    bitten = true.copy()
    nose, chest = portrait.landmarks[4, :2].astype(int), (256, 470)
    cv2.circle(bitten, nose.tolist(), 30, 0.0, -1)
    cv2.circle(bitten, chest, 25, 0.0, -1)
    backdrop = Backdrop(GREEN, KnownMatter(bitten), Painter())
    made = backdrop(portrait, None)
    assert made.alpha[nose[1], nose[0]] == 255 and made.alpha[chest[1], chest[0]] > 250
    rows = slice(chest[1] - 10, chest[1] + 10), slice(chest[0] - 10, chest[0] + 10)
    assert np.abs(made.portrait.frame[rows].astype(int) - portrait.frame[rows]).max() <= 2
    assert backdrop.report is not None
    said = " ".join(backdrop.report.lines())
    assert "known" in said and "taken back from the photo; 0." in said
    assert made.tools == ("known",)


def test_a_cut_out_needs_no_model_and_its_holes_are_drawn(theo, portrait):
    matter, painter = KnownMatter(np.zeros((512, 512))), Painter()
    backdrop = Backdrop(colour("white"), matter, painter)
    left, top, side = portrait.report.crop
    hole = (round(left + side / 2), round(top + side * 0.92))
    made = backdrop(portrait, _cutout(theo, [hole]))
    assert matter.asked == 0 and painter.missing is not None
    assert made.tools == ("the photo's own transparency", "green")
    x, y = round((hole[0] - left) * 512 / side), round((hole[1] - top) * 512 / side)
    assert made.portrait.frame[y, x].tolist() == [0, 255, 0] and made.alpha[y, x] == 255
    assert made.portrait.frame[3, 3].tolist() == [255, 255, 255]
    assert backdrop.report is not None and "drawn by green" in " ".join(backdrop.report.lines())


def test_the_model_is_asked_when_that_is_wanted_or_nothing_is_cut_out(theo, portrait, true):
    matter = KnownMatter(true)
    Backdrop(GREEN, matter, None, own_transparency=False)(portrait, _cutout(theo))
    assert matter.asked == 1
    corner = Cutout(theo.colours(), np.ones_like(theo.alpha))
    corner.alpha[:9, :9] = 0
    Backdrop(GREEN, matter, None)(portrait, corner)
    assert matter.asked == 2


@pytest.mark.parametrize(("value", "code"), [(0, "matte_empty"), (1, "matte_full")])
def test_a_useless_matte_is_refused(portrait, value, code):
    with pytest.raises(AvatarRejected) as caught:
        Backdrop(Blurred(), KnownMatter(np.full((512, 512), value)), Painter())(portrait, None)
    assert caught.value.code == code
