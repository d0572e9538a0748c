"""From a folder of rendered mouths to a mouth atlas, for avatars whose maker can render them.

The folder holds ``atlas.json`` (which crop shows what, and where crops belong on the still) and the crops as
PNG. A crop equals the still at its border.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.atlas import Image, MouthAtlas, crop, validate
from avatars.errors import BundleInvalid
from precompute.landmarks import FaceFinder
from precompute.motion import motion_fields

SIZE = 512
SHARPEN_AMOUNT, SHARPEN_RADIUS = 0.5, 1.0
"""Unsharp mask before scaling down: makes up for the one linear resampling of every frame."""
DIFFERENCE_LEVELS = 3
"""Differences up to this many levels are render noise and do not widen a rectangle."""
FEATHER = 6
"""Pixels over which a picture turns into the still at its rectangle's border."""
LEAST_STRENGTH = 1e-6


@dataclass(frozen=True, slots=True)
class _Folder:
    """The rendered crops, pasted, sharpened and scaled on demand."""

    path: Path
    description: dict[str, Any]
    base: Image

    def still(self) -> Image:
        return _finish(self.base)

    def mouth(self, name: str) -> Image:
        return self._frame(name, "mouth_rect")

    def eyes(self, name: str) -> Image:
        return self._frame(name, "eye_rect")

    def of_kind(self, kind: str, key: str) -> list[tuple[float, str]]:
        """(value of ``key``, file) of one kind of crop, rising."""
        files: dict[str, dict[str, Any]] = self.description["files"]
        return sorted((float(about[key]), name) for name, about in files.items() if about["kind"] == kind)

    def _frame(self, name: str, rect_name: str) -> Image:
        rect = self.description[rect_name]
        picture = _read(self.path / name)
        if picture.shape != (rect["h"], rect["w"], 3):
            raise BundleInvalid(f"{name} is not {rect['w']} x {rect['h']}. Render the crops again.")
        frame = self.base.copy()
        crop(frame, np.array([rect["x"], rect["y"], rect["w"], rect["h"]]))[:] = picture
        return _finish(frame)


def rendered_atlas(folder: Path, finder: FaceFinder, still: Path | None = None) -> MouthAtlas:
    """Build a mouth atlas from rendered crops.

    Args:
        folder: holds ``atlas.json`` and the crops.
        finder: finds the face mesh on the still.
        still: the picture at rest; the one that ``atlas.json`` names, when not given.

    Returns:
        The atlas at 512 x 512, rectangles as tight as the differences allow.

    Raises:
        BundleInvalid: a file is missing or does not fit, or the still shows no face.
    """
    description = json.loads((folder / "atlas.json").read_text(encoding="utf-8"))
    source = _Folder(folder, description, _read(still or folder / description["base"]))
    rest = source.still()

    grid = description["grid"]
    mouths = np.array([[source.mouth(name) for name in row] for row in grid["files"]])
    press = [(level, source.mouth(name)) for level, name in source.of_kind("press", "strength")]
    bite = [(level, source.mouth(name)) for level, name in source.of_kind("bite", "strength")]
    tongue = [(level, source.mouth(name)) for level, name in source.of_kind("tongue", "strength")]
    lids = [(level, source.eyes(name)) for level, name in source.of_kind("blink", "closure")]
    gazes, looks = _gazes(source)

    eye_frames = np.array([[lids[0][1], *looks], *([frame] * len(gazes) for _, frame in lids[1:])])
    mouth_frames = [*mouths.reshape(-1, *rest.shape), *(frame for _, frame in (*press, *bite, *tongue))]
    mouth_rect = _tight_rect(mouth_frames, rest)
    eye_rect = _tight_rect(list(eye_frames.reshape(-1, *rest.shape)), rest)

    def cut(frames: NDArray[np.uint8], rect: NDArray[np.int32]) -> Image:
        return _feathered(frames, rest, rect)

    def strengths(series: list[tuple[float, Image]]) -> tuple[NDArray[np.float32], Image]:
        kept = [(level, frame) for level, frame in series if level > LEAST_STRENGTH]
        frames = np.array([frame for _, frame in kept], np.uint8).reshape(-1, *rest.shape)
        return np.array([level for level, _ in kept], np.float32), cut(frames, mouth_rect)

    press_levels, press_pictures = strengths(press)
    bite_levels, bite_pictures = strengths(bite)
    tongue_levels, tongue_pictures = strengths(tongue)
    landmarks = _mesh(finder, rest)
    atlas = MouthAtlas(
        still=rest,
        mouth_rect=mouth_rect,
        apertures=np.array(grid["a"], np.float32),
        widths=np.array(grid["w"], np.float32),
        mouths=cut(mouths, mouth_rect),
        press_levels=press_levels,
        press_widths=np.zeros(1, np.float32),
        press=press_pictures[:, None],
        bite_levels=bite_levels,
        bite_widths=np.zeros(1, np.float32),
        bite=bite_pictures[:, None],
        tongue_levels=tongue_levels,
        tongue_aperture=np.array([description.get("tongue_aperture", 0.25)], np.float32),
        tongue=tongue_pictures,
        eye_rect=eye_rect,
        lids=np.array([level for level, _ in lids], np.float32),
        gazes=gazes,
        eyes=cut(eye_frames, eye_rect),
        motion=motion_fields(landmarks, SIZE),
        landmarks=np.ascontiguousarray(landmarks[:, :2]),
    )
    validate(atlas)
    return atlas


def _gazes(source: _Folder) -> tuple[NDArray[np.float32], list[Image]]:
    """Directions with the centre first, and the pictures of all but the centre."""
    files: dict[str, dict[str, Any]] = source.description["files"]
    found = [(about, name) for name, about in sorted(files.items()) if about["kind"] == "gaze"]
    directions = [(0.0, 0.0)]
    directions += [(float(np.sign(a["yaw_deg"])), float(np.sign(a["pitch_deg"]))) for a, _ in found]
    return np.array(directions, np.float32), [source.eyes(name) for _, name in found]


def _tight_rect(frames: Sequence[Image], still: Image) -> NDArray[np.int32]:
    """The smallest even rectangle that holds every difference from the still, with room for the feather."""
    changed = np.zeros(still.shape[:2], bool)
    for frame in frames:
        changed |= cv2.absdiff(frame, still).max(axis=-1) > DIFFERENCE_LEVELS
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not len(rows):
        raise BundleInvalid("The rendered crops do not differ from the still. Render them again.")
    low = np.maximum(np.array([columns[0], rows[0]]) - FEATHER, 0) // 2 * 2
    high = np.minimum(np.array([columns[-1], rows[-1]]) + 1 + FEATHER, still.shape[1::-1])
    high = np.minimum(-(-high // 2) * 2, still.shape[1::-1])
    return np.array([*low, *(high - low)], np.int32)


def _feathered(frames: NDArray[np.uint8], still: Image, rect: NDArray[np.int32]) -> Image:
    """Cut ``rect`` out of frames (..., H, W, 3), each turning into the still towards the border."""
    x, y, width, height = (int(v) for v in rect)
    rest = crop(still, rect).astype(np.float32)
    ramp = [np.clip(np.minimum(np.arange(n), np.arange(n)[::-1]) / FEATHER, 0, 1) for n in (height, width)]
    weight = np.minimum(ramp[0][:, None], ramp[1][None, :]).astype(np.float32)[..., None]
    pictures = frames[..., y : y + height, x : x + width, :].astype(np.float32)
    return np.rint(rest + (pictures - rest) * weight).astype(np.uint8)


def _mesh(finder: FaceFinder, still: Image) -> NDArray[np.float32]:
    faces = finder.detect(still)
    if not faces:
        raise BundleInvalid("No face was found on the still. Use a front portrait.")
    return finder.mesh(still, faces[0]).points


def _finish(frame: Image) -> Image:
    """Sharpen and scale to the atlas's size."""
    soft = cv2.GaussianBlur(frame, (0, 0), SHARPEN_RADIUS)
    sharp = cv2.addWeighted(frame, 1 + SHARPEN_AMOUNT, soft, -SHARPEN_AMOUNT, 0)
    return np.asarray(cv2.resize(sharp, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)


def _read(path: Path) -> Image:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise BundleInvalid(f"{path.name} is missing or no picture. Render the crops again.")
    return np.asarray(picture, np.uint8)
