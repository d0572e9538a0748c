"""From a folder of rendered mouths to a mouth atlas, for avatars whose maker can render them.

The folder holds ``atlas.json`` (which crop shows what, and where crops belong on the still) and the crops as
PNG. A crop equals the still at its border.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
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
from precompute.teeth import light_teeth, mouth_region
from precompute.transfer import follow_gaze, transfer

SIZE = 512
SHARPEN_AMOUNT, SHARPEN_RADIUS = 0.5, 1.0
"""Unsharp mask before scaling down: makes up for the one linear resampling of every frame."""
DIFFERENCE_LEVELS = 3
"""Differences up to this many levels are render noise and do not widen a rectangle."""
FEATHER = 6
"""Pixels over which a picture turns into the still at its rectangle's border."""
CLOSURE_LEVELS = (0.5, 1.0)
"""Strengths of pressed and bitten lips that are kept; a blend of these two shows those between."""
NARROWEST_BITE = -0.5
"""A lip under the teeth leaves no room for a rounder mouth."""
MOST_LOWERED = 0.5
"""Lids below this leave too little of the eye free to show where it looks."""
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
    landmarks = _mesh(finder, rest)
    teeth = mouth_region(landmarks, rest.shape)

    def lit(name: str, width: float = 0.0) -> Image:
        # Rounded lips shade the teeth behind them.
        return light_teeth(source.mouth(name), rest, teeth, 1 + min(width, 0.0))

    grid = description["grid"]
    widths = [float(w) for w in grid["w"]]
    mouths = np.array(
        [[lit(name, w) for name, w in zip(row, widths, strict=True)] for row in grid["files"]], np.uint8
    )
    closed = dict(zip(widths, mouths[0], strict=True))
    press = _closures(source.of_kind("press", "strength"), lit, closed)
    bitten_widths = {w: frame for w, frame in closed.items() if w >= NARROWEST_BITE}
    bite = _closures(source.of_kind("bite", "strength"), lit, bitten_widths)
    tongue = [(level, lit(name)) for level, name in source.of_kind("tongue", "strength")]
    lids = [(level, source.eyes(name)) for level, name in source.of_kind("blink", "closure")]
    gazes, looks = _gazes(source)

    ahead = lids[0][1]
    eye_frames = np.array(
        [
            [frame, *(follow_gaze(frame, ahead, look) if lid < MOST_LOWERED else frame for look in looks)]
            for lid, frame in lids
        ],
        np.uint8,
    )
    mouth_frames = [picture for part in (mouths, press, bite) for picture in part.reshape(-1, *rest.shape)]
    mouth_frames += [frame for _, frame in tongue]
    mouth_rect = _tight_rect(mouth_frames, rest)
    eye_rect = _tight_rect(list(eye_frames.reshape(-1, *rest.shape)), rest)

    def cut(frames: NDArray[np.uint8], rect: NDArray[np.int32]) -> Image:
        return _feathered(frames, rest, rect)

    def strengths(series: list[tuple[float, Image]]) -> tuple[NDArray[np.float32], Image]:
        kept = [(level, frame) for level, frame in series if level > LEAST_STRENGTH]
        frames = np.array([frame for _, frame in kept], np.uint8).reshape(-1, *rest.shape)
        return np.array([level for level, _ in kept], np.float32), cut(frames, mouth_rect)

    tongue_levels, tongue_pictures = strengths(tongue)
    atlas = MouthAtlas(
        still=rest,
        mouth_rect=mouth_rect,
        apertures=np.array(grid["a"], np.float32),
        widths=np.array(widths, np.float32),
        mouths=cut(mouths, mouth_rect),
        press_levels=np.array(CLOSURE_LEVELS, np.float32),
        press_widths=np.array(widths, np.float32),
        press=cut(press, mouth_rect),
        bite_levels=np.array(CLOSURE_LEVELS, np.float32),
        bite_widths=np.array(list(bitten_widths), np.float32),
        bite=cut(bite, mouth_rect),
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


def _closures(
    found: Sequence[tuple[float, str]], read: Callable[[str], Image], closed: Mapping[float, Image]
) -> Image:
    """Pressed or bitten lips (levels, widths, H, W, 3): rendered at width 0, carried over to the others.

    Args:
        found: strength and file of each rendered picture.
        read: reads one.
        closed: closed lips at each width.
    """
    if not found:
        raise BundleInvalid("atlas.json names no pressed or no bitten lips. Render the crops again.")
    pictures = []
    for level in CLOSURE_LEVELS:
        _, name = min(found, key=lambda one: abs(one[0] - level))
        rendered = read(name)
        pictures.append(
            [rendered if w == 0 else transfer(rendered, closed[0.0], frame) for w, frame in closed.items()]
        )
    return np.array(pictures, np.uint8)


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
