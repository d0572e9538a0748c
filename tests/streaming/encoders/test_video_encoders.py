import av
import numpy as np
import pytest
from av.video.codeccontext import VideoCodecContext

from streaming.encoders.annexb import codec_string, nal_units, parameter_sets
from streaming.encoders.base import VideoCodec
from streaming.encoders.h264 import H264Encoder
from streaming.encoders.video import VideoEncoder
from streaming.encoders.vp8 import Vp8Encoder
from tests.support.media import BITRATE, frame, picture, shown_index

ENCODERS: dict[VideoCodec, type[H264Encoder] | type[Vp8Encoder]] = {"h264": H264Encoder, "vp8": Vp8Encoder}


@pytest.fixture(params=["h264", "vp8"])
def codec(request: pytest.FixtureRequest) -> VideoCodec:
    return request.param


@pytest.fixture
def encoder(codec: VideoCodec) -> VideoEncoder:
    return ENCODERS[codec](192, 192, BITRATE)


def decode(codec: VideoCodec, packets: list[bytes]) -> list[av.VideoFrame]:
    decoder = VideoCodecContext.create(codec, "r")
    assert isinstance(decoder, VideoCodecContext)
    frames = [shown for data in packets for shown in decoder.decode(av.Packet(data))]
    return frames + decoder.decode(None)


def test_every_frame_comes_out_at_once_as_it_went_in(codec: VideoCodec, encoder: VideoEncoder) -> None:
    encoded = [encoder.encode(frame(i), i, i == 0) for i in range(30)]

    assert all(video.data for video in encoded)
    shown = decode(codec, [video.data for video in encoded])
    assert [shown_index(image) for image in shown] == list(range(30))
    error = shown[-1].to_ndarray()[:192].astype(float) - picture(29)[:192]
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 30


def test_keyframes_come_only_when_asked_for(encoder: VideoEncoder) -> None:
    asked = {0, 7, 8}
    # A hard cut at 20 must not slip one in.
    keys = {i for i in range(40) if encoder.encode(frame(i if i < 20 else 4000 - i), i, i in asked).keyframe}
    assert keys == asked


def test_a_decoder_can_start_at_any_keyframe(codec: VideoCodec, encoder: VideoEncoder) -> None:
    encoded = [encoder.encode(frame(i), i, i in (0, 10)) for i in range(20)]
    shown = decode(codec, [video.data for video in encoded[10:]])
    assert [shown_index(image) for image in shown] == list(range(10, 20))


def test_gaps_in_the_slots_are_no_trouble(codec: VideoCodec, encoder: VideoEncoder) -> None:
    indices = [0, 1, 5, 6, 400, 90_000]
    encoded = [encoder.encode(frame(i % 4096), i, n == 0) for n, i in enumerate(indices)]
    shown = decode(codec, [video.data for video in encoded])
    assert [shown_index(image) for image in shown] == [i % 4096 for i in indices]


def test_a_frame_of_another_size_is_refused_rather_than_rescaled(encoder: VideoEncoder) -> None:
    with pytest.raises(ValueError, match="192x192"):
        encoder.encode(frame(0, 128, 128), 0, True)


def test_a_closed_encoder_says_so(encoder: VideoEncoder) -> None:
    encoder.close()
    encoder.close()
    with pytest.raises(ValueError, match="closed"):
        encoder.encode(frame(0), 0, True)


@pytest.mark.parametrize("size", [(191, 192), (0, 192), (192, -2)])
def test_sizes_without_whole_chroma_are_refused(codec: VideoCodec, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="even"):
        ENCODERS[codec](*size, BITRATE)


def test_h264_is_what_browsers_offer() -> None:
    data = H264Encoder(512, 512, BITRATE).encode(frame(0, 512, 512), 0, True).data
    sps, _ = parameter_sets(data)
    profile, constraints, level = sps[1:4]
    assert profile == 66
    assert constraints & 0x40, "constrained baseline"
    assert level == 31
    assert codec_string(sps) == "avc1.42c01f"


def test_h264_carries_its_parameter_sets_at_each_idr_and_its_colours() -> None:
    encoder = H264Encoder(192, 192, BITRATE)
    encoded = [encoder.encode(frame(i), i, i in (0, 5)).data for i in range(6)]
    kinds = [{unit[0] & 0x1F for unit in nal_units(data)} for data in encoded]
    assert {5, 7, 8} <= kinds[0] and {5, 7, 8} <= kinds[5]
    assert kinds[1] == {1}
    shown = decode("h264", encoded)[0]
    assert (shown.colorspace, shown.color_primaries, shown.color_trc, shown.color_range) == (6, 6, 6, 1)


def test_the_bit_rate_is_a_ceiling_even_for_noise() -> None:
    rng = np.random.default_rng(0)
    encoder = H264Encoder(192, 192, 300_000)
    size = 0
    for i in range(100):
        noise = rng.integers(16, 235, (288, 192), dtype=np.uint8)
        size += len(encoder.encode(av.VideoFrame.from_ndarray(noise, format="yuv420p"), i, i == 0).data)
    assert size * 8 / 4 < 300_000 * 1.5
