"""Follows the face through all frames; frames that cannot be used are named, and none is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from precompute.errors import AvatarRejected
from precompute.landmarks import FaceBox, FaceFinder, FaceMesh, Image
from precompute.mesh_points import CHIN, MOUTH_LEFT, MOUTH_RIGHT, NOSE_TIP
from precompute.musetalk.boxes import Boxes, face_box, ibug_points
from precompute.portrait import SURE_FACE, head_angles

MIN_FACE = 64.0
"""Least height of a face crop in pixels: it is drawn at 256, and would be all blur."""
MAX_YAW, MAX_PITCH = 40.0, 30.0
"""Degrees, as the mesh measures them; beyond, half of the mouth is out of sight."""
SHOWN_RANGES = 12
"""Of the frames that cannot be used, as many ranges are named in a message."""

_COMPLAINTS = {
    "no_face": "no face",
    "face_too_small": "a face that is too small",
    "face_turned_away": "a face that is turned away",
    "face_cut_off": "a face that is cut off",
}
_INSIDE = (CHIN, MOUTH_LEFT, MOUTH_RIGHT, NOSE_TIP)


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One face in all frames, as it was found.

    Attributes:
        meshes: (N, 468, 2) float32 landmarks in pixels.
        boxes: (N, 4) face crops; they may reach outside of the frame.
    """

    meshes: NDArray[np.float32]
    boxes: Boxes


def follow(
    frames: Iterable[Image],
    finder: FaceFinder,
    *,
    shift: float,
    margin: float,
    each: Callable[[int], None],
) -> Track:
    """Find the face in each frame: the largest of the first, then the one that goes on where that one was.

    Args:
        frames: (H, W, 3) BGR, all of one size.
        finder: the face networks.
        shift: see :func:`precompute.musetalk.boxes.face_box`.
        margin: likewise.
        each: told the number of frames done.

    Raises:
        AvatarRejected: with the numbers of all frames that show no face, or one that is too small, turned
            away or cut off.
    """
    meshes: list[NDArray[np.float32]] = []
    boxes: list[Boxes] = []
    unfit: dict[str, list[int]] = {}
    last: FaceMesh | None = None
    for index, frame in enumerate(frames):
        mesh = _next(frame, finder, last)
        last = mesh or last
        box, problem = (None, "no_face") if mesh is None else _judge(frame, finder, mesh, shift, margin)
        if problem:
            unfit.setdefault(problem, []).append(index)
        elif mesh is not None and box is not None and not unfit:
            meshes.append(mesh.points[:, :2])
            boxes.append(box)
        each(index + 1)
    if unfit:
        raise _rejection(unfit)
    return Track(np.array(meshes, np.float32), np.array(boxes, np.float64))


def _next(frame: Image, finder: FaceFinder, last: FaceMesh | None) -> FaceMesh | None:
    if last is not None:
        mesh = finder.mesh(frame, last)
        if mesh.presence >= SURE_FACE:
            return mesh
    faces = finder.detect(frame)
    if last is not None:
        where = last.points[:, :2].mean(axis=0)
        faces = sorted(faces, key=lambda face: float(np.linalg.norm(face.centre - where)))
    for face in faces:
        mesh = finder.mesh(frame, face)
        if mesh.presence >= SURE_FACE:
            return mesh
    return None


def _judge(
    frame: Image, finder: FaceFinder, mesh: FaceMesh, shift: float, margin: float
) -> tuple[Boxes | None, str]:
    """The face crop, or why there is none."""
    yaw, pitch, _ = head_angles(mesh)
    if abs(yaw) > MAX_YAW or abs(pitch) > MAX_PITCH:
        return None, "face_turned_away"
    height, width = frame.shape[:2]
    needed = mesh.points[list(_INSIDE), :2]
    if (needed < 0).any() or (needed > (width - 1, height - 1)).any():
        return None, "face_cut_off"
    box = face_box(ibug_points(mesh.points), shift, margin)
    if box is None:
        # The points lie in a line, as they may on a nodding head; the detector knows of no points.
        box = _detected(finder.detect(frame), mesh)
    if box is None:
        return None, "no_face"
    return (box, "") if box[3] - box[1] >= MIN_FACE else (None, "face_too_small")


def _detected(faces: list[FaceBox], mesh: FaceMesh) -> Boxes | None:
    where = mesh.points[:, :2].mean(axis=0)
    nearest = min(faces, key=lambda face: float(np.linalg.norm(face.centre - where)), default=None)
    return None if nearest is None else nearest.box.astype(np.float64)


def _rejection(unfit: dict[str, list[int]]) -> AvatarRejected:
    problems = [f"{ranges(frames)} show {_COMPLAINTS[code]}" for code, frames in unfit.items()]
    return AvatarRejected(
        next(iter(unfit)),
        f"Not every frame can be used (they are counted from 0): frames {'; frames '.join(problems)}. Use a "
        "video in which one face is seen from the front all the time, or cut these frames out.",
    )


def ranges(numbers: list[int]) -> str:
    """Rising numbers in few words: ``12-15, 40``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    words = ["-".join(str(end) for end in run) for run in runs[:SHOWN_RANGES]]
    if len(runs) > SHOWN_RANGES:
        words.append(f"and others up to {numbers[-1]}")
    return ", ".join(words)
