"""Small videos of any kind, made as they are needed."""

import struct
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

Image = NDArray[np.uint8]
TICKS = 90_000
WIDTH, HEIGHT = 160, 120

CLOCKWISE = (0, 1, -1, 0)
UPSIDE_DOWN = (-1, 0, 0, -1)
COUNTERCLOCKWISE = (0, -1, 1, 0)
MIRRORED = (-1, 0, 0, 1)


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT) -> Image:
    """A picture whose grey tells its number (0..49): see :func:`number_of`."""
    return np.full((height, width, 3), 5 + 5 * number, np.uint8)


def number_of(picture: Image) -> int:
    return round((float(picture.mean()) - 5) / 5)


def quarters(width: int = WIDTH, height: int = HEIGHT) -> Image:
    """Red above left, green above right, blue below left, grey below right (BGR)."""
    picture = np.full((height, width, 3), 128, np.uint8)
    picture[: height // 2, : width // 2] = (20, 20, 220)
    picture[: height // 2, width // 2 :] = (20, 200, 20)
    picture[height // 2 :, : width // 2] = (220, 20, 20)
    return picture


def write_video(
    path: Path,
    pictures: Iterable[Image],
    times: Iterable[float] | None = None,
    *,
    rate: int = 25,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    prepare: Callable[[VideoStream], None] | None = None,
    convert: Callable[[Image], av.VideoFrame] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Write pictures (h, w, 3) BGR, or (h, w, 4) BGRA, at times in seconds."""
    quick = {"libx264": {"preset": "ultrafast", "crf": "12"}, "libx265": {"preset": "ultrafast", "crf": "12"}}
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream: VideoStream | None = None
        moments: Iterator[float] = iter(times) if times is not None else (n / rate for n in range(10**9))
        for picture, moment in zip(pictures, moments, strict=False):
            if stream is None:
                made = container.add_stream(codec, rate=rate, options=options or quick.get(codec, {}))
                assert isinstance(made, VideoStream)
                stream = made
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = pixels
                stream.time_base = Fraction(1, TICKS)
                stream.codec_context.time_base = Fraction(1, TICKS)
                if prepare is not None:
                    prepare(stream)
            kind = "bgra" if picture.shape[2] == 4 else "bgr24"
            frame = convert(picture) if convert else av.VideoFrame.from_ndarray(picture, format=kind)
            frame.pts, frame.time_base = round(moment * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        assert stream is not None
        container.mux(stream.encode(None))
    return path


def turn(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a display matrix (a, b, c, d) into the track of an MP4, as phones do."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4
    place += 4 + (32 if data[place] else 20) + 16
    a, b, c, d = (n << 16 for n in matrix)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def swaying(
    still: Image,
    seconds: float,
    *,
    width: int = 640,
    height: int = 480,
    rate: int = 25,
    reach: float = 0.02,
    face: float = 0.95,
) -> Iterator[Image]:
    """A person who moves a little: a still that is moved, turned and scaled smoothly, with grain."""
    rng = np.random.default_rng(3)
    side = height * face
    grain = rng.normal(0, 2.0, (8, height, width, 1)).astype(np.float32)
    for n in range(round(seconds * rate)):
        t = n / rate
        x = reach * height * np.sin(2 * np.pi * t / 3.1)
        y = reach / 2 * height * np.sin(2 * np.pi * t / 2.3)
        scale = side / still.shape[0] * (1 + 0.02 * np.sin(2 * np.pi * t / 4.7))
        angle = np.radians(1.5 * np.sin(2 * np.pi * t / 3.7))
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([width / 2 + x, height - side / 2 + y])
        shift = middle - linear @ (np.array(still.shape[1::-1]) / 2)
        move = np.column_stack([linear, shift])
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        moved = cv2.warpAffine(still, move, (width, height), flags=method, borderMode=cv2.BORDER_REPLICATE)
        yield np.clip(moved + grain[n % 8], 0, 255).astype(np.uint8)
