import cv2
import numpy as np
import pytest

from streaming.compositor.colours import colour
from streaming.errors import BackgroundRejected


@pytest.mark.parametrize(
    ("text", "bgr"),
    [("#0f0", (0, 255, 0)), (" White ", (255, 255, 255)), ("#204080", (128, 64, 32)), ("black", (0, 0, 0))],
)
def test_a_colour_is_shown_as_that_colour(text, bgr):
    y, u, v = colour(text)
    planes = np.array([[y, y], [y, y], [u, v]], np.uint8)
    shown = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)[0, 0]
    assert np.abs(shown.astype(int) - bgr).max() <= 3


def test_no_colour_and_default_are_the_same_light_grey():
    assert colour(None) == colour("default") == colour("DEFAULT") == colour("#e9ebee")


@pytest.mark.parametrize("text", ["", "greenish", "#12345", "#00ff0080", "rgb(0,0,0)", "url(x)", "../x"])
def test_what_is_no_colour_says_what_is(text):
    with pytest.raises(BackgroundRejected, match="#e9ebee"):
        colour(text)
