import av
import cv2
import numpy as np
import pytest

from streaming.compositor.planes import frame_planes, pack, pack_all, packed_size, unpack


def _picture(height=32, width=48, seed=1):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("bgr", "yuv"),
    [
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((0, 0, 255), (81, 90, 240)),
        ((255, 0, 0), (41, 240, 110)),
    ],
)
def test_colours_are_bt601_limited_range(bgr, yuv):
    planes = unpack(pack(np.full((4, 4, 3), bgr, np.uint8)), 4, 4)
    assert [int(p[0, 0]) for p in (planes.y, planes.u, planes.v)] == list(yuv)


def test_a_decoder_sees_the_picture_again():
    smooth = np.asarray(cv2.GaussianBlur(_picture(64, 64), (0, 0), 4), np.uint8)
    back = cv2.cvtColor(pack(smooth).reshape(96, 64), cv2.COLOR_YUV2BGR_I420)
    difference = back.astype(int) - smooth
    assert np.abs(difference).mean() < 1.5
    assert np.abs(difference.mean(axis=(0, 1))).max() < 0.5


def test_a_crop_at_even_coordinates_converts_like_the_whole():
    picture = _picture()
    whole = unpack(pack(picture), 48, 32).window(6, 10, 20, 8)
    part = unpack(pack(picture[10:18, 6:26]), 20, 8)
    for name in "yuv":
        np.testing.assert_array_equal(getattr(whole, name), getattr(part, name))


def test_many_pictures_at_once_are_read_only():
    pictures = np.stack([_picture(seed=k) for k in range(6)]).reshape(2, 3, 32, 48, 3)
    packed = pack_all(pictures)
    assert packed.shape == (2, 3, packed_size(48, 32))
    np.testing.assert_array_equal(packed[1, 2], pack(pictures[1, 2]))
    with pytest.raises(ValueError, match="read-only"):
        packed[0, 0, 0] = 1


def test_put_writes_through_a_window():
    target = unpack(np.zeros(packed_size(48, 32), np.uint8), 48, 32)
    target.window(8, 4, 16, 8).put(unpack(np.full(packed_size(16, 8), 7, np.uint8), 16, 8))
    assert target.y.sum() == 7 * 128
    assert target.u[2:6, 4:12].min() == target.v[2:6, 4:12].min() == 7
    assert target.u.sum() == target.v.sum() == 7 * 32


@pytest.mark.parametrize(("width", "height"), [(64, 64), (150, 86), (512, 512)])
def test_frames_are_written_in_place_whatever_their_row_length(width, height):
    picture = _picture(height, width)
    frame = av.VideoFrame(width, height, "yuv420p")
    frame_planes(frame).put(unpack(pack(picture), width, height))
    again = frame.to_ndarray()
    assert again.shape == (height * 3 // 2, width)
    np.testing.assert_array_equal(again.reshape(-1), pack(picture))
