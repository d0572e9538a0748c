"""Faces for the tests of MuseTalk's part: own renders, and a photo in the public domain."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from avatars.store import AvatarStore
from precompute.landmarks import FaceBox, FaceFinder, FaceMesh


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="session")
def faces(finder, tmp_path_factory) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By name: (H, W, 3) BGR, and its mesh (468, 3)."""
    store = AvatarStore(tmp_path_factory.mktemp("none"))
    pictures = {name: store.get(name).atlas().still for name in ("mira", "theo")}
    pictures["astronaut"] = np.ascontiguousarray(astronaut()[:320, 80:400, ::-1])
    return {
        name: (image, finder.mesh(image, finder.detect(image)[0]).points) for name, image in pictures.items()
    }


@pytest.fixture(scope="session")
def walk(tmp_path_factory):
    """Frames (256, 256, 3) of a face that sways, and where it is in each: (N, 2) pixels of shift."""
    atlas = AvatarStore(tmp_path_factory.mktemp("none")).get("mira").atlas()
    still = cv2.resize(atlas.still, (256, 256), interpolation=cv2.INTER_AREA)

    def frames(count: int) -> tuple[list[np.ndarray], np.ndarray]:
        turn = 2 * np.pi * np.arange(count) / 50
        shifts = np.stack([9 * np.sin(turn), 4 * np.cos(turn)], axis=1)
        moves = [np.array([[1, 0, x], [0, 1, y]]) for x, y in shifts]
        moved = [cv2.warpAffine(still, m, (256, 256), borderMode=cv2.BORDER_REPLICATE) for m in moves]
        return [np.asarray(frame, np.uint8) for frame in moved], shifts

    return frames


class KnownFace:
    """Stands for the face networks: says the same of each frame."""

    def __init__(self, points: np.ndarray) -> None:
        self.points = np.column_stack([points, np.zeros(len(points))]).astype(np.float32)

    def mesh(self, image, face):
        return FaceMesh(self.points, 0.99)

    def detect(self, image):
        return [FaceBox(0.99, np.array([60, 40, 200, 200], np.float32), self.points[:6, :2])]


@pytest.fixture
def known_face(tmp_path) -> KnownFace:
    """Where the face of ``walk`` is in the middle of its way; for tests that need no face network."""
    return KnownFace(AvatarStore(tmp_path / "none").get("mira").atlas().landmarks / 2)
