"""Avatars made from a video, as small as can be: a gradient that moves by one frame's worth per frame."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from avatars.bundle import Bundle, BundleWriter
from streaming.compositor.planes import Plane, frame_planes, pack, unpack
from streaming.encoders.bt601 import tag_bt601
from tests.support.bundles import details

WIDTH, HEIGHT = 128, 96
STEP = 4.0
"""Levels by which the gradient moves per frame."""


def gradient(frame: int) -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3) BGR; frame ``n`` is brighter than frame 0 by ``n * STEP`` everywhere."""
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    level = np.clip(40 + 0.3 * x + 0.2 * y + STEP * frame, 0, 255)
    return np.repeat(level.astype(np.uint8)[..., None], 3, axis=2)


def packed_loop(count: int) -> Plane:
    """(count, packed_size) read-only."""
    frames = np.array([pack(gradient(n)) for n in range(count)])
    frames.flags.writeable = False
    return frames


def write_loop(path: Path, count: int, fps: int = 25) -> None:
    """Write the gradient as H.264, nearly without loss."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "4", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        tag_bt601(stream.codec_context)
        for n in range(count):
            frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
            frame_planes(frame).put(unpack(pack(gradient(n)), WIDTH, HEIGHT))
            frame.pts = n
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def loop_bundle(root: Path, avatar: str = "vera", count: int = 12, **changes) -> Bundle:
    """An avatar with a loop and no atlas."""
    with BundleWriter(root) as writer:
        write_loop(writer.path("idle.mp4"), count)
        fields = {"frames": count, "engines": (), "width": WIDTH, "height": HEIGHT}
        return writer.commit(details(avatar, **(fields | changes)))
