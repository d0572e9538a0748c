import struct
import zlib

import numpy as np
import pytest

from avatars.errors import BundleInvalid
from streaming.compositor.loop_follower import Layer
from streaming.compositor.matte import (
    REACHES,
    LoopMatte,
    WarpedMatte,
    load_matte,
    load_mattes,
    still_matte,
)
from streaming.compositor.planes import packed_size, unpack
from streaming.compositor.warp import Warp, motion_nodes
from tests.support.transparent import disc, moved, photo_bundle, video_bundle

WIDTH, HEIGHT = 300, 260


def _warp():
    """Bends everything, by ``coefficient`` pixels in the middle and by nothing at the rim."""
    bump = np.zeros((1, 9, 9, 2))
    rise = np.minimum(np.arange(9), np.arange(9)[::-1]) / 4
    bump[0, ..., 0] = rise[:, None] * rise[None]
    bump[0, ..., 1] = -0.4 * bump[0, ..., 0]
    return Warp(motion_nodes(bump.astype(np.float32), WIDTH, HEIGHT), WIDTH, HEIGHT)


def _moved_by(warp, amount):
    scratch = [unpack(np.zeros(packed_size(WIDTH, HEIGHT), np.uint8), WIDTH, HEIGHT) for _ in range(2)]
    scratch[0].y[:] = disc(WIDTH, HEIGHT, x=150, radius=90)
    warp.draw(scratch[0], np.array([amount], np.float32), scratch[1])
    return scratch[1].y


@pytest.mark.parametrize("amount", [0, 2.5, -5.7, 9, -11, 20])
def test_a_matte_moves_as_the_picture_does(amount):
    warp, target = _warp(), np.zeros((HEIGHT, WIDTH), np.uint8)
    shown = _moved_by(warp, amount)
    assert warp.reach == pytest.approx(abs(amount), rel=0.1)
    WarpedMatte(still_matte(disc(WIDTH, HEIGHT, x=150, radius=90)), warp).draw(target)
    np.testing.assert_array_equal(target, shown)


def test_little_of_a_matte_is_resampled_where_little_moves():
    still = still_matte(disc(WIDTH, HEIGHT, x=150, radius=90))
    areas = [sum(width * height for _, _, width, height in windows) for windows in still.outlines]
    assert len(areas) == len(REACHES)
    assert areas == sorted(areas) and 0 < areas[0] < 0.35 * WIDTH * HEIGHT


def test_a_person_lies_within_its_part_wherever_it_moves():
    matte = disc(WIDTH, HEIGHT, x=150, radius=90)
    part = still_matte(matte).person
    inside = np.zeros((HEIGHT, WIDTH), bool)
    for x, y, width, height in part.windows:
        assert x % 2 == y % 2 == width % 2 == height % 2 == 0
        inside[y : y + height, x : x + width] = True
    assert inside.mean() < 0.9
    for amount in (part.reach, -part.reach):
        assert inside[_moved_by(_warp(), amount) > 0].all()


def test_the_mattes_of_a_loop_are_those_of_its_frames_and_blended_like_them(tmp_path):
    bundle = video_bundle(tmp_path)
    mattes = load_mattes(bundle.part("alpha.mp4"), bundle.manifest)

    class Shows:
        shown = [Layer(3, 1.0)]  # noqa: RUF012

    shows, target = Shows(), np.zeros((96, 128), np.uint8)
    LoopMatte(mattes, shows).draw(target)
    assert np.abs(target.astype(int) - moved(3)).max() <= 6
    assert ((target == 0) | (target == 255)).mean() > 0.9, "noise of the codec is gone"
    shows.shown = [Layer(3, 1.0), Layer(11, 0.25)]
    LoopMatte(mattes, shows).draw(target)
    wanted = 0.75 * moved(3) + 0.25 * moved(11)
    assert np.abs(target - wanted).max() <= 6


def test_a_matte_that_does_not_fit_says_so(tmp_path):
    bundle = photo_bundle(tmp_path)
    other = bundle.manifest.model_copy(update={"width": 64})
    with pytest.raises(BundleInvalid, match=r"alpha\.png"):
        load_matte(bundle.part("alpha.png"), other)
    bomb = b"IHDR" + struct.pack(">2I5B", 30_000, 30_000, 8, 0, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + bomb + struct.pack(">I", zlib.crc32(bomb))
    bundle.part("alpha.png").write_bytes(png)
    with pytest.raises(BundleInvalid, match="damaged"):
        load_matte(bundle.part("alpha.png"), bundle.manifest)
    bundle.part("alpha.png").write_bytes(b"no picture")
    with pytest.raises(BundleInvalid, match=r"alpha\.png"):
        load_matte(bundle.part("alpha.png"), bundle.manifest)


def test_mattes_that_do_not_fit_say_so(tmp_path):
    bundle = video_bundle(tmp_path)
    for update in ({"frames": 11}, {"width": 64}, {"frames": 30_000}):
        with pytest.raises(BundleInvalid):
            load_mattes(bundle.part("alpha.mp4"), bundle.manifest.model_copy(update=update))
    bundle.part("alpha.mp4").unlink()
    with pytest.raises(BundleInvalid, match="deleted"):
        load_mattes(bundle.part("alpha.mp4"), bundle.manifest)
