"""What an avatar shows before it speaks: a seamless loop of its idle life, and a poster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
from av.video.stream import VideoStream

from avatars.atlas import Image, MouthAtlas
from streaming.compositor.assets import load_assets
from streaming.compositor.atlas_compositor import AtlasCompositor
from streaming.compositor.life import Life
from streaming.encoders.bt601 import tag_bt601
from streaming.encoders.video import PIXEL_FORMAT
from streaming.timing import FPS, FRAME_TIME_BASE

LOOP_SECONDS = 12.0
"""Long enough for a few blinks and glances at uneven intervals."""
LOOP_SEED = 22
"""Of the first seeds, one whose loop has blinks and glances well spread."""
CRF = "20"
POSTER_QUALITY = 88


def idle_frames(atlas: MouthAtlas, count: int) -> Iterator[av.VideoFrame]:
    """The frames of a loop: frame ``count`` would be frame 0 again."""
    assets = load_assets(atlas)
    compositor = AtlasCompositor(assets, Life(LOOP_SEED, assets.eye_span, period=count))
    return (compositor.compose(index, None) for index in range(count))


def write_idle_loop(
    atlas: MouthAtlas,
    path: Path,
    seconds: float = LOOP_SECONDS,
    each: Callable[[int, av.VideoFrame], None] | None = None,
) -> int:
    """Write the loop as H.264 in MP4 (yuv420p, BT.601); the file appears whole or not at all.

    Args:
        atlas: the avatar.
        path: where to write.
        seconds: length of the loop; below about 4 s blinks look regular.
        each: told of each frame, before it is written.

    Returns:
        How many frames it has.
    """
    count = max(1, round(seconds * FPS))
    temporary = path.with_name(path.name + ".part")
    try:
        with av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=FPS, options={"crf": CRF, "preset": "slow"})
            assert isinstance(stream, VideoStream)
            stream.height, stream.width = atlas.still.shape[:2]
            stream.pix_fmt = PIXEL_FORMAT
            tag_bt601(stream.codec_context)
            for index, frame in enumerate(idle_frames(atlas, count)):
                if each is not None:
                    each(index, frame)
                frame.pts, frame.time_base = index, FRAME_TIME_BASE
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def write_poster(picture: Image, path: Path) -> None:
    """Write a (H, W, 3) BGR picture as WebP."""
    done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, POSTER_QUALITY])
    if not done:
        raise OSError(f"The poster {path.name} could not be encoded as WebP.")
    path.write_bytes(data.tobytes())
