"""Judges the face in a photo and cuts a square portrait around it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.errors import AvatarRejected
from precompute.focus import sharpness
from precompute.landmarks import FaceBox, FaceFinder, FaceMesh
from precompute.mesh_points import (
    CHIN,
    EYE_INNER_LEFT,
    EYE_INNER_RIGHT,
    EYE_OUTER_LEFT,
    EYE_OUTER_RIGHT,
    FOREHEAD,
    MOUTH_LEFT,
    MOUTH_RIGHT,
)

Image = NDArray[np.uint8]

PORTRAIT_SIZE = 512
OVERSAMPLING = 2
"""The working source has this many pixels per pixel of the portrait, so that warps lose no sharpness."""

RIVAL_SIZE = 0.6
"""Another face this large against the largest one makes it unclear who is meant."""
SURE_FACE = 0.5
DOUBTFUL_SCORE, BETTER_SCORE = 0.8, 0.1
"""A face found with less than the first is looked for in the turned photo too: the networks take some faces
that stand on their head for upright ones. One that scores this much better there decides."""
MIN_EYE_SPAN = 40.0
"""Least distance between the outer corners of the eyes, in pixels of the photo."""
SOFT_EYE_SPAN = 75.0
"""Below this the portrait is enlarged visibly."""
MAX_SPREAD = 0.03
"""Of a mesh that can be trusted: see :class:`precompute.landmarks.FaceMesh`. Faces from the front reach .025,
even covered ones; those from the side begin at .04."""
SIDE_NOSE = 0.3
"""How far the nose lies beside the middle of the eyes, over their distance, in a face from the side."""
LYING = 60.0
"""Degrees by which a head leans in a photo that lies on its side."""
MAX_YAW, MAX_PITCH, MAX_ROLL = 20.0, 18.0, 20.0
"""Degrees, as the mesh measures them. The mesh reads about .7 of a true yaw, so 20 is nearly 30."""
PITCH_OF_LEVEL_HEAD = 8.7
"""What the mesh measures from forehead to chin on a face that looks straight ahead."""

CROP_HEIGHTS = 2.5
"""Side of the crop in mesh heights (forehead to chin); the head with its hair then fills about half."""
TIGHTEST_CROP = 1.3
FACE_LEVEL = 0.45
"""Where the mesh's middle goes, as a share of the crop from above."""
CUT_TOLERANCE = 0.02
DARK, BRIGHT = 45.0, 235.0
TOO_DARK = 18.0
"""Mean grey of a face below which noise is most of what is seen."""
BLOWN_LEVEL, BLOWN_SOME, BLOWN_MOST = 250, 0.2, 0.5
"""Grey from which on there is nothing left to be seen, and the shares of a face that may be so: with advice,
and at all."""
BLURRED = 0.02
"""Least sharpness; see :func:`precompute.focus.sharpness`. What people call a photo reaches .04 and more."""

_ACROSS = (
    (EYE_OUTER_RIGHT, EYE_OUTER_LEFT), (EYE_INNER_RIGHT, EYE_INNER_LEFT), (MOUTH_RIGHT, MOUTH_LEFT),
    (234, 454), (50, 280),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PortraitReport:
    """What was judged.

    Attributes:
        faces: how many faces were found in the photo.
        eye_span: distance between the outer eye corners in pixels of the photo.
        yaw: degrees, positive when the face turns to the picture's right.
        pitch: degrees, positive when it looks down.
        roll: degrees, positive when it leans clockwise.
        crop: left, top, side of the square that was cut, in pixels of the photo.
        enlarged: pixels of the portrait per pixel of the photo.
        brightness: mean grey of the face, 0..255.
        advice: sentences for the person who sent the photo; empty when all is well.
    """

    faces: int
    eye_span: float
    yaw: float
    pitch: float
    roll: float
    crop: tuple[int, int, int]
    enlarged: float
    brightness: float
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A square portrait that is fit for an avatar.

    Attributes:
        frame: (S, S, 3) BGR.
        source: (2S, 2S, 3) the same view with twice the pixels.
        landmarks: (468, 3) face mesh in pixels of ``frame``.
        report: what was judged.
    """

    frame: Image
    source: Image
    landmarks: NDArray[np.float32]
    report: PortraitReport

    @property
    def size(self) -> int:
        """Side of ``frame`` in pixels."""
        return self.frame.shape[0]


def find_portrait(image: Image, finder: FaceFinder | None = None, size: int = PORTRAIT_SIZE) -> Portrait:
    """Choose the face, judge it and cut the portrait.

    Args:
        image: (H, W, 3) BGR photo, upright.
        finder: loaded networks to reuse; made here when missing.
        size: side of the portrait in pixels, even.

    Raises:
        AvatarRejected: ``no_face``, ``photo_not_upright``, ``several_faces``, ``face_too_small``,
            ``face_turned_away``, ``face_unclear``, ``face_cut_off``, ``face_too_dark``,
            ``face_overexposed`` or ``face_blurred``.
        EngineUnavailable: the landmark models are not installed.
        ValueError: ``size`` is odd or not positive.
    """
    if size <= 0 or size % 2:
        raise ValueError(f"size must be a positive even number, not {size}")
    finder = finder or FaceFinder()
    faces = finder.detect(image)
    mesh = _choose(image, faces, finder)
    yaw, pitch, roll = head_angles(mesh)
    _judge(mesh, yaw, pitch, roll)
    left, top, side = _crop(image, mesh)

    wanted = size * OVERSAMPLING
    cut = image[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > wanted else cv2.INTER_CUBIC
    source = _as_image(cv2.resize(cut, (wanted, wanted), interpolation=method))
    frame = _as_image(cv2.resize(source, (size, size), interpolation=cv2.INTER_AREA))
    scale = size / side
    flat = (mesh.points[:, :2] - (left, top) + 0.5) * scale - 0.5
    landmarks = np.column_stack([flat, mesh.points[:, 2] * scale]).astype(np.float32)
    brightness = _face_brightness(frame, landmarks)
    blown = _blown_share(frame, landmarks)
    _judge_look(brightness, blown, sharpness(image, mesh.points[:, :2]))
    report = PortraitReport(
        faces=len(faces),
        eye_span=mesh.eye_span,
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        crop=(left, top, side),
        enlarged=scale,
        brightness=brightness,
        advice=tuple(_advice(mesh.eye_span, brightness, blown)),
    )
    return Portrait(frame, source, landmarks, report)


def head_angles(mesh: FaceMesh) -> tuple[float, float, float]:
    """Yaw, pitch and roll of a face in degrees (signs as in ``PortraitReport``)."""
    points = mesh.points.astype(np.float64)
    across = np.mean([points[left] - points[right] for right, left in _ACROSS], axis=0)
    down = points[CHIN] - points[FOREHEAD]
    yaw = np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1])))
    pitch = np.degrees(np.arctan2(down[2], np.hypot(down[0], down[1]))) - PITCH_OF_LEVEL_HEAD
    roll = np.degrees(np.arctan2(across[1], across[0]))
    return float(yaw), float(pitch), float(roll)


def _choose(image: Image, faces: list[FaceBox], finder: FaceFinder) -> FaceMesh:
    """The one face that is meant."""
    best = max((face.score for face in faces), default=0.0)
    if best < DOUBTFUL_SCORE:
        _refuse_turned(image, best, finder)
    seen = [(face, finder.mesh(image, face)) for face in faces[:3]]
    sideways = [face for face, _ in seen if abs(_nose_aside(face)) > SIDE_NOSE]
    seen = [(face, mesh) for face, mesh in seen if mesh.presence >= SURE_FACE]
    if not seen and sideways:
        raise _from_the_side()
    if not seen:
        raise AvatarRejected(
            "no_face",
            "No face was found. Send a photo of one person who looks into the camera, close and evenly lit.",
        )
    # By their meshes: the detector's boxes tell sizes to a quarter or so.
    seen.sort(key=lambda found: -found[1].size)
    if len(seen) > 1 and seen[1][1].size >= RIVAL_SIZE * seen[0][1].size:
        raise AvatarRejected(
            "several_faces",
            "There is more than one face of similar size. Cut the photo so that only one person remains.",
        )
    face, mesh = seen[0]
    if mesh.spread > MAX_SPREAD:
        if abs(_nose_aside(face)) > SIDE_NOSE:
            raise _from_the_side()
        raise AvatarRejected(
            "face_unclear",
            "The face cannot be made out well. Send a sharp photo of one person who looks straight into the "
            "camera, with nothing before the face.",
        )
    return mesh


def _refuse_turned(image: Image, score: float, finder: FaceFinder) -> None:
    """Raise where a face is seen much better when the photo is turned by a quarter or a half."""
    for turn, words in _TURNS.items():
        turned = _as_image(cv2.rotate(image, turn))
        for face in finder.detect(turned)[:1]:
            if face.score <= max(score + BETTER_SCORE, DOUBTFUL_SCORE):
                continue
            mesh = finder.mesh(turned, face)
            if mesh.presence >= SURE_FACE and mesh.spread <= MAX_SPREAD and abs(head_angles(mesh)[2]) < LYING:
                raise _not_upright(words)


def _nose_aside(face: FaceBox) -> float:
    """How far the detector sees the nose aside of the middle between the eyes, over their distance."""
    right, left, nose = face.keypoints[:3].astype(np.float64)
    across = left - right
    return float((nose - (right + left) / 2) @ across / max(float(across @ across), 1e-6))


_TURNS = {
    cv2.ROTATE_180: "by half a turn",
    cv2.ROTATE_90_CLOCKWISE: "by a quarter clockwise",
    cv2.ROTATE_90_COUNTERCLOCKWISE: "by a quarter counterclockwise",
}


def _not_upright(turn: str) -> AvatarRejected:
    return AvatarRejected("photo_not_upright", f"The photo is not upright. Turn it {turn} and send it again.")


def _from_the_side() -> AvatarRejected:
    return AvatarRejected(
        "face_turned_away",
        "The face is seen from the side. Send a photo in which the person looks straight into the camera.",
    )


def _judge(mesh: FaceMesh, yaw: float, pitch: float, roll: float) -> None:
    if abs(roll) > LYING:
        raise _not_upright(_TURNS[cv2.ROTATE_90_CLOCKWISE if roll < 0 else cv2.ROTATE_90_COUNTERCLOCKWISE])
    if mesh.eye_span < MIN_EYE_SPAN:
        raise AvatarRejected(
            "face_too_small",
            f"The face is too small: the eyes span {mesh.eye_span:.0f} pixels and must span at least "
            f"{MIN_EYE_SPAN:.0f}. Send a larger or closer photo.",
        )
    ask = "Send a photo in which the person looks straight into the camera."
    if abs(yaw) > MAX_YAW:
        side = "right" if yaw > 0 else "left"
        raise AvatarRejected(
            "face_turned_away",
            f"The face is turned about {abs(yaw):.0f} degrees to the picture's {side}; up to {MAX_YAW:.0f} "
            f"works. {ask}",
        )
    if abs(pitch) > MAX_PITCH:
        way = "down" if pitch > 0 else "up"
        raise AvatarRejected(
            "face_turned_away",
            f"The face looks {way} by about {abs(pitch):.0f} degrees; up to {MAX_PITCH:.0f} works. {ask}",
        )
    if abs(roll) > MAX_ROLL:
        raise AvatarRejected(
            "face_turned_away",
            f"The head leans by about {abs(roll):.0f} degrees; up to {MAX_ROLL:.0f} works. "
            "Turn the photo so that the eyes are level.",
        )


def _crop(image: Image, mesh: FaceMesh) -> tuple[int, int, int]:
    """Left, top and side of a square that stays inside the picture; smaller rather than outside."""
    height, width = image.shape[:2]
    low, high = mesh.points[:, :2].min(axis=0), mesh.points[:, :2].max(axis=0)
    span, middle = float(high[1] - low[1]), (low + high) / 2
    slack = CUT_TOLERANCE * span
    side = min(round(CROP_HEIGHTS * span), width, height)
    if (low < -slack).any() or (high > np.array([width, height]) + slack).any():
        raise AvatarRejected(
            "face_cut_off",
            "Part of the face lies outside the picture. Send a photo that shows the whole head.",
        )
    if side < TIGHTEST_CROP * float((high - low).max()):
        raise AvatarRejected(
            "face_cut_off",
            "The face fills the whole picture. Send a photo that shows the whole head and the shoulders.",
        )
    left = round(float(np.clip(middle[0] - side / 2, 0, width - side)))
    top = round(float(np.clip(middle[1] - side * FACE_LEVEL, 0, height - side)))
    return left, top, side


def _judge_look(brightness: float, blown: float, sharp: float) -> None:
    if brightness < TOO_DARK:
        raise AvatarRejected(
            "face_too_dark",
            f"The face is too dark: {brightness:.0f} of 255 on the average; {TOO_DARK:.0f} are needed. Send "
            "a photo taken in more light.",
        )
    if blown > BLOWN_MOST:
        raise AvatarRejected(
            "face_overexposed",
            f"The face is overexposed: {100 * blown:.0f} % of it is plain white. Send a photo taken in "
            "softer light.",
        )
    if sharp < BLURRED:
        raise AvatarRejected(
            "face_blurred", "The face is blurred. Send a photo in which the eyes are sharp, not enlarged."
        )


def _blown_share(frame: Image, landmarks: NDArray[np.float32]) -> float:
    """The share of the face in which nothing is left to be seen but white."""
    oval = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillConvexPoly(oval, cv2.convexHull(np.rint(landmarks[:, :2]).astype(np.int32)), 1)
    return float((cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)[oval > 0] >= BLOWN_LEVEL).mean())


def _face_brightness(frame: Image, landmarks: NDArray[np.float32]) -> float:
    low = np.clip(landmarks[:, :2].min(axis=0).astype(int), 0, None)
    high = landmarks[:, :2].max(axis=0).astype(int)
    return float(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)[low[1] : high[1], low[0] : high[0]].mean())


def _advice(eye_span: float, brightness: float, blown: float) -> list[str]:
    advice: list[str] = []
    if eye_span < SOFT_EYE_SPAN:
        advice.append("The face is small in the photo, so the avatar looks soft; a closer photo is sharper.")
    if brightness < DARK:
        advice.append("The face is dark; a photo in even light looks better.")
    if brightness > BRIGHT or blown > BLOWN_SOME:
        advice.append("The face is overexposed; a photo in softer light looks better.")
    return advice


def _as_image(picture: NDArray[np.generic] | cv2.typing.MatLike) -> Image:
    return np.ascontiguousarray(picture, np.uint8)
