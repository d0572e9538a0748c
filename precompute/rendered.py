"""From a rendered still and rendered eyes to a mouth atlas, for avatars whose maker can render them.

Mouths are drawn from the still as they are from a photo. The folder holds ``atlas.json`` (which crop shows
what, and where crops belong on the still) and crops of the eyes as PNG. A crop equals the still at its
border.
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

from avatars.atlas import Image, MouthAtlas, crop
from avatars.errors import BundleInvalid
from precompute.gaze import follow_gaze
from precompute.landmarks import FaceFinder
from precompute.portrait import OVERSAMPLING, Portrait, PortraitReport, head_angles
from precompute.portrait_atlas import build_portrait_atlas
from precompute.rects import UNTOUCHED, Rect, even_rect

SIZE = 512
DIFFERENCE_LEVELS = 3
"""Differences up to this many levels are render noise and do not widen a rectangle."""
FEATHER = 8
"""Pixels over which a picture turns into the still at its rectangle's border."""
MOST_LOWERED = 0.5
"""Lids below this leave too little of the eye free to show where it looks."""


def rendered_atlas(folder: Path, finder: FaceFinder, still: Path | None = None) -> MouthAtlas:
    """Build a mouth atlas from a rendered still and crops of its eyes.

    Args:
        folder: holds ``atlas.json`` and the crops.
        finder: finds the face mesh on the still.
        still: the picture at rest; the one that ``atlas.json`` names, when not given.

    Returns:
        The atlas at 512 x 512.

    Raises:
        BundleInvalid: a file is missing or does not fit, or the still shows no face.
    """
    description = json.loads((folder / "atlas.json").read_text(encoding="utf-8"))
    base = _read(still or folder / description["base"])
    return build_portrait_atlas(_portrait(base, finder), eyes=_RenderedEyes(folder, description, base))


def _portrait(base: Image, finder: FaceFinder) -> Portrait:
    """The whole still as a portrait: its maker has framed it."""
    frame, source = _scaled(base, SIZE), _scaled(base, SIZE * OVERSAMPLING)
    faces = finder.detect(frame)
    if not faces:
        raise BundleInvalid("No face was found on the still. Use a front portrait.")
    mesh = finder.mesh(frame, faces[0])
    yaw, pitch, roll = head_angles(mesh)
    report = PortraitReport(
        faces=len(faces),
        eye_span=mesh.eye_span,
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        crop=(0, 0, base.shape[0]),
        enlarged=SIZE / base.shape[0],
        brightness=float(frame.mean()),
        advice=(),
    )
    return Portrait(frame, source, mesh.points, report)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """Lids and gaze of one picture (H, W, 3)."""

    lid: float
    gaze: tuple[float, float]
    frame: Image


class _RenderedEyes:
    """The crops of the eyes, pasted on the still and scaled.

    Raises:
        BundleInvalid: a crop is missing or does not fit.
    """

    def __init__(self, folder: Path, description: dict[str, Any], base: Image) -> None:
        self._folder, self._base, self._crop = folder, base, description["eye_rect"]
        files: dict[str, dict[str, Any]] = description["files"]
        blinks = sorted((float(a["closure"]), name) for name, a in files.items() if a["kind"] == "blink")
        gazes = [(_direction(a), name) for name, a in sorted(files.items()) if a["kind"] == "gaze"]
        lowered = [(lid, self._frame(name)) for lid, name in blinks]
        turned = [(gaze, self._frame(name)) for gaze, name in gazes]
        if not lowered or lowered[0][0] != 0 or lowered[-1][0] != 1:
            raise BundleInvalid("atlas.json names no eyes from open to closed. Render the crops again.")
        self.lids = tuple(lid for lid, _ in lowered)
        self.gazes = ((0.0, 0.0), *(gaze for gaze, _ in turned))
        self._rest, ahead = _scaled(base, SIZE), lowered[0][1]
        self._looks = [_Look(lid, (0.0, 0.0), frame) for lid, frame in lowered]
        for lid, frame in lowered:
            for gaze, look in turned:
                seen = follow_gaze(frame, ahead, look) if lid < MOST_LOWERED else frame
                self._looks.append(_Look(lid, gaze, seen))
        self.rect = _tight_rect([look.frame for look in self._looks], self._rest)

    def render(self, lid: float, gaze: tuple[float, float]) -> NDArray[np.float32]:
        frame = next(look.frame for look in self._looks if (look.lid, look.gaze) == (lid, gaze))
        rect = np.array(self.rect)
        rest, picture = (crop(f, rect).astype(np.float32) for f in (self._rest, frame))
        _, _, width, height = self.rect
        # The outermost pixels stay the still's, so that sharpening changes nothing there.
        ramp = [
            np.clip((np.minimum(np.arange(n), np.arange(n)[::-1]) - UNTOUCHED) / FEATHER, 0, 1)
            for n in (height, width)
        ]
        weight = np.minimum(ramp[0][:, None], ramp[1][None, :]).astype(np.float32)[..., None]
        return np.asarray(rest + (picture - rest) * weight, np.float32)

    def _frame(self, name: str) -> Image:
        x, y, w, h = (int(self._crop[k]) for k in "xywh")
        picture = _read(self._folder / name)
        if picture.shape != (h, w, 3):
            raise BundleInvalid(f"{name} is not {w} x {h}. Render the crops again.")
        frame = self._base.copy()
        frame[y : y + h, x : x + w] = picture
        return _scaled(frame, SIZE)


def _direction(about: dict[str, Any]) -> tuple[float, float]:
    return float(np.sign(about["yaw_deg"])), float(np.sign(about["pitch_deg"]))


def _tight_rect(frames: Sequence[Image], still: Image) -> Rect:
    """The smallest even rectangle that holds every difference from the still, with room for the feather."""
    changed = np.zeros(still.shape[:2], bool)
    for frame in frames:
        changed |= cv2.absdiff(frame, still).max(axis=-1) > DIFFERENCE_LEVELS
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not len(rows):
        raise BundleInvalid("The rendered crops do not differ from the still. Render them again.")
    room = FEATHER + UNTOUCHED
    low, high = np.array([columns[0], rows[0]]) - room, np.array([columns[-1], rows[-1]]) + 1 + room
    return even_rect(low, high, SIZE)


def _scaled(picture: Image, size: int) -> Image:
    method = cv2.INTER_AREA if picture.shape[0] > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=method), np.uint8)


def _read(path: Path) -> Image:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise BundleInvalid(f"{path.name} is missing or no picture. Render the crops again.")
    return np.asarray(picture, np.uint8)
