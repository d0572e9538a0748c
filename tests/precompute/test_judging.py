import cv2
import numpy as np
import pytest

from precompute.judging import advice_of, judge_look, judge_portrait


@pytest.fixture(scope="module")
def judged(closed_portrait):
    return judge_portrait(closed_portrait)


def _look(portrait, change):
    points = portrait.landmarks[:, :2] * 2
    return judge_look(np.asarray(change(portrait.source), np.uint8), points)


def test_a_good_photo_is_good_in_everything(judged, closed_portrait):
    assert {entry["verdict"] for entry in judged.values()} == {"good"}
    assert set(judged) == {
        "eye_span", "yaw", "pitch", "roll", "mouth", "sharpness", "brightness", "evenness"
    }  # fmt: skip
    assert judged["eye_span"]["value"] == pytest.approx(closed_portrait.report.eye_span, abs=0.1)
    assert advice_of(judged) == []


def test_a_blurred_face_is_told(closed_portrait, judged):
    worse = [_look(closed_portrait, lambda p, s=s: cv2.GaussianBlur(p, (0, 0), s)) for s in (1, 3, 8)]
    values = [judged["sharpness"]["value"], *(found["sharpness"]["value"] for found in worse)]
    assert values == sorted(values, reverse=True)
    assert worse[2]["sharpness"]["verdict"] == "poor"
    assert any("blurred" in sentence for sentence in advice_of(worse[2]))


def test_sharpness_does_not_hang_on_the_light(closed_portrait, judged):
    dim = _look(closed_portrait, lambda picture: picture * 0.6)
    assert dim["sharpness"]["value"] == pytest.approx(judged["sharpness"]["value"], rel=0.1)


@pytest.mark.parametrize(("gain", "verdict"), [(0.15, "poor"), (0.45, "fair"), (1.0, "good")])
def test_light_is_judged(closed_portrait, gain, verdict):
    assert _look(closed_portrait, lambda picture: picture * gain)["brightness"]["verdict"] == verdict


def test_light_from_one_side_is_told(closed_portrait):
    ramp = np.linspace(1.0, 0.05, closed_portrait.source.shape[1])[None, :, None]
    found = _look(closed_portrait, lambda picture: picture * ramp)
    assert found["evenness"]["verdict"] == "poor"
    assert any("one side" in sentence for sentence in advice_of(found))


def test_a_smile_is_no_closed_mouth(smiling_portrait):
    assert judge_portrait(smiling_portrait)["mouth"]["verdict"] == "fair"
