import cv2
import numpy as np
import pytest
from skimage.data import chelsea

from precompute.errors import AvatarRejected
from precompute.mesh_points import CHIN, FOREHEAD
from precompute.portrait import MIN_EYE_SPAN, find_portrait


def rejected(image, finder) -> AvatarRejected:
    with pytest.raises(AvatarRejected) as caught:
        find_portrait(image, finder)
    return caught.value


def turned(image: np.ndarray, degrees: float) -> np.ndarray:
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((226, 120), degrees, 1)
    return cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)


def profile(image: np.ndarray, left: float, right: float) -> np.ndarray:
    """Squeeze one half of the face and widen the other, as a turned head does."""
    xs = np.array([0, left, 226, right, image.shape[1] - 1], float)
    nose = left + 0.08 * (right - left)
    to = np.array([0, left, nose, right, image.shape[1] - 1], float)
    look = np.interp(np.arange(image.shape[1]), to, xs).astype(np.float32)
    look_y = np.arange(image.shape[0], dtype=np.float32)
    look_x, look_y = np.meshgrid(look, look_y)
    return cv2.remap(image, look_x, look_y, cv2.INTER_LINEAR)


def test_portrait_stays_inside_the_picture(smiling, smiling_portrait):
    portrait = smiling_portrait
    left, top, side = portrait.report.crop
    assert portrait.frame.shape == (512, 512, 3) and portrait.source.shape == (1024, 1024, 3)
    assert left >= 0 and top >= 0 and left + side <= 512 and top + side <= 512
    cut = cv2.resize(smiling[top : top + side, left : left + side], (512, 512), interpolation=cv2.INTER_CUBIC)
    assert np.abs(cut.astype(int) - portrait.frame).mean() < 3


def test_landmarks_are_in_pixels_of_the_portrait(smiling_portrait, finder):
    again = finder.mesh(smiling_portrait.frame, finder.detect(smiling_portrait.frame)[0])
    apart = np.linalg.norm((again.points - smiling_portrait.landmarks)[:, :2], axis=1)
    assert apart.mean() < 4


@pytest.mark.parametrize("name", ["smiling_portrait", "closed_portrait"])
def test_head_fills_about_half(name, request):
    points = request.getfixturevalue(name).landmarks
    face = (points[CHIN, 1] - points[FOREHEAD, 1]) / 512
    assert 0.33 < face < 0.47  # hair adds about a third
    assert abs(points[:, 0].mean() / 512 - 0.5) < 0.06


def test_upright_face_is_measured_as_straight(smiling_portrait):
    report = smiling_portrait.report
    assert report.faces == 1
    assert abs(report.yaw) < 5 and abs(report.pitch) < 5 and abs(report.roll) < 6
    assert report.eye_span == pytest.approx(63.5, abs=2)
    assert any("closer" in line for line in report.advice)


def test_sharp_portrait_needs_no_advice(closed_portrait):
    assert closed_portrait.report.advice == ()


def test_size_is_a_parameter_and_must_be_even(closed, finder):
    assert find_portrait(closed, finder, size=256).frame.shape == (256, 256, 3)
    with pytest.raises(ValueError, match="even"):
        find_portrait(closed, finder, size=255)


def test_small_roll_is_taken_and_strong_roll_rejected(smiling, finder):
    assert find_portrait(turned(smiling, 10), finder).report.roll == pytest.approx(-7.3, abs=3)
    error = rejected(turned(smiling, -28), finder)
    assert error.code == "face_turned_away" and "leans by about" in error.message


def test_turned_face_is_rejected_with_its_angle(smiling, finder):
    error = rejected(profile(smiling, 180, 275), finder)
    assert error.code == "face_turned_away"
    assert "degrees" in error.message and "straight into the camera" in error.message


def test_two_similar_faces_are_rejected(smiling, finder):
    assert rejected(np.hstack([smiling, smiling]), finder).code == "several_faces"


def test_face_far_behind_is_ignored(smiling, finder):
    crowd = np.hstack([cv2.resize(smiling, (1024, 1024)), np.zeros((1024, 400, 3), np.uint8)])
    crowd[500:800, 1060:1360] = cv2.resize(smiling, (300, 300), interpolation=cv2.INTER_AREA)
    portrait = find_portrait(crowd, finder)
    assert portrait.report.eye_span == pytest.approx(127, abs=5)


def test_small_face_is_rejected_with_its_size(smiling, finder):
    error = rejected(cv2.resize(smiling, (256, 256), interpolation=cv2.INTER_AREA), finder)
    assert error.code == "face_too_small" and f"at least {MIN_EYE_SPAN:.0f}" in error.message


def test_empty_scene_has_no_face(finder):
    grey = np.full((300, 400, 3), 127, np.uint8)
    error = rejected(grey, finder)
    assert error.code == "no_face" and "No face was found" in error.message


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_photo_on_its_side_or_head_is_told_so(smiling, finder, turns):
    error = rejected(np.ascontiguousarray(np.rot90(smiling, turns)), finder)
    assert error.code == "photo_not_upright"
    assert ("quarter clockwise", "half a turn", "quarter counterclockwise")[turns - 1] in error.message


def test_cut_off_face_is_rejected(closed, finder):
    error = rejected(np.ascontiguousarray(closed[150:440, 190:530]), finder)
    assert error.code == "face_cut_off"


def test_dark_photo_is_taken_with_advice(smiling, finder):
    report = find_portrait((smiling * 0.22).astype(np.uint8), finder).report
    assert any("dark" in line for line in report.advice)


def test_a_cat_is_no_photo_that_lies_on_its_side(finder):
    error = rejected(np.ascontiguousarray(chelsea()[..., ::-1]), finder)
    assert error.code == "no_face" and "No face was found" in error.message


@pytest.mark.parametrize(
    ("change", "code", "ask"),
    [
        (lambda picture: picture * 0.09, "face_too_dark", "more light"),
        (lambda picture: picture * 1.6 + 60, "face_overexposed", "softer light"),
        (lambda picture: cv2.GaussianBlur(picture, (0, 0), 12), "face_blurred", "eyes are sharp"),
    ],
)
def test_faces_that_cannot_be_seen_well_are_refused_by_name(closed, finder, change, code, ask):
    error = rejected(np.clip(change(closed.astype(np.float32)), 0, 255).astype(np.uint8), finder)
    assert error.code == code and ask in error.message


def test_what_is_only_half_as_bad_is_advised(closed, finder):
    report = find_portrait(np.clip(closed * 1.45 + 20.0, 0, 255).astype(np.uint8), finder).report
    assert any("overexposed" in line for line in report.advice)
