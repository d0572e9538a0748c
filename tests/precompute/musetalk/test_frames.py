import numpy as np
import pytest

from avatars.errors import BundleInvalid
from precompute.musetalk.frames import loop_frames
from tests.support.musetalk_part import loop_bundle

GREYS = [np.full((64, 96, 3), 40 * index, np.uint8) for index in range(1, 6)]


def test_frames_are_read_in_order_as_often_as_wanted(tmp_path):
    frames = loop_frames(loop_bundle(tmp_path, GREYS))
    assert (frames.count, frames.width, frames.height) == (5, 96, 64)
    for _ in range(2):
        found = [int(frame.mean().round()) for frame in frames.read()]
        assert np.abs(np.array(found) - [40, 80, 120, 160, 200]).max() <= 4


@pytest.mark.parametrize(("claimed", "found"), [(6, "it has 5"), (4, "more"), (1, "more")])
def test_another_number_of_frames_is_found(tmp_path, claimed, found):
    frames = loop_frames(loop_bundle(tmp_path, GREYS, claimed=claimed))
    with pytest.raises(BundleInvalid, match=found):
        list(frames.read())


def test_frames_of_another_size_are_found(tmp_path):
    frames = loop_frames(loop_bundle(tmp_path, GREYS, width=128))
    with pytest.raises(BundleInvalid, match="96 x 64"):
        list(frames.read())


@pytest.mark.parametrize("content", [b"no video", bytes(5000)])
def test_what_is_no_video_is_said_to_be_none(tmp_path, content):
    bundle = loop_bundle(tmp_path, GREYS)
    bundle.part("idle.mp4").write_bytes(content)
    with pytest.raises(BundleInvalid, match="decoded"):
        list(loop_frames(bundle).read())


def test_a_cut_video_is_found(tmp_path):
    bundle = loop_bundle(tmp_path, [np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)] * 9)
    path = bundle.part("idle.mp4")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(BundleInvalid):
        list(loop_frames(bundle).read())
