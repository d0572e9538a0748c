import cv2
import numpy as np
import pytest

from precompute.mouth.folds import Folds
from precompute.mouth.measure import measure_mouth
from precompute.mouth.shapes import MouthShape


@pytest.fixture(scope="module")
def folds(smiling_portrait):
    return Folds(smiling_portrait.source, measure_mouth(smiling_portrait))


def cheeks(portrait, picture):
    """Contrast of the folds from the nose to beside the mouth."""
    points = portrait.landmarks[[129, 216, 358, 436], :2] * 2
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32), (0, 0), 3)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 12))
    parts = []
    for wing, beside in (points[:2], points[2:]):
        low = np.minimum(wing, beside).astype(int) - 12
        high = np.maximum(wing, beside).astype(int) + 12
        parts.append(fine[low[1] : high[1], low[0] : high[0]].mean())
    return float(np.mean(parts))


def test_folds_fade_when_the_smile_goes_and_stay_with_it(smiling_portrait, folds):
    contrast = [
        cheeks(smiling_portrait, folds.yielding(shape))
        for shape in (MouthShape(0.2, 1.0), MouthShape(), MouthShape(0.2, -1.0))
    ]
    assert contrast[0] == pytest.approx(cheeks(smiling_portrait, smiling_portrait.source))
    assert contrast[0] > 1.1 * contrast[1] > 1.1 * contrast[2]


def test_lips_eyes_and_what_lies_beside_the_face_stay(smiling_portrait, folds):
    source, faded = smiling_portrait.source, folds.yielding(MouthShape(0.2, -1.0))
    assert (faded[:200] == source[:200]).all() and (faded[:, :150] == source[:, :150]).all()
    for index in (33, 263, 0, 17, 1):
        x, y = np.round(smiling_portrait.landmarks[index, :2] * 2).astype(int)
        part = np.s_[y - 8 : y + 9, x - 8 : x + 9]
        assert np.abs(faded[part].astype(int) - source[part]).max() <= 1
