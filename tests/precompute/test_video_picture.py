"""Colours survive every way of coding them."""

from itertools import pairwise

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, ColorTrc

from precompute.photo import BEHIND
from precompute.video_picture import Turn, picture_of, turn_of
from tests.support.videos import quarters

WIDTH, HEIGHT = 160, 120
MATRICES = {
    Colorspace.ITU601: (0.299, 0.114),
    Colorspace.ITU709: (0.2126, 0.0722),
    Colorspace.BT2020: (0.2627, 0.0593),
}
PLACES = ((30, 40), (30, 120), (90, 40), (90, 120))


def coded(picture: np.ndarray, matrix: Colorspace, full: bool, bits: int) -> av.VideoFrame:
    """A frame with the sums done by hand (ITU-T H.273), chroma in full resolution."""
    red_share, blue_share = MATRICES[matrix]
    b, g, r = np.moveaxis(picture.astype(float) / 255, -1, 0)
    y = red_share * r + (1 - red_share - blue_share) * g + blue_share * b
    cb, cr = (b - y) / (2 - 2 * blue_share), (r - y) / (2 - 2 * red_share)
    scale = 2 ** (bits - 8)
    if full:
        top = 2**bits - 1
        planes = [y * top, cb * top + 128 * scale, cr * top + 128 * scale]
    else:
        planes = [(219 * y + 16) * scale, (224 * cb + 128) * scale, (224 * cr + 128) * scale]
    kind = "yuv444p" if bits == 8 else f"yuv444p{bits}le"
    frame = av.VideoFrame(picture.shape[1], picture.shape[0], kind)
    for plane, values in zip(frame.planes, planes, strict=True):
        whole = np.rint(values).clip(0, 2**bits - 1).astype(np.uint8 if bits == 8 else np.uint16)
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)  # pyright: ignore[reportArgumentType]
        rows[:, : whole.shape[1] * whole.itemsize] = whole.view(np.uint8).reshape(whole.shape[0], -1)
    frame.colorspace = matrix
    frame.color_range = ColorRange.JPEG if full else ColorRange.MPEG
    return frame


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_matrices_ranges_and_depths_give_the_same_colours(matrix, full, bits):
    picture = quarters(WIDTH, HEIGHT)
    seen = picture_of(coded(picture, matrix, full, bits), WIDTH, HEIGHT, Turn())
    for place in PLACES:
        assert np.abs(seen[place].astype(int) - picture[place]).max() <= 3, place


def test_large_frames_that_do_not_say_so_are_hd_and_small_ones_are_not():
    for width, height, matrix in ((1280, 720, Colorspace.ITU709), (640, 480, Colorspace.ITU601)):
        picture = quarters(width, height)
        frame = coded(picture, matrix, False, 8)
        frame.colorspace = 2
        seen = picture_of(frame, width, height, Turn())
        assert np.abs(seen[10, 10].astype(int) - picture[10, 10]).max() <= 3


def test_frames_are_scaled_as_they_are_converted():
    seen = picture_of(coded(quarters(), Colorspace.ITU601, False, 8), 80, 60, Turn())
    assert seen.shape == (60, 80, 3) and seen.flags.c_contiguous
    assert np.abs(seen[10, 10].astype(int) - quarters()[10, 10]).max() <= 3


def test_transparency_lies_over_the_grey_of_photos():
    picture = np.dstack([quarters(), np.full((HEIGHT, WIDTH), 255, np.uint8)])
    picture[60:, :, 3] = 0
    picture[:60, 80:, 3] = 128
    seen = picture_of(av.VideoFrame.from_ndarray(picture, format="bgra"), WIDTH, HEIGHT, Turn())
    assert (seen[30, 40] == quarters()[30, 40]).all() and (seen[90, 90] == BEHIND[::-1]).all()
    half = (quarters()[30, 120].astype(int) + np.array(BEHIND[::-1])) / 2
    assert np.abs(seen[30, 120] - half).max() < 2


def test_hdr_comes_out_as_bright_as_it_was_meant():
    frame = coded(np.full((HEIGHT, WIDTH, 3), round(0.75 * 255), np.uint8), Colorspace.BT2020, False, 10)
    frame.color_trc = ColorTrc.ARIB_STD_B67
    assert 220 < picture_of(frame, WIDTH, HEIGHT, Turn()).mean() < 250


def test_a_turn_swaps_then_mirrors():
    picture = quarters()
    assert (Turn(True, mirror_x=True).apply(picture) == np.rot90(picture, -1)).all()
    assert (Turn(False, True, True).apply(picture) == np.rot90(picture, 2)).all()
    assert (Turn(True, mirror_y=True).apply(picture) == np.rot90(picture, 1)).all()
    for one, other in pairwise([Turn(), Turn(False, True), Turn(True), Turn(True, True, True)]):
        assert one.apply(picture).tobytes() != other.apply(picture).tobytes()


def test_a_frame_that_says_nothing_is_upright():
    assert turn_of(av.VideoFrame(16, 16, "yuv420p")) == Turn()
