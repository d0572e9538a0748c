import pytest

from streaming.encoders import probe
from streaming.encoders.h264 import H264Codec
from tests.support.media import frame


def test_x264_always_works() -> None:
    assert probe.works("libx264")


def test_the_best_codec_is_one_that_really_opens() -> None:
    assert probe.works(probe.best_h264_codec())


def test_a_card_that_refuses_does_not_cost_the_session() -> None:
    if probe.works("h264_nvenc"):
        pytest.skip("this machine has NVENC")
    wanted: H264Codec = "h264_nvenc"
    encoder = probe.open_h264(192, 192, 500_000, wanted)
    assert encoder.codec == "libx264"
    assert encoder.encode(frame(0), 0, True).keyframe
