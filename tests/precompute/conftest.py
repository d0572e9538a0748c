"""Portraits that the tests share: a smile (NASA photo, public domain) and a closed mouth (own render)."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from precompute.landmarks import FaceFinder
from precompute.portrait import Portrait, find_portrait
from precompute.portrait_atlas import build_portrait_atlas

SOURCES = Path(__file__).parents[2] / "avatars" / "builtin" / "sources"


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="session")
def smiling() -> np.ndarray:
    picture = np.ascontiguousarray(astronaut()[..., ::-1])
    picture.setflags(write=False)
    return picture


@pytest.fixture(scope="session")
def closed() -> np.ndarray:
    picture = cv2.imread(str(SOURCES / "mira.png"))
    assert picture is not None
    picture.setflags(write=False)
    return picture


@pytest.fixture(scope="session")
def smiling_portrait(smiling, finder) -> Portrait:
    return find_portrait(smiling, finder)


@pytest.fixture(scope="session")
def closed_portrait(closed, finder) -> Portrait:
    return find_portrait(closed, finder)


@pytest.fixture(scope="session")
def progress_calls() -> list[float]:
    return []


@pytest.fixture(scope="session")
def smiling_atlas(smiling_portrait, progress_calls):
    return build_portrait_atlas(smiling_portrait, progress_calls.append)
