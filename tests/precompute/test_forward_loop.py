"""A video in which a person comes by the same place twice: its loop goes forward, and is played so."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from avatars.store import AvatarStore
from precompute.create_from_video import create_from_video
from streaming.compositor.factory import AvatarCompositorFactory
from tests.support.videos import write_video

WIDTH, HEIGHT, SIZE = 320, 240, 192
PERIOD = 2.2
"""Seconds."""


def nodding(still, seconds):
    for n in range(round(seconds * 25)):
        turn = 2 * np.pi * n / 25 / PERIOD
        scale = HEIGHT / still.shape[0] * (0.95 + 0.01 * np.sin(turn))
        move = np.array([[scale, 0, 42 + 5 * np.sin(turn)], [0, scale, 8 + 3 * np.cos(turn)]])
        yield np.asarray(
            cv2.warpAffine(
                still, move, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
            ),
            np.uint8,
        )


@pytest.fixture(scope="module")
def made(tmp_path_factory, closed, finder):
    folder = tmp_path_factory.mktemp("nodding")
    path = write_video(folder / "a.mp4", nodding(closed, 5.0))
    store = AvatarStore(folder / "own")
    bundle, report = create_from_video(path, "anna", store, finder=finder, size=SIZE)
    return store, bundle, report


def test_it_goes_forward_and_its_seam_does_not_show(made):
    store, bundle, report = made
    frames = bundle.manifest.frames
    assert bundle.manifest.loop == "forward" and frames == 110
    assert report.speeds == (0, 0)
    compositor = AvatarCompositorFactory(store).open("anna")
    shown = [compositor.compose(n, None).to_ndarray()[:SIZE].astype(int) for n in range(frames + 12)]
    assert np.abs(shown[frames + 5] - shown[5]).max() == 0
    steps = [np.abs(b - a).mean() for a, b in pairwise(shown)]
    assert max(steps[frames - 10 :]) < 1.3 * max(steps[: frames - 10])


def test_its_landmarks_are_those_of_the_frames_that_are_shown(made, finder):
    store, bundle, _ = made
    frames = bundle.manifest.frames
    faces = np.load(bundle.part("faces.npz"), allow_pickle=False)
    compositor = AvatarCompositorFactory(store).open("anna")
    for index in (0, frames - 4, frames - 1, frames):
        shown = compositor.compose(index, None).to_ndarray(format="bgr24")
        mesh = finder.mesh(shown, finder.detect(shown)[0])
        away = np.linalg.norm(mesh.points[:, :2] - faces["landmarks"][index % frames], axis=1).mean()
        assert away < 1.5
