import av
import numpy as np
import pytest

from avatars.errors import BundleInvalid
from avatars.manifest import Manifest
from avatars.store import AvatarStore
from streaming.compositor import backdrops as backdrops_module
from streaming.compositor.base import LayeredCompositor
from streaming.compositor.colours import colour
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.compositor.planes import frame_planes
from streaming.errors import BackgroundRejected
from tests.support.bundles import small_bundle
from tests.support.loops import loop_bundle
from tests.support.transparent import moved, photo_bundle, video_bundle


@pytest.fixture
def store(tmp_path):
    root = tmp_path / "own"
    small_bundle(root, "ada")
    loop_bundle(root, "vera", count=8)
    photo_bundle(root, "tess")
    photo_bundle(root, "fred", "video")
    video_bundle(root, "vito")
    video_bundle(root, "viola", "video")
    return AvatarStore(root, tmp_path / "builtin")


def _corner(frame: av.VideoFrame) -> tuple[int, int, int]:
    planes = frame_planes(frame)
    return int(planes.y[2, 2]), int(planes.u[1, 1]), int(planes.v[1, 1])


@pytest.mark.parametrize("avatar", ["tess", "vito"])
def test_a_person_without_a_background_stands_before_light_grey_or_the_colour_asked_for(store, avatar):
    factory = AvatarCompositorFactory(store)
    assert _corner(factory.open(avatar).compose(0, None)) == colour(None)
    assert _corner(factory.open(avatar, 0, "default").compose(0, None)) == colour("#e9ebee")
    assert _corner(factory.open(avatar, 0, "#00ff00").compose(0, None)) == colour("lime")


@pytest.mark.parametrize("avatar", ["fred", "viola"])
def test_a_film_goes_on_behind_a_person_and_begins_again(store, avatar):
    compositor = AvatarCompositorFactory(store).open(avatar)
    levels = [_corner(compositor.compose(index, None))[0] for index in range(7)]
    wanted = [16 + (40 + 40 * (n % 5)) * 219 / 255 for n in range(7)]
    np.testing.assert_allclose(levels, wanted, atol=3)


@pytest.mark.parametrize(
    ("avatar", "layered"), [("ada", False), ("tess", True), ("vito", True), ("fred", False)]
)
def test_people_can_be_drawn_alone_where_nothing_is_behind_them(store, avatar, layered):
    factory = AvatarCompositorFactory(store)
    assert isinstance(factory.open(avatar), LayeredCompositor) is layered
    if layered:
        assert not isinstance(factory.open(avatar, 0, "white"), LayeredCompositor)


def test_the_layers_of_a_loop_follow_it(store):
    compositor = AvatarCompositorFactory(store).open("vito")
    assert isinstance(compositor, LayeredCompositor)
    for index in (0, 4, 9):
        alpha = compositor.compose_layers(index, None).alpha
        assert np.abs(alpha.astype(int) - moved(index)).max() <= 6


def test_a_colour_for_an_avatar_that_has_a_background_is_refused(store):
    factory = AvatarCompositorFactory(store)
    for avatar in ("ada", "vera", "fred", "viola"):
        with pytest.raises(BackgroundRejected, match=avatar):
            factory.open(avatar, 0, "white")
    with pytest.raises(BackgroundRejected, match="no colour"):
        factory.open("tess", 0, "whitish")


def test_mattes_and_films_are_read_once(store, monkeypatch):
    reads = []
    for name in ("load_matte", "load_mattes", "load_film"):
        real = getattr(backdrops_module, name)
        monkeypatch.setattr(
            backdrops_module,
            name,
            lambda path, manifest, real=real: reads.append(path.name) or real(path, manifest),
        )
    factory = AvatarCompositorFactory(store)
    opened = [factory.open(avatar) for avatar in ("tess", "vito", "viola") for _ in range(2)]
    assert sorted(reads) == ["alpha.mp4", "alpha.mp4", "alpha.png", "backdrop.mp4"]
    assert len(opened) == 6


@pytest.mark.parametrize(
    ("avatar", "part"), [("tess", "alpha.png"), ("vito", "alpha.mp4"), ("fred", "backdrop.mp4")]
)
def test_an_avatar_that_lacks_what_its_background_needs_says_so(store, monkeypatch, avatar, part):
    real = store.manifest

    def without(name: str) -> Manifest:
        manifest = real(name)
        return manifest.model_copy(
            update={"parts": {key: value for key, value in manifest.parts.items() if key != part}}
        )

    monkeypatch.setattr(store, "manifest", without)
    with pytest.raises(BundleInvalid, match=part):
        AvatarCompositorFactory(store).open(avatar)
