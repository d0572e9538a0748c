"""Measures drawn mouths: what a viewer would say of lips, teeth and tongue."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.atlas import MouthAtlas
from precompute.landmarks import FaceFinder
from precompute.mesh_points import INNER_LOWER, INNER_UPPER
from precompute.mouth.geometry import MouthFrame

Image = NDArray[np.uint8]

TOOTH_LIGHT, TOOTH_RED = 1.02, 0.45
"""Tooth-like: lightness above this much of the lip's, redness (a* of CIELAB) below this much of it."""
MORE_RED = 8
HOLE_LIGHT = 0.45


@dataclass(frozen=True, slots=True)
class Lips:
    """What the face mesh says, in eye spans: width, thickness of both lips together, and the gap."""

    width: float
    thickness: float
    gap: float


class MouthJudge:
    """Looks at mouth pictures of one atlas."""

    def __init__(self, atlas: MouthAtlas, finder: FaceFinder) -> None:
        self.atlas, self._finder = atlas, finder
        self._face = finder.mesh(atlas.still, finder.detect(atlas.still)[0])
        self._frame = MouthFrame.of(atlas.landmarks)
        lab = cv2.cvtColor(atlas.still, cv2.COLOR_BGR2LAB).astype(np.float32)
        points = self._face.points
        low = (points[14, :2] + points[17, :2]) / 2
        x, y = np.round(low).astype(int)
        self._lip = np.median(lab[y - 2 : y + 3, x - 4 : x + 5].reshape(-1, 3), axis=0)

    def frame(self, aperture: float, width: float) -> Image:
        """The nearest picture of the grid, on the still."""
        a = int(np.abs(self.atlas.apertures - aperture).argmin())
        j = int(np.abs(self.atlas.widths - width).argmin())
        return self.on_still(self.atlas.mouths[a, j])

    def on_still(self, mouth: Image) -> Image:
        x, y, w, h = (int(v) for v in self.atlas.mouth_rect)
        frame = self.atlas.still.copy()
        frame[y : y + h, x : x + w] = mouth
        return frame

    def lips(self, frame: Image) -> Lips:
        points = self._frame.to_mouth(self._finder.mesh(frame, self._face).points[:, :2])
        upper = points[13, 1] - points[0, 1]
        lower = points[17, 1] - points[14, 1]
        return Lips(
            width=float(np.linalg.norm(points[291] - points[61])),
            thickness=float(upper + lower),
            gap=float(points[14, 1] - points[13, 1]),
        )

    def teeth(self, frame: Image) -> float:
        """Tooth-like pixels between the lips, in square eye spans x 1000."""
        lab = cv2.cvtColor(frame, cv2.COLOR_BGR2LAB).astype(np.float32)
        light = lab[..., 0] > TOOTH_LIGHT * self._lip[0]
        pale = lab[..., 1] - 128 < TOOTH_RED * (self._lip[1] - 128)
        return self._count(light & pale, frame)

    def tongue(self, frame: Image, other: Image) -> float:
        """Pixels between the lips that are redder than in another picture, likewise."""
        redness = [cv2.cvtColor(f, cv2.COLOR_BGR2LAB)[..., 1].astype(int) for f in (frame, other)]
        return self._count(redness[0] > redness[1] + MORE_RED, frame)

    def pale(self, frame: Image, other: Image) -> float:
        """Pixels around the seam that are less red and not darker than in another picture, likewise."""
        one, two = (cv2.cvtColor(f, cv2.COLOR_BGR2LAB).astype(int) for f in (frame, other))
        found = (one[..., 1] < two[..., 1] - 4) & (one[..., 0] > two[..., 0] - 10)
        return self._count(found, frame)

    def opening(self, frame: Image) -> float:
        """The area between the lips, likewise."""
        return self._count(np.ones(frame.shape[:2], bool), frame)

    def dark_hole(self, frame: Image) -> tuple[float, float]:
        """Width (at .4 of its height) and height of the dark around the mouth's middle, in eye spans."""
        light = cv2.cvtColor(frame, cv2.COLOR_BGR2LAB)[..., 0]
        dark = (light < HOLE_LIGHT * self._lip[0]).astype(np.uint8)
        points = self._finder.mesh(frame, self._face).points[:, :2]
        x, y = np.round((points[13] + points[14]) / 2).astype(int)
        reach = int(0.12 * self._frame.unit)
        _, labels = cv2.connectedComponents(dark)
        around = labels[y - reach : y + reach, x - 3 : x + 4]
        found = np.bincount(around[around > 0].ravel(), minlength=1)
        if not found.any():
            return 0.0, 0.0
        # The dark line where lips touch beside the hole is no part of it.
        heights = (labels == found.argmax()).sum(axis=0)
        across = np.count_nonzero(heights > 0.4 * heights.max())
        return float(across) / self._frame.unit, float(heights.max()) / self._frame.unit

    def lower_lip_light(self, frame: Image) -> tuple[float, float]:
        """Lightness of the lower lip's front, and of the skin just below it."""
        light = cv2.GaussianBlur(
            cv2.cvtColor(frame, cv2.COLOR_BGR2LAB)[..., 0].astype(np.float32), (0, 0), 1.5
        )
        points = self._finder.mesh(frame, self._face).points[:, :2]
        below = points[17] + (0, 0.035 * self._frame.unit)
        places = np.round([(points[14] + points[17]) / 2, below]).astype(int)
        front, hollow = (float(light[y, x - 4 : x + 5].mean()) for x, y in places)
        return front, hollow

    def _count(self, found: NDArray[np.bool_], frame: Image) -> float:
        points = self._finder.mesh(frame, self._face).points[:, :2]
        ring = points[[*INNER_UPPER, *INNER_LOWER[::-1]]]
        between = np.zeros(frame.shape[:2], np.uint8)
        cv2.fillPoly(between, [np.round(ring).astype(np.int32)], 1)
        return float((found & (between > 0)).sum()) / self._frame.unit**2 * 1000
