"""From a video of a person to an avatar in the store: its best stretch as a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avatars.bundle import Bundle
from avatars.manifest import Provenance
from avatars.store import AvatarStore
from precompute.create import Made, run_order, tell_failed, temporary_desk
from precompute.landmarks import FaceFinder
from precompute.loop import LeftOut
from precompute.loop_crop import LoopCrop
from precompute.order import AvatarOrder
from precompute.parts import PartBuilder, Progress
from precompute.portrait import PORTRAIT_SIZE
from precompute.stages.base import Desk
from precompute.stages.video_loop import clip_of, crop_of, stretch_of
from precompute.video import VideoInfo
from streaming.clock import Clock, SystemClock
from streaming.timing import FPS


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
    store.writer(avatar)
    order = AvatarOrder(
        avatar=avatar, kind="video", name=name, provenance=provenance or Provenance(), size=size
    )
    with temporary_desk(order, video, store) as desk:
        desk.builders, desk.faces, desk.clock = parts, finder, clock or SystemClock()
        made = run_order(desk, progress)
        report = _report(desk, made)
    tell_failed(made, on_failed_part)
    return made.bundle, report


def _report(desk: Desk, made: Made) -> VideoReport:
    stretch, written = stretch_of(desk), made.records["write"]
    return VideoReport(
        video=clip_of(desk).info,
        begin=stretch.begin / FPS,
        end=stretch.end / FPS,
        speeds=stretch.speeds,
        speaking=stretch.speaking,
        left_out=stretch.left_out,
        eye_span=written.report["eye_span"],
        crop=crop_of(desk),
        brightness=written.report["judged"]["brightness"]["value"],
        advice=tuple(written.notes),
    )
