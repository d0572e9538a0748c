import cv2
import numpy as np
import pytest

from avatars.store import AvatarStore
from precompute.clear import GREY
from precompute.matting.scene import MatteWriter
from precompute.order import AvatarOrder
from precompute.stages.base import Desk
from precompute.stages.video_write import visible_frames
from tests.support.videos import write_video

SIZE = 128
PERSON = (30, 60, 200)


@pytest.fixture
def sit(tmp_path):
    """A desk at which a person moved from left to right in three frames."""

    def make(background: str) -> Desk:
        order = AvatarOrder(avatar="anna", kind="video", background=background, size=SIZE)
        desk = Desk(tmp_path, order, AvatarStore(tmp_path / "own"))
        with MatteWriter(desk.part("alpha.mp4"), SIZE) as film:
            for place in (32, 64, 96):
                alpha = np.zeros((SIZE, SIZE), np.float32)
                cv2.circle(alpha, (place, 64), 20, 1.0, -1)
                film.put_matte(alpha)
        return desk

    return make


def test_frames_without_a_background_are_seen_through_their_own_mattes(sit):
    frames = {index: np.full((SIZE, SIZE, 3), PERSON, np.uint8) for index in (0, 2)}
    seen = visible_frames(sit("transparent"), frames)
    assert sorted(seen) == [0, 2]
    for index, place in ((0, 32), (2, 96)):
        assert np.abs(seen[index][64, place].astype(int) - PERSON).max() < 3
        assert (seen[index][64, 128 - place] == GREY).all()


def test_a_film_is_behind_them(sit, tmp_path):
    desk = sit("video")
    blue = write_video(tmp_path / "b.mp4", [np.full((SIZE, SIZE, 3), (200, 30, 30), np.uint8)] * 3)
    blue.rename(desk.part("backdrop.mp4"))
    seen = visible_frames(desk, {1: np.full((SIZE, SIZE, 3), PERSON, np.uint8)})[1]
    assert np.abs(seen[64, 64].astype(int) - PERSON).max() < 3
    assert np.abs(seen[10, 10].astype(int) - (200, 30, 30)).max() < 12


def test_frames_with_a_background_are_seen_as_they_are(sit):
    frames = {0: np.zeros((SIZE, SIZE, 3), np.uint8)}
    assert visible_frames(sit("white"), frames) is frames
