import pytest

from streaming.encoders.annexb import nal_units, parameter_sets, to_sample
from streaming.encoders.h264 import H264Encoder
from streaming.encoders.sps import picture_size
from tests.support.media import frame


@pytest.mark.parametrize("size", [(192, 192), (514, 386), (720, 1080), (1920, 1080)])
def test_the_size_is_read_with_its_cropping(size: tuple[int, int]) -> None:
    data = H264Encoder(*size, 1_000_000).encode(frame(0, *size), 0, True).data
    assert picture_size(parameter_sets(data)[0]) == size


def test_a_cut_parameter_set_is_refused() -> None:
    data = H264Encoder(192, 192, 1_000_000).encode(frame(0), 0, True).data
    with pytest.raises(ValueError, match="too early"):
        picture_size(parameter_sets(data)[0][:5])


def test_delta_frames_have_no_parameter_sets() -> None:
    encoder = H264Encoder(192, 192, 1_000_000)
    encoder.encode(frame(0), 0, True)
    with pytest.raises(ValueError, match="keyframe"):
        parameter_sets(encoder.encode(frame(1), 1, False).data)


def test_units_are_split_at_both_kinds_of_start_code() -> None:
    assert list(nal_units(b"\x00\x00\x00\x01\x67ab\x00\x00\x01\x68cd\x00\x00\x00\x01\x65ef")) == [
        b"\x67ab",
        b"\x68cd",
        b"\x65ef",
    ]
    assert list(nal_units(b"no start code")) == []


def test_samples_hold_slices_with_their_length() -> None:
    data = b"\x00\x00\x01\x67ab\x00\x00\x01\x06xy\x00\x00\x01\x65efg\x00\x00\x01\x41h"
    assert to_sample(data) == b"\x00\x00\x00\x04\x65efg\x00\x00\x00\x02\x41h"
