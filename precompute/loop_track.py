"""What can be seen in each frame of a video: where the face is, how much moves, what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.atlas import LANDMARKS
from precompute.landmarks import FaceBox, FaceFinder, FaceMesh, Image
from precompute.loop_cover import Unwrapped, covered
from precompute.loop_dissolve import dissolves
from precompute.mesh_points import (
    CHIN,
    EYE_LOWER_LEFT,
    EYE_LOWER_RIGHT,
    EYE_UPPER_LEFT,
    EYE_UPPER_RIGHT,
    FOREHEAD,
)
from precompute.musetalk.tracking import MAX_PITCH, MAX_YAW
from precompute.portrait import RIVAL_SIZE, SURE_FACE, head_angles

THUMB = (64, 36)
"""Width and height of the grey pictures that tell cuts and standstill."""
LOOK_AROUND = 5
"""Frames from one search for all faces to the next."""
SUDDEN = 7.0
"""Levels by which a thumbnail changes in a cut, or when a lot moves: where the face was tells little then."""
SAFETY = 0.9
"""Of the angles that drawing takes; it measures them anew, and not quite alike."""
TOLERANCE = 0.02
"""Share of the face's height by which its outline may lie outside of the picture."""

NO_FACE, TWO_FACES, TURNED, CUT_OFF = "no_face", "several_faces", "face_turned_away", "face_cut_off"
COVERED, DISSOLVE = "mouth_covered", "dissolve"


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """What was seen in N frames.

    Attributes:
        problems: why each frame cannot be used; empty where it can.
        meshes: (N, 468, 2) float32 landmarks in pixels; NaN where there is no face.
        changes: (N,) mean change of the thumbnail from the frame before, in levels; 0 for the first.
        mouths: (N,) gap between the lips over the eye span.
        eyes: (N,) height of the eyes over the eye span.
        yaws: (N,) degrees.
        thumbs: (N, 36, 64) uint8 small grey pictures of all.
    """

    problems: list[str]
    meshes: NDArray[np.float32]
    changes: NDArray[np.float64]
    mouths: NDArray[np.float64]
    eyes: NDArray[np.float64]
    yaws: NDArray[np.float64]
    thumbs: NDArray[np.uint8]


def look(frames: Iterable[Image], finder: FaceFinder, each: Callable[[int], None]) -> Sights:
    """Look through a video, keeping no frame; about 10 ms for each.

    The face is the largest of those found first, and then the one that goes on where that one was.

    Args:
        frames: (H, W, 3) BGR, all of one size; one that is shown on is the same object again.
        finder: the face networks.
        each: told the number of frames done.
    """
    follower = _Follower(finder)
    problems: list[str] = []
    meshes: list[NDArray[np.float32]] = []
    rows: list[tuple[float, float, float, float]] = []
    nothing = np.full((LANDMARKS, 2), np.nan, np.float32)
    shown: Image | None = None
    thumb: NDArray[np.float32] | None = None
    thumbs: list[NDArray[np.uint8]] = []
    unwrapped = Unwrapped()
    for index, frame in enumerate(frames):
        if frame is shown:
            problems.append(problems[-1])
            meshes.append(meshes[-1])
            rows.append((0.0, *rows[-1][1:]))
            thumbs.append(thumbs[-1])
            unwrapped.again()
        else:
            small = _thumb(frame)
            change = 0.0 if thumb is None else float(np.abs(small - thumb).mean())
            shown, thumb = frame, small
            thumbs.append(np.rint(small).astype(np.uint8))
            mesh, problem = follower.next(frame, index, change > SUDDEN)
            problems.append(problem)
            unwrapped.add(frame, None if mesh is None else mesh.points[:, :2], not problem)
            if mesh is None:
                meshes.append(nothing)
                rows.append((change, np.nan, np.nan, np.nan))
            else:
                meshes.append(mesh.points[:, :2])
                rows.append((change, mesh.mouth_opening, eye_opening(mesh), head_angles(mesh)[0]))
        each(index + 1)
    _spread(problems, follower.rivals)
    pictures = np.array(thumbs, np.uint8).reshape(-1, *THUMB[::-1])
    _mark(problems, DISSOLVE, dissolves(pictures))
    _mark(problems, COVERED, covered(unwrapped, np.array([not problem for problem in problems], bool)))
    table = np.array(rows, np.float64).reshape(-1, 4)
    return Sights(
        problems,
        np.array(meshes, np.float32).reshape(-1, LANDMARKS, 2),
        *(np.ascontiguousarray(column) for column in table.T),
        thumbs=pictures,
    )


def eye_opening(mesh: FaceMesh) -> float:
    """Mean height of the eyes over the eye span; closed eyes read about .04, open ones .1."""
    points = mesh.points[:, :2]
    heights = [
        np.linalg.norm(points[upper[4]] - points[lower[4]])
        for upper, lower in ((EYE_UPPER_RIGHT, EYE_LOWER_RIGHT), (EYE_UPPER_LEFT, EYE_LOWER_LEFT))
    ]
    return float(np.mean(heights)) / max(mesh.eye_span, 1e-6)


class _Follower:
    """Follows one face and looks out for others.

    Attributes:
        rivals: frames in which another face was found that is nearly as large.
    """

    def __init__(self, finder: FaceFinder) -> None:
        self.rivals: list[int] = []
        self._finder = finder
        self._last: FaceMesh | None = None
        self._looked = -LOOK_AROUND

    def next(self, frame: Image, index: int, sudden: bool) -> tuple[FaceMesh | None, str]:
        """The face in the next frame, and why it cannot be used.

        Args:
            frame: (H, W, 3) BGR.
            index: its number.
            sudden: whether it is quite another picture than the last.
        """
        faces: list[FaceBox] = []
        mesh = None if sudden else self._follow(frame)
        if mesh is None or index - self._looked >= LOOK_AROUND:
            faces = self._finder.detect(frame)
            self._looked = index
        if mesh is None:
            mesh = self._find(frame, faces)
        if mesh is None and sudden:
            mesh = self._follow(frame)
        if mesh is None:
            return None, NO_FACE
        self._last = mesh
        if self._has_rival(frame, faces, mesh):
            self.rivals.append(index)
        return mesh, _judge(frame, mesh)

    def _follow(self, frame: Image) -> FaceMesh | None:
        return None if self._last is None else self._sure(self._finder.mesh_once(frame, self._last))

    def _find(self, frame: Image, faces: list[FaceBox]) -> FaceMesh | None:
        if self._last is not None:
            where = self._last.points[:, :2].mean(axis=0)
            faces = sorted(faces, key=lambda face: float(np.linalg.norm(face.centre - where)))
        for face in faces[:3]:
            mesh = self._sure(self._finder.mesh_once(frame, face))
            if mesh is not None:
                # Once more: the detector's box is only roughly where the mesh wants its crop.
                return self._sure(self._finder.mesh_once(frame, mesh))
        return None

    def _has_rival(self, frame: Image, faces: list[FaceBox], mesh: FaceMesh) -> bool:
        low, high = mesh.points[:, :2].min(axis=0), mesh.points[:, :2].max(axis=0)
        for face in faces[:3]:
            if (face.centre > low).all() and (face.centre < high).all():
                continue
            other = self._sure(self._finder.mesh_once(frame, face))
            if other is None:
                continue
            size = float(np.ptp(other.points[:, :2], axis=0).max())
            apart = float(np.linalg.norm(other.points[:, :2].mean(axis=0) - (low + high) / 2))
            if size >= RIVAL_SIZE * float((high - low).max()) and apart > size / 2:
                return True
        return False

    @staticmethod
    def _sure(mesh: FaceMesh) -> FaceMesh | None:
        return mesh if mesh.presence >= SURE_FACE else None


def _judge(frame: Image, mesh: FaceMesh) -> str:
    yaw, pitch, _ = head_angles(mesh)
    if abs(yaw) > SAFETY * MAX_YAW or abs(pitch) > SAFETY * MAX_PITCH:
        return TURNED
    points = mesh.points[:, :2]
    slack = TOLERANCE * float(np.linalg.norm(points[CHIN] - points[FOREHEAD]))
    outside = (points < -slack).any() or (points > np.array(frame.shape[1::-1]) + slack).any()
    return CUT_OFF if outside else ""


def _mark(problems: list[str], problem: str, found: NDArray[np.bool_]) -> None:
    for index in np.flatnonzero(found):
        problems[index] = problems[index] or problem


def _thumb(frame: Image) -> NDArray[np.float32]:
    small = cv2.resize(frame, THUMB, interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)


def _spread(problems: list[str], rivals: list[int]) -> None:
    """Another face was there before it was found, and after."""
    for index in rivals:
        for place in range(max(0, index - LOOK_AROUND + 1), min(len(problems), index + LOOK_AROUND)):
            problems[place] = problems[place] or TWO_FACES
