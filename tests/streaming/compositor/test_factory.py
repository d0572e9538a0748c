import threading

import cv2
import numpy as np
import pytest
from structlog.testing import capture_logs

from avatars.errors import AvatarNotFound, BundleInvalid
from avatars.store import AvatarStore
from streaming.compositor import factory as factory_module
from streaming.compositor.atlas_compositor import AtlasCompositor
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.compositor.loop_compositor import LoopCompositor
from streaming.slots import FacePixels, MouthShape
from tests.support.atlas import small_atlas
from tests.support.bundles import small_bundle
from tests.support.heads import talking_bundle
from tests.support.loops import loop_bundle
from tests.support.musetalk_part import RECT, part_of


@pytest.fixture
def store(tmp_path):
    small_bundle(tmp_path / "own", "ada")
    loop_bundle(tmp_path / "own", "vera", count=8)
    return AvatarStore(tmp_path / "own", tmp_path / "builtin")


def _white(frame, part):
    pixels = b"\xff" * (RECT[2] * RECT[3]) + b"\x80" * (RECT[2] * RECT[3] // 2)
    return FacePixels(frame, pixels, part=part)


def _brightest(compositor, store, avatar, first=0):
    """How much brighter drawn mouths make the picture."""
    shown = before = compositor.compose(first, None).to_ndarray().astype(int)
    for index in range(first + 1, first + 6):
        patch = _white(compositor.position % 8, _number(store, avatar))
        shown = compositor.compose(index, patch).to_ndarray().astype(int)
    height = before.shape[0] * 2 // 3
    return (shown - before)[:height].max()


def _number(store, avatar):
    """Of the part that the performer would draw for."""
    found = store.find_musetalk(avatar)
    return found.part.number if found else 0


def _make_in_other_colours(root, avatar):
    atlas = small_atlas()
    pictures = {name: getattr(atlas, name)[..., ::-1].copy() for name in ("still", "mouths", "eyes")}
    small_bundle(root, avatar, **pictures)


def test_an_avatar_is_loaded_once_for_all_threads(store, monkeypatch):
    loads = []
    real = factory_module.load_assets
    monkeypatch.setattr(factory_module, "load_assets", lambda atlas: loads.append(1) or real(atlas))
    factory = AvatarCompositorFactory(store)
    opened = []
    threads = [threading.Thread(target=lambda: opened.append(factory.open("ada"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 6 and len(loads) == 1
    assert cv2.getNumThreads() == 1
    assert opened[0].width == 128


def test_a_loop_is_decoded_once(store, monkeypatch):
    loads = []
    real = factory_module.load_frames
    monkeypatch.setattr(factory_module, "load_frames", lambda *args: loads.append(1) or real(*args))
    factory = AvatarCompositorFactory(store)
    assert factory.open("vera").compose(0, None).width == factory.open("vera").width == 128
    assert len(loads) == 1


def test_the_parts_decide_what_draws(store):
    factory = AvatarCompositorFactory(store)
    assert isinstance(factory.open("ada"), AtlasCompositor)
    assert isinstance(factory.open("vera"), LoopCompositor)


def test_the_mouths_of_a_video_s_atlas_are_drawn_into_its_loop(store, monkeypatch):
    talking_bundle(store.root, "tess")
    loads = []
    real = factory_module.load_loop_mouths
    monkeypatch.setattr(factory_module, "load_loop_mouths", lambda *parts: loads.append(1) or real(*parts))
    factory = AvatarCompositorFactory(store)
    idle, talking = factory.open("tess"), factory.open("tess", seed=1)
    assert isinstance(idle, LoopCompositor) and isinstance(talking, LoopCompositor) and loads == [1]
    still = [idle.compose(index, None).to_ndarray().astype(int) for index in range(6)]
    spoken = [talking.compose(index, MouthShape(0.9)).to_ndarray().astype(int) for index in range(6)]
    assert np.abs(spoken[-1] - still[-1]).max() > 20


@pytest.mark.parametrize("avatar", ["ada", "vera"])
def test_drawn_mouths_are_shown_by_sessions_that_open_after_the_part_was_made(store, avatar):
    factory = AvatarCompositorFactory(store)
    assert _brightest(factory.open(avatar), store, avatar) < 40
    store.put_musetalk(avatar, part_of(store.get(avatar)))
    assert _brightest(factory.open(avatar), store, avatar) > 70
    # Another way to build it, with another mask.
    part = part_of(store.get(avatar), "other")
    store.put_musetalk(avatar, part_of(store.get(avatar), "other", masks=part.masks // 4))
    assert 10 < _brightest(factory.open(avatar), store, avatar) < 60


@pytest.mark.parametrize("avatar", ["ada", "vera"])
def test_a_session_that_is_open_shows_a_part_that_is_built_meanwhile(store, avatar):
    compositor = AvatarCompositorFactory(store).open(avatar)
    assert _brightest(compositor, store, avatar) < 40
    part = part_of(store.get(avatar))
    store.put_musetalk(avatar, part)
    assert _brightest(compositor, store, avatar, 10) > 70
    store.put_musetalk(avatar, part_of(store.get(avatar), "other", masks=part.masks // 4))
    assert 10 < _brightest(compositor, store, avatar, 20) < 60


def test_a_session_shows_no_part_of_pictures_that_it_does_not_show(store):
    compositor = AvatarCompositorFactory(store).open("ada")
    store.delete("ada")
    # The store cannot even be asked.
    assert compositor.compose(0, _white(0, 7)).width == 128
    _make_in_other_colours(store.root, "ada")
    store.put_musetalk("ada", part_of(store.get("ada")))
    assert _brightest(compositor, store, "ada", 10) < 40


@pytest.mark.parametrize("avatar", ["ada", "vera"])
def test_an_avatar_with_an_outdated_part_opens_without_it(store, avatar):
    bundle = store.get(avatar)
    store.put_musetalk(avatar, part_of(bundle, fingerprint="-".join(("0" * 64, "f" * 64))))
    assert _brightest(AvatarCompositorFactory(store).open(avatar), store, avatar) < 40


def test_a_part_that_cannot_be_read_is_told_and_tried_again(store, monkeypatch):
    store.put_musetalk("ada", part_of(store.get("ada")))
    factory = AvatarCompositorFactory(store)

    def fail(avatar):
        raise BundleInvalid("The part is damaged.")

    with monkeypatch.context() as patched, capture_logs() as logs:
        patched.setattr(store, "musetalk", fail)
        assert _brightest(factory.open("ada"), store, "ada") < 40
    assert "damaged" in logs[0]["reason"]
    assert _brightest(factory.open("ada"), store, "ada") > 70


def test_an_avatar_that_was_made_again_is_loaded_again(store):
    factory = AvatarCompositorFactory(store)
    before = factory.open("ada").compose(0, None).to_ndarray()
    store.delete("ada")
    with pytest.raises(AvatarNotFound):
        factory.open("ada")
    _make_in_other_colours(store.root, "ada")
    assert not np.array_equal(factory.open("ada").compose(0, None).to_ndarray(), before)


@pytest.mark.parametrize(("avatar", "part"), [("ada", "atlas.npz"), ("vera", "idle.mp4")])
def test_a_damaged_avatar_says_so(store, avatar, part):
    path = store.get(avatar).part(part)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BundleInvalid):
        AvatarCompositorFactory(store).open(avatar)


def test_a_loop_that_is_too_large_says_so(store, monkeypatch):
    monkeypatch.setattr("streaming.compositor.loop.MAX_LOOP_BYTES", 1000)
    with pytest.raises(BundleInvalid, match="shorter or smaller"):
        AvatarCompositorFactory(store).open("vera")
