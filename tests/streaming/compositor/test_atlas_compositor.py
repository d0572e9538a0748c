import threading

import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from avatars.errors import AvatarNotFound, BundleInvalid
from avatars.store import AvatarStore
from streaming.compositor import atlas_compositor
from streaming.compositor.assets import load_assets
from streaming.compositor.atlas_compositor import AtlasCompositor, AtlasCompositorFactory
from streaming.compositor.life import Life, Pose
from streaming.compositor.planes import pack
from streaming.compositor.speaking import SILENT
from streaming.slots import MouthShape
from tests.support.atlas import EYES, MOUTH, small_atlas
from tests.support.bundles import small_bundle


class Still(Life):
    """A head that does not move by itself."""

    def pose(self, index, speaking=SILENT):
        return Pose(np.zeros(7, np.float32), 0.0, (0.0, 0.0))


@pytest.fixture
def store(tmp_path):
    small_bundle(tmp_path / "own", "ada")
    return AvatarStore(tmp_path / "own", tmp_path / "builtin")


def _compositor(life=None):
    return AtlasCompositor(load_assets(small_atlas()), life or Still(0))


def test_a_frame_at_rest_is_the_still():
    frame = _compositor().compose(0, None)
    assert (frame.format.name, frame.width, frame.height, frame.pts) == ("yuv420p", 128, 96, None)
    np.testing.assert_array_equal(frame.to_ndarray().reshape(-1), pack(small_atlas().still))
    assert int(frame.color_range) == int(ColorRange.MPEG)


def test_speech_changes_the_mouth_and_nothing_else():
    compositor = _compositor()
    rest = compositor.compose(0, None).to_ndarray()
    spoken = [compositor.compose(index, MouthShape(1.0)).to_ndarray() for index in (1, 2, 3)][-1]
    changed = np.argwhere(rest[:96] != spoken[:96])
    x, y, w, h = MOUTH
    assert len(changed) > w * h / 2
    assert (changed.min(axis=0) >= (y, x)).all() and (changed.max(axis=0) < (y + h, x + w)).all()
    after = [compositor.compose(index, None).to_ndarray() for index in range(4, 10)]
    np.testing.assert_array_equal(after[-1], rest)


def test_a_press_is_shut_in_the_frame_that_asks_for_it():
    compositor = _compositor()
    for index in range(3):
        compositor.compose(index, MouthShape(1.0))
    frame = compositor.compose(3, MouthShape(0.6, press=1.0)).to_ndarray(format="bgr24")
    red = frame[MOUTH[1] + 16, MOUTH[0] + 24]
    assert red[2] > 180 and red[0] < 30 and red[1] < 30


def test_frames_are_buffers_of_their_own():
    compositor = _compositor()
    first = compositor.compose(0, None)
    kept = first.to_ndarray()
    for index in range(1, 6):
        compositor.compose(index, MouthShape(0.9))
    np.testing.assert_array_equal(first.to_ndarray(), kept)


def test_sessions_do_not_disturb_each_other():
    assets = load_assets(small_atlas())
    alone = [AtlasCompositor(assets, Life(1)).compose(0, None).to_ndarray()]
    one, other = AtlasCompositor(assets, Life(1)), AtlasCompositor(assets, Life(2))
    mixed = []
    for index in range(4):
        mixed.append(one.compose(index, None).to_ndarray())
        other.compose(index, MouthShape(1.0, 1.0))
    np.testing.assert_array_equal(mixed[0], alone[0])
    fresh = AtlasCompositor(assets, Life(1))
    for index in range(4):
        np.testing.assert_array_equal(fresh.compose(index, None).to_ndarray(), mixed[index])


def test_idle_frames_depend_on_the_index_alone():
    one, other = _compositor(Life(9)), _compositor(Life(9))
    frames = [one.compose(index, None).to_ndarray() for index in range(200)]
    for index in (199, 30, 131, 0):
        np.testing.assert_array_equal(frames[index], other.compose(index, None).to_ndarray())


def test_a_blink_is_drawn_into_the_eyes():
    life = Life(1)
    shut = next(i for i in range(1000) if life.pose(i).closure == 1)

    class Blinking(Still):
        def pose(self, index, speaking=SILENT):
            return super().pose(index)._replace(closure=life.pose(index).closure)

    compositor = _compositor(Blinking(0))
    still = compositor.compose(shut - 10, None).to_ndarray()[:96]
    closed = compositor.compose(shut, None).to_ndarray()[:96]
    changed = np.argwhere(still != closed)
    x, y, w, h = EYES
    assert (changed.min(axis=0) >= (y, x)).all() and (changed.max(axis=0) < (y + h, x + w)).all()


def test_the_head_hears_the_speech():
    heard = []

    class Listening(Still):
        def pose(self, index, speaking=SILENT):
            heard.append(speaking)
            return super().pose(index)

    compositor = _compositor(Listening(0))
    compositor.compose(0, None)
    for index in range(1, 20):
        compositor.compose(index, MouthShape(energy=1.0))
    assert heard[0] == SILENT and heard[-1].presence > 0.9


def test_the_factory_loads_an_avatar_once_for_all_threads(store, monkeypatch):
    loads = []
    real = atlas_compositor.load_assets
    monkeypatch.setattr(atlas_compositor, "load_assets", lambda atlas: loads.append(1) or real(atlas))
    factory = AtlasCompositorFactory(store)
    opened = []
    threads = [threading.Thread(target=lambda: opened.append(factory.open("ada"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6 and len(loads) == 1
    assert cv2.getNumThreads() == 1
    assert opened[0].width == 128


def test_an_avatar_that_was_made_again_is_loaded_again(store):
    factory = AtlasCompositorFactory(store)
    before = factory.open("ada").compose(0, None).to_ndarray()
    store.delete("ada")
    with pytest.raises(AvatarNotFound):
        factory.open("ada")
    atlas = small_atlas()
    small_bundle(
        store.root,
        "ada",
        still=atlas.still[:, :, ::-1].copy(),
        mouths=atlas.mouths[..., ::-1].copy(),
        eyes=atlas.eyes[..., ::-1].copy(),
    )
    assert not np.array_equal(factory.open("ada").compose(0, None).to_ndarray(), before)


def test_a_damaged_avatar_says_so(store):
    part = store.get("ada").part("atlas.npz")
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 0xFF
    part.write_bytes(data)
    with pytest.raises(BundleInvalid):
        AtlasCompositorFactory(store).open("ada")


@pytest.mark.parametrize("avatar", ["mira", "theo"])
def test_the_built_in_avatars_at_rest_show_their_still(tmp_path, avatar):
    atlas = AvatarStore(tmp_path).get(avatar).atlas()
    frame = AtlasCompositor(load_assets(atlas), Still(0)).compose(0, None)
    shown = cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2BGR_I420).astype(int)
    assert np.abs((shown - atlas.still).mean(axis=(0, 1))).max() < 0.5
    assert np.abs(shown - atlas.still).mean() < 1.5
