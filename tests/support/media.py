"""Pictures and sound that say which slot they belong to, and slots made from them with the real encoders."""

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray

from streaming.encoders.base import EncodedSlot, EncodedVideo, VideoCodec
from streaming.encoders.h264 import H264Encoder
from streaming.encoders.opus import OpusEncoder
from streaming.encoders.vp8 import Vp8Encoder
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE

TONE_HERTZ = 600.0
BITS = 12
BITRATE = 1_000_000


def picture(index: int, width: int = 192, height: int = 192) -> NDArray[np.uint8]:
    """I420 planes: a gradient that moves, with the index in bars of black and white along the top."""
    y = np.add.outer(np.arange(height), np.arange(width) + 3 * index).astype(np.int32) // 2 % 160 + 40
    bar = width // BITS
    for bit in range(BITS):
        y[: height // 4, bit * bar : (bit + 1) * bar] = 235 if index >> bit & 1 else 16
    chroma = np.full((height // 2, width), 128)
    return np.concatenate([y, chroma]).astype(np.uint8)


def frame(index: int, width: int = 192, height: int = 192) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(picture(index, width, height), format="yuv420p")


def shown_index(decoded: av.VideoFrame) -> int:
    luma = decoded.to_ndarray()[: decoded.height]
    bar = decoded.width // BITS
    row = luma[decoded.height // 8]
    return sum(1 << bit for bit in range(BITS) if row[bit * bar + bar // 2] > 128)


def tone(index: int) -> NDArray[np.float32]:
    t = np.arange(index * SLOT_SAMPLES, (index + 1) * SLOT_SAMPLES) / SPEECH_RATE
    return (0.4 * np.sin(2 * np.pi * TONE_HERTZ * t)).astype(np.float32)


def pitch(samples: NDArray[np.float32], rate: int) -> float:
    """The strongest frequency in hertz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum)) * rate / samples.size


class SlotMaker:
    """Makes slots one after the other; keyframes when asked, the first one always."""

    def __init__(self, codec: VideoCodec = "h264", width: int = 192, height: int = 192) -> None:
        self.codec: VideoCodec = codec
        self.size = (width, height)
        self.encoder = (H264Encoder if codec == "h264" else Vp8Encoder)(width, height, BITRATE)
        self.opus = OpusEncoder()
        self.keyframe = True

    def make(self, index: int) -> EncodedSlot:
        encoded = self.encoder.encode(frame(index, *self.size), index, self.keyframe)
        self.keyframe = False
        video: dict[VideoCodec, EncodedVideo] = {self.codec: encoded}
        return EncodedSlot(index, video, self.opus.encode(tone(index)), speaking=True)

    def run(self, start: int, stop: int) -> Iterator[EncodedSlot]:
        return (self.make(index) for index in range(start, stop))
