"""A short film whose motion and light are known, and what is made of it with a coarse atlas."""

import numpy as np
import pytest

from avatars.atlas_file import load_atlas
from avatars.store import BUILTIN_ROOT
from benchmarks.moving_head import MovingHead, picture_of
from precompute.landmarks import FaceFinder
from precompute.moving.build import build_moving_mouths
from precompute.musetalk.boxes import smooth
from streaming.compositor.easing import REST_POSE, MouthPose
from tests.support.coarse import few_mouths

FRAMES = 24


def talking(frame: int) -> MouthPose:
    return MouthPose(max(0.0, 0.8 * np.sin(frame / 3.0)))


class Film:
    """Frames as pictures, where the face is in them, and what they were rendered from."""

    def __init__(self, head: MovingHead, finder: FaceFinder, pose=lambda frame: REST_POSE) -> None:
        self.head = head
        self.planes = [head.planes(n, pose(n)) for n in range(FRAMES)]
        self.pictures = [picture_of(planes) for planes in self.planes]
        mesh = finder.mesh(self.pictures[0], finder.detect(self.pictures[0])[0])
        meshes = []
        for picture in self.pictures:
            mesh = finder.mesh_once(picture, mesh)
            meshes.append(mesh.points[:, :2])
        self.landmarks = smooth(np.array(meshes))


@pytest.fixture(scope="session")
def mira():
    return load_atlas(BUILTIN_ROOT / "mira" / "atlas.npz")


@pytest.fixture(scope="session")
def film(mira, finder):
    return Film(MovingHead(mira, seed=3), finder)


@pytest.fixture
def coarse(monkeypatch):
    few_mouths(monkeypatch)


@pytest.fixture(scope="session")
def made(film, finder):
    # Only here: what lasts for the session must not change what others draw.
    with pytest.MonkeyPatch.context() as patch:
        few_mouths(patch)
        return build_moving_mouths(lambda: iter(film.pictures), film.landmarks, "mirrored", finder)
