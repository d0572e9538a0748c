"""Films of a bundle: H.264 in MP4, 25 frames per second, silent; a file appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from streaming.compositor.planes import frame_planes, pack, unpack
from streaming.encoders.bt601 import tag_bt601
from streaming.encoders.video import PIXEL_FORMAT
from streaming.timing import FPS, FRAME_TIME_BASE

Image = NDArray[np.uint8]

GREY_CHROMA = 128
FULL_RANGE = 2
"""libav's ``AVCOL_RANGE_JPEG``."""


class FilmWriter:
    """Writes one film; use as a context manager.

    Args:
        path: where to write.
        size: width and height in pixels, even.
        crf: how coarse, as x264 counts.
        preset: how much time is taken to make it small.
        limits: more options of x264.
        grey: luma has all levels from 0 to 255, and means itself; for mattes.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        *,
        crf: int,
        preset: str,
        limits: dict[str, str] | None = None,
        grey: bool = False,
    ) -> None:
        self.count = 0
        self._path = path
        self._temporary = path.with_name(path.name + ".part")
        self._size = size
        options = {"crf": str(crf), "preset": preset, **(limits or {})}
        self._container = av.open(str(self._temporary), "w", format="mp4", options={"movflags": "+faststart"})
        stream = self._container.add_stream("libx264", rate=FPS, options=options)
        assert isinstance(stream, VideoStream)
        self._stream = stream
        stream.width, stream.height = size
        stream.pix_fmt = PIXEL_FORMAT
        tag_bt601(stream.codec_context)
        if grey:
            stream.codec_context.color_range = FULL_RANGE

    def __enter__(self) -> Self:
        return self

    def put(self, picture: Image) -> None:
        """Add a (H, W, 3) BGR picture."""
        frame = av.VideoFrame(*self._size, PIXEL_FORMAT)
        frame_planes(frame).put(unpack(pack(picture), *self._size))
        self._encode(frame)

    def put_grey(self, levels: Image) -> None:
        """Add a (H, W) matte, 0..255."""
        frame = av.VideoFrame(*self._size, PIXEL_FORMAT)
        planes = frame_planes(frame)
        planes.y[:] = levels
        planes.u[:] = planes.v[:] = GREY_CHROMA
        self._encode(frame)

    def _encode(self, frame: av.VideoFrame) -> None:
        frame.pts, frame.time_base = self.count, FRAME_TIME_BASE
        self._container.mux(self._stream.encode(frame))
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
            self._container.close()
            if kind is None:
                os.replace(self._temporary, self._path)
        finally:
            self._temporary.unlink(missing_ok=True)


def read_grey(path: Path) -> Iterator[Image]:
    """The mattes that a film of our own holds, (H, W) uint8, one at a time."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame_planes(frame).y.copy()
