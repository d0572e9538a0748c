"""One film from beginning to end: drive the face, render, decode, look."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.store import AvatarStore
from benchmarks.judge.drivers import TOLD, open_driver, patches_of
from benchmarks.judge.film import pictures, script_of, shoot
from benchmarks.judge.reader import MouthReader, Seen, mouth_box
from benchmarks.judge.utterances import UtteranceSet
from precompute.landmarks import FaceFinder, FaceMesh
from streaming.slots import Patch

Image = NDArray[np.uint8]

TILE_WIDTH = 128
"""Width of a picture on a contact sheet."""
SHOWN_HALF_WIDTH, SHOWN_ABOVE, SHOWN_BELOW = 0.62, 0.55, 0.60
"""What it shows around the mouth, in eye spans."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What one worker does.

    Attributes:
        root: folder of the avatars that do not come with the program.
        avatar: id.
        driver: what moves the mouth, see :mod:`benchmarks.judge.drivers`.
        spoken: what is said.
        shown: frames of the film whose pictures are wanted.
        keep: where the film shall stay, or ``None``.
    """

    root: Path
    avatar: str
    driver: str
    spoken: UtteranceSet
    shown: tuple[int, ...] = ()
    keep: Path | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """What came of a job.

    Attributes:
        seen: what the film shows.
        tiles: pictures of the frames that were asked for.
        still_sharpness: mean square of the Laplacian of the still's mouth region.
    """

    seen: Seen
    tiles: dict[int, Image]
    still_sharpness: float


def examine(job: Job) -> Examined:
    """Do a job. Takes about 10 ms per frame.

    Raises:
        EngineUnavailable: the face cannot follow this set.
    """
    driver = open_driver(job.driver, job.avatar)
    timed = job.spoken.timed or job.driver == TOLD
    patches = [patches_of(driver, utterance, timed) for utterance in job.spoken.utterances]
    with tempfile.TemporaryDirectory() as folder:
        path = job.keep or Path(folder) / "film.mp4"
        return _look(job, patches, path)


def _look(job: Job, patches: Sequence[Sequence[Patch]], path: Path) -> Examined:
    store, finder = AvatarStore(job.root), FaceFinder()
    shoot(store, job.avatar, script_of(job.spoken.utterances, patches), path)
    reader, wanted = MouthReader(finder), set(job.shown)
    tiles: dict[int, Image] = {}
    first: FaceMesh | None = None
    for index, picture in enumerate(pictures(path)):
        mesh = reader.look(picture)
        first = first or mesh
        if index in wanted:
            tiles[index] = _tile(picture, first)
    return Examined(reader.finish(), tiles, still_sharpness(store, job.avatar, finder))


def still_sharpness(store: AvatarStore, avatar: str, finder: FaceFinder) -> float:
    """Mean square of the Laplacian of the mouth region of an avatar's still."""
    still = store.get(avatar).atlas().still
    x, y, w, h = mouth_box(finder.mesh(still, finder.detect(still)[0]), still.shape[:2])
    grey = cv2.cvtColor(still[y : y + h, x : x + w], cv2.COLOR_BGR2GRAY)
    return float(np.square(cv2.Laplacian(grey, cv2.CV_32F)).mean())


def _tile(picture: Image, mesh: FaceMesh) -> Image:
    x, y, w, h = mouth_box(mesh, picture.shape[:2], SHOWN_HALF_WIDTH, SHOWN_ABOVE, SHOWN_BELOW)
    height = round(TILE_WIDTH * (SHOWN_ABOVE + SHOWN_BELOW) / (2 * SHOWN_HALF_WIDTH))
    part = picture[y : y + h, x : x + w]
    return np.asarray(cv2.resize(part, (TILE_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)
