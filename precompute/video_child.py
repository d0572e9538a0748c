"""A process that decodes one video: ``python -m precompute.video_child 60 0 750 < file``.

FFmpeg reads what strangers wrote. Here it can neither open another file, nor a socket, nor take more memory
or time than a video needs; and when it crashes, nothing else does. Started by :mod:`precompute.clip`, which
reads its standard output: messages of a kind (u8), a length (u32, little-endian) and a body.
"""

from __future__ import annotations

import importlib
import io
import os
import pkgutil
import sys
import traceback
from contextlib import suppress
from typing import BinaryIO

import av
import msgspec
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from precompute.errors import AvatarRejected
from precompute.hdr import HLG, PQ, to_sdr
from precompute.video import MIN_SIDE, VideoFile
from streaming.confinement import confine, refuse, send
from streaming.timing import FPS

INFO, FRAME, REPEAT, END, REFUSED = range(5)

MEMORY_BYTES = 1280 << 20
"""Address space. Code and libraries take 300 MB of it, a decoder of 4K with ten bits up to 700."""
CPU_SECONDS = 400
"""A minute of 4K with 60 frames per second takes about half of it."""


def _load_all() -> None:
    """Have Python load what it loads late: every part of PyAV, and all that decoding a little video needs."""
    for module in pkgutil.walk_packages(av.__path__, "av."):
        # Parts for devices and the command line may want what is not here.
        with suppress(ImportError):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for curve in (HLG, PQ):
        to_sdr(np.zeros((2, 2, 3), np.uint16), curve)
    black = VideoFrame(MIN_SIDE, MIN_SIDE, "yuv420p")
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        assert isinstance(stream, VideoStream)
        stream.width = stream.height = MIN_SIDE
        for number in range(2 * FPS):
            black.pts = number
            container.mux(stream.encode(black))
        container.mux(stream.encode(None))
    for _ in VideoFile(file).frames():
        pass


def main(source: BinaryIO, sink: BinaryIO, max_seconds: float, begin: int, end: int) -> None:
    """Decode the slots from ``begin`` to ``end`` and write messages to ``sink``."""
    try:
        video = VideoFile(source, max_seconds)
        send(sink, INFO, msgspec.json.encode(video.info))
        if begin < end:
            for picture in video.frames(begin, end):
                if picture is None:
                    send(sink, REPEAT, b"")
                else:
                    send(sink, FRAME, picture.data.cast("B"))
        send(sink, END, b"")
    except AvatarRejected as error:
        refuse(sink, REFUSED, error.code, error.message)
    except BrokenPipeError:
        raise
    except Exception:
        # Whatever FFmpeg made of it, it is the file's doing. The log shows it.
        traceback.print_exc()
        message = "The file is built in a way that cannot be read. Export it again."
        refuse(sink, REFUSED, "not_a_video", message)


if __name__ == "__main__":
    _load_all()
    confine(MEMORY_BYTES, CPU_SECONDS)
    # A reader that went away is no error.
    with suppress(BrokenPipeError):
        main(open(0, "rb", closefd=False), sys.stdout.buffer, float(sys.argv[1]), *map(int, sys.argv[2:4]))
    # Nothing is left to flush into a pipe that may be closed.
    os._exit(0)
