"""The loop of a video is written, with its poster and its landmarks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from precompute.clear import GREY
from precompute.idle import POSTER_QUALITY
from precompute.judging import judge_look
from precompute.loop_crop import advice_on, eye_spans
from precompute.matting.background import composite
from precompute.matting.scene import read_mattes
from precompute.order import VIDEO
from precompute.sheet import label
from precompute.stages.base import Desk, Image, Stage
from precompute.stages.drawing import shrunk
from precompute.stages.film import first_of_film
from precompute.stages.video_background import dressed_pictures
from precompute.stages.video_look import ugliness
from precompute.stages.video_loop import (
    SIGHTS,
    loop_landmarks,
    meshes_of,
    sights_of,
    stretch_of,
)
from streaming.compositor.planes import frame_planes, pack, unpack
from streaming.encoders.bt601 import tag_bt601
from streaming.encoders.video import PIXEL_FORMAT
from streaming.timing import FPS, FRAME_TIME_BASE

CRF = "18"
"""Finer than what is drawn: a camera's picture is decoded, drawn into and coded once more for the viewer."""
PRESET = "medium"
FACE_STEPS = 64
"""Landmarks are kept in parts of a pixel of this size."""
SHOWN = 316


def _write(desk: Desk) -> None:
    size = desk.order.size
    stretch, sights = stretch_of(desk), sights_of(desk)
    landmarks = loop_landmarks(desk)
    inside = slice(stretch.begin, stretch.begin + len(landmarks))
    poster = int(ugliness(sights.mouths[inside], sights.eyes[inside], sights.yaws[inside]).argmin())
    shown = {*np.linspace(0, len(landmarks) - 1, 3).round().astype(int).tolist(), poster}
    seen: dict[int, Image] = {}

    def each(index: int, picture: Image) -> None:
        if index in shown:
            seen[index] = picture
        desk.progress((index + 1) / len(landmarks))

    count = write_loop(dressed_pictures(desk), size, desk.part("idle.mp4"), each)
    if count != len(landmarks):
        raise RuntimeError(f"the loop has {count} frames, not {len(landmarks)}: the video changed meanwhile")
    visible = visible_frames(desk, seen)
    _write_poster(visible[poster], desk.part("poster.webp"))
    _write_faces(landmarks, desk.part("faces.npz"))
    desk.detail(width=size, height=size, frames=count)
    meshes = meshes_of(desk)
    judged = judge_look(seen[poster], landmarks[poster])
    desk.report({"frames": count, "eye_span": round(float(np.median(eye_spans(meshes))), 1)})
    desk.report({"judged": judged})
    for advice in advice_on(meshes, judged["brightness"]["value"], stretch.speeds):
        desk.note(advice)
    words = {index: f"{index / FPS:.1f} s" for index in sorted(shown - {poster})} | {poster: "poster"}
    desk.preview(np.hstack([label(shrunk(visible[index], SHOWN), text) for index, text in words.items()]))
    desk.forget(SIGHTS)


def visible_frames(desk: Desk, frames: dict[int, Image]) -> dict[int, Image]:
    """Some of the loop's frames as they are seen: before the film, or light grey, where nothing is behind."""
    if not desk.order.clear:
        return frames
    size = desk.order.size
    film = desk.order.background == VIDEO
    behind = first_of_film(desk) if film else np.full((size, size, 3), GREY, np.uint8)
    mattes = enumerate(read_mattes(desk.part("alpha.mp4")))
    return {index: composite(frames[index], alpha, behind) for index, alpha in mattes if index in frames}


def write_loop(pictures: Iterable[Image], size: int, path: Path, each: Callable[[int, Image], None]) -> int:
    """Write pictures as H.264 in MP4 (yuv420p, BT.601, 25 per second), whole or not at all.

    Args:
        pictures: (size, size, 3) BGR each; one at a time is in memory.
        size: of them in pixels, even.
        path: where to write.
        each: told of each picture.

    Returns:
        How many there were.
    """
    temporary = path.with_name(path.name + ".part")
    count = 0
    try:
        with av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=FPS, options={"crf": CRF, "preset": PRESET})
            assert isinstance(stream, VideoStream)
            stream.width = stream.height = size
            stream.pix_fmt = PIXEL_FORMAT
            tag_bt601(stream.codec_context)
            for picture in pictures:
                frame = av.VideoFrame(size, size, PIXEL_FORMAT)
                frame_planes(frame).put(unpack(pack(picture), size, size))
                frame.pts, frame.time_base = count, FRAME_TIME_BASE
                container.mux(stream.encode(frame))
                each(count, picture)
                count += 1
            container.mux(stream.encode(None))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _write_poster(picture: Image, path: Path) -> None:
    done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, POSTER_QUALITY])
    if not done:
        raise OSError(f"The poster {path.name} could not be encoded as WebP.")
    path.write_bytes(data.tobytes())


def _write_faces(landmarks: NDArray[np.float32], path: Path) -> None:
    """Smoothed landmarks (N, 468, 2) in pixels, and their boxes (N, 4): left, top, right, bottom."""
    # Rounded to less than they tremble, they take half of the bytes.
    exact = (np.rint(landmarks * FACE_STEPS) / FACE_STEPS).astype(np.float32)
    boxes = np.concatenate([exact.min(axis=1), exact.max(axis=1)], axis=1)
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, landmarks=exact, boxes=boxes)


WRITE = Stage("write", "Writing the loop", 0.4, _write)
