"""From a video of a person to an avatar in the store: its best stretch as a loop, and no mouth atlas.

What its lips do is drawn by an engine that works on moving pictures, whose part is added as to any avatar
(:mod:`precompute.parts`). Without one the avatar only plays its loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatars.bundle import Bundle
from avatars.manifest import AvatarDetails, Provenance
from avatars.store import AvatarStore
from precompute.clip import Clip, open_clip
from precompute.create import LEFTOVER_SECONDS, PARTS_BEGIN
from precompute.idle import POSTER_QUALITY
from precompute.landmarks import FaceFinder, Image
from precompute.loop import LeftOut, Stretch, choose_stretch
from precompute.loop_crop import LoopCrop, advice_on, eye_spans, find_crop
from precompute.loop_track import Sights, look
from precompute.musetalk.boxes import smooth
from precompute.parts import PartBuilder, Progress, build_parts
from precompute.portrait import PORTRAIT_SIZE
from precompute.video import VideoInfo
from streaming.clock import Clock, SystemClock
from streaming.compositor.planes import frame_planes, pack, unpack
from streaming.encoders.bt601 import tag_bt601
from streaming.encoders.video import PIXEL_FORMAT
from streaming.timing import FPS, FRAME_TIME_BASE

CRF = "18"
"""Finer than what is drawn: a camera's picture is decoded, drawn into and coded once more for the viewer."""
PRESET = "medium"
FACE_STEPS = 64
"""Landmarks are kept in parts of a pixel of this size."""
LOOKING_ENDS, WRITING_ENDS = 0.6, 0.97
"""Shares of the work on the avatar at which the video has been looked through, and the loop is written."""


@dataclass(frozen=True, slots=True)
class VideoReport:
    """What was judged, and what became of the video.

    Attributes:
        video: what the video is.
        begin: of the loop in seconds of the video.
        end: likewise.
        speeds: of the head where the loop turns round, in widths of the face per second.
        speaking: share of the loop in which the mouth is open.
        left_out: all else of the video, in order.
        eye_span: distance between the outer eye corners in pixels of the video.
        crop: the square that is shown.
        brightness: mean grey of the face, 0..255.
        advice: sentences for the person who sent the video; empty when all is well.
    """

    video: VideoInfo
    begin: float
    end: float
    speeds: tuple[float, float]
    speaking: float
    left_out: tuple[LeftOut, ...]
    eye_span: float
    crop: LoopCrop
    brightness: float
    advice: tuple[str, ...]


def create_from_video(
    video: Path,
    avatar: str,
    store: AvatarStore,
    *,
    name: str | None = None,
    provenance: Provenance | None = None,
    progress: Progress | None = None,
    finder: FaceFinder | None = None,
    clock: Clock | None = None,
    size: int = PORTRAIT_SIZE,
    parts: Sequence[PartBuilder] = (),
    on_failed_part: Callable[[str, str], None] | None = None,
) -> tuple[Bundle, VideoReport]:
    """Make an avatar from a video. Blocking: about as long as the video takes to play, on one core.

    Nothing is left behind when it fails, and nobody sees the avatar before it is whole. At most one frame of
    the video is in memory at any moment. It is decoded in processes of their own.

    Args:
        video: a file that the caller chose itself (never a path that a stranger named).
        avatar: id of the new avatar.
        store: where it goes.
        name: for people; made from the id when not given.
        provenance: where the video comes from and who agreed to its use.
        progress: told what is being done, and how much of the whole is done (0..1).
        finder: loaded face networks to reuse; made here when missing.
        clock: says when the avatar was made.
        size: of its frames in pixels, even.
        parts: build what engines need.
        on_failed_part: told the engine whose part could not be built, and why.

    Raises:
        AvatarExists: the id is taken.
        BundleInvalid: the id is not a valid one, or the loop takes too many bytes.
        AvatarRejected: the video is not fit; the message says why, when, and what to do.
        EngineUnavailable: the face landmark models are not installed.
        EngineFailed: no process can be started.
    """
    whole = progress or _silent
    share = PARTS_BEGIN if parts else 1.0
    clock = clock or SystemClock()
    store.remove_leftovers(clock.wall() - LEFTOVER_SECONDS)
    with store.writer(avatar) as writer:
        whole("Opening the video", 0.0)
        clip = open_clip(video)
        expected = max(1.0, clip.info.seconds * FPS)

        def looked(done: int) -> None:
            whole("Looking for the face", share * LOOKING_ENDS * min(1.0, done / expected))

        sights = look(clip.frames(), finder or FaceFinder(), looked)
        stretch = choose_stretch(sights)
        meshes = sights.meshes[stretch.begin : stretch.end]
        crop = find_crop(meshes, clip.info.width, clip.info.height, size)

        def written(done: int) -> None:
            part = done / (stretch.end - stretch.begin)
            whole("Writing the loop", share * (LOOKING_ENDS + part * (WRITING_ENDS - LOOKING_ENDS)))

        landmarks = crop.place(smooth(meshes))
        poster = _write_loop(
            clip, stretch, crop, _best_frame(sights, stretch), writer.path("idle.mp4"), written
        )
        _write_poster(poster, writer.path("poster.webp"))
        _write_faces(landmarks, writer.path("faces.npz"))
        whole("Closing the bundle", share * WRITING_ENDS)
        bundle = writer.commit(
            AvatarDetails(
                id=avatar,
                name=name or avatar.replace("-", " ").replace("_", " ").strip().title() or avatar,
                width=size,
                height=size,
                fps=FPS,
                frames=stretch.end - stretch.begin,
                created=datetime.fromtimestamp(round(clock.wall()), UTC),
                provenance=provenance or Provenance(),
                engines=(),
            )
        )
    brightness = _brightness(poster, landmarks[_best_frame(sights, stretch) - stretch.begin])
    report = VideoReport(
        video=clip.info,
        begin=stretch.begin / FPS,
        end=stretch.end / FPS,
        speeds=stretch.speeds,
        speaking=stretch.speaking,
        left_out=stretch.left_out,
        eye_span=float(np.median(eye_spans(meshes))),
        crop=crop,
        brightness=brightness,
        advice=advice_on(meshes, brightness, stretch.speeds),
    )
    if parts:
        failures = build_parts(
            parts, store, avatar, progress=lambda step, done: whole(step, share + done * (1 - share))
        )
        for engine, reason in failures.items():
            if on_failed_part is not None:
                on_failed_part(engine, reason)
        bundle = store.get(avatar)
    whole("Done", 1.0)
    return bundle, report


def _best_frame(sights: Sights, stretch: Stretch) -> int:
    """The frame for the poster: eyes open, mouth closed, looking ahead."""
    inside = slice(stretch.begin, stretch.end)
    eyes, mouths, yaws = sights.eyes[inside], sights.mouths[inside], sights.yaws[inside]
    ugly = mouths + 0.01 * np.abs(yaws) / 10 + np.where(eyes < np.median(eyes), 1.0, 0.0)
    return stretch.begin + int(ugly.argmin())


def _write_loop(
    clip: Clip, stretch: Stretch, crop: LoopCrop, poster: int, path: Path, each: Callable[[int], None]
) -> Image:
    """Write the loop as H.264 in MP4 (yuv420p, BT.601), whole or not at all; returns the frame ``poster``."""
    temporary = path.with_name(path.name + ".part")
    kept: Image | None = None
    count = 0
    try:
        with av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream("libx264", rate=FPS, options={"crf": CRF, "preset": PRESET})
            assert isinstance(stream, VideoStream)
            stream.width = stream.height = crop.size
            stream.pix_fmt = PIXEL_FORMAT
            tag_bt601(stream.codec_context)
            for picture in clip.frames(stretch.begin, stretch.end):
                portrait = crop.cut(picture)
                if stretch.begin + count == poster:
                    kept = portrait
                frame = av.VideoFrame(crop.size, crop.size, PIXEL_FORMAT)
                frame_planes(frame).put(unpack(pack(portrait), crop.size, crop.size))
                frame.pts, frame.time_base = count, FRAME_TIME_BASE
                container.mux(stream.encode(frame))
                count += 1
                each(count)
            container.mux(stream.encode(None))
        if kept is None or count != stretch.end - stretch.begin:
            raise RuntimeError(f"{path.name}: the video changed while it was read")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return kept


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


def _brightness(picture: Image, landmarks: NDArray[np.float32]) -> float:
    """Mean grey of the face."""
    low = np.clip(landmarks.min(axis=0).astype(int), 0, None)
    high = landmarks.max(axis=0).astype(int)
    return float(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[low[1] : high[1], low[0] : high[0]].mean())


def _silent(step: str, done: float) -> None:
    pass
