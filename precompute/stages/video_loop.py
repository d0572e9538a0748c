"""What stages of videos share: the sights, the stretch that was chosen, and its frames."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from precompute.clip import Clip, open_clip
from precompute.loop import Stretch
from precompute.loop_crop import LoopCrop
from precompute.loop_seam import loop_frames, loop_points
from precompute.loop_track import Sights
from precompute.musetalk.boxes import smooth
from precompute.stages.base import Desk, Image
from precompute.video import MAX_SECONDS, VideoInfo

VIDEO, SIGHTS, STRETCH, CROP = "video.json", "sights", "stretch.json", "crop.json"
_WORDS = "words"
"""Array of ``sights.npz`` that holds as JSON what is no array."""
_STRETCHES, _CROPS = TypeAdapter(Stretch), TypeAdapter(LoopCrop)


def open_source(desk: Desk) -> Clip:
    """Look into the video, for all stages.

    Raises:
        AvatarRejected: it is none, or not fit.
        EngineFailed: no process can be started.
    """
    clip = open_clip(desk.source)
    desk.save_bytes(VIDEO, msgspec.json.encode(clip.info))
    return clip


def clip_of(desk: Desk) -> Clip:
    """The video, as an earlier stage found it."""
    return Clip(desk.source, msgspec.json.decode(desk.load_bytes(VIDEO), type=VideoInfo), MAX_SECONDS)


def save_sights(desk: Desk, sights: Sights) -> None:
    """Leave what was seen in the whole video."""
    fields = {field.name: getattr(sights, field.name) for field in dataclasses.fields(Sights)}
    arrays: dict[str, NDArray[Any]] = {k: v for k, v in fields.items() if isinstance(v, np.ndarray)}
    words = {name: value for name, value in fields.items() if name not in arrays}
    arrays[_WORDS] = np.frombuffer(json.dumps(words).encode(), np.uint8)
    desk.save_arrays(SIGHTS, arrays)
    desk.keep(SIGHTS, sights)


def sights_of(desk: Desk) -> Sights:
    """What was seen in the whole video."""
    kept = desk.kept(SIGHTS, Sights)
    if kept is not None:
        return kept
    arrays = desk.load_arrays(SIGHTS)
    words: dict[str, Any] = json.loads(arrays.pop(_WORDS).tobytes())
    return desk.keep(SIGHTS, Sights(**arrays, **words))


def save_choice(desk: Desk, stretch: Stretch, crop: LoopCrop) -> None:
    """Leave which frames become the loop, and which square of them is shown."""
    desk.save_bytes(STRETCH, _STRETCHES.dump_json(stretch))
    desk.save_bytes(CROP, _CROPS.dump_json(crop))


def stretch_of(desk: Desk) -> Stretch:
    """Which frames of the video become the loop."""
    return _STRETCHES.validate_json(desk.load_bytes(STRETCH))


def crop_of(desk: Desk) -> LoopCrop:
    """Which square of the video is shown."""
    return _CROPS.validate_json(desk.load_bytes(CROP))


def meshes_of(desk: Desk) -> NDArray[np.float32]:
    """(N, 468, 2) landmarks of the loop's frames in pixels of the video, as they were found."""
    return loop_points(sights_of(desk).meshes, stretch_of(desk))


def loop_landmarks(desk: Desk) -> NDArray[np.float32]:
    """(N, 468, 2) smoothed landmarks of the loop's frames in pixels of the avatar."""
    return crop_of(desk).place(smooth(meshes_of(desk), loop=stretch_of(desk).kind))


def loop_pictures(desk: Desk) -> Iterator[Image]:
    """The frames of the loop, (size, size, 3) BGR, one at a time, before any other background.

    The last ones of a forward loop turn into those before its first.

    Raises:
        AvatarRejected: the video cannot be decoded.
    """
    return loop_frames(clip_of(desk).frames, stretch_of(desk), crop_of(desk).cut)
