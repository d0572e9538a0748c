"""From a video to an avatar that plays."""

import av
import cv2
import numpy as np
import pytest

from avatars.errors import AvatarExists
from avatars.manifest import Provenance
from avatars.store import AvatarStore
from precompute.create_from_video import create_from_video
from precompute.errors import AvatarRejected
from precompute.musetalk.builder import MuseTalkBuilder
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.errors import EngineUnavailable
from tests.support.clock import ManualClock
from tests.support.coarse import few_mouths
from tests.support.musetalk_part import PoolingSource
from tests.support.videos import CLOCKWISE, swaying, turn, write_video

WALL = np.full((270, 360, 3), 190, np.uint8)


class Broken:
    """A part that cannot be built."""

    name = "other"

    def build(self, store, avatar, *, force=False, progress=None):
        raise EngineUnavailable("Get the weights first.")


@pytest.fixture(scope="module", autouse=True)
def coarse():
    with pytest.MonkeyPatch.context() as patch:
        few_mouths(patch)
        yield


@pytest.fixture
def store(tmp_path):
    return AvatarStore(tmp_path / "own")


@pytest.fixture(scope="module")
def made(tmp_path_factory, closed, finder):
    """An avatar of a wall for 0.6 s and then a calm person for 3.4 s, 30 frames per second."""
    folder = tmp_path_factory.mktemp("video")
    person = swaying(closed, 3.4, width=360, height=270, rate=30)
    path = write_video(folder / "a.mp4", [*[WALL] * 18, *person], rate=30)
    store, steps, failed = AvatarStore(folder / "own"), [], []
    bundle, report = create_from_video(
        path,
        "my-anna",
        store,
        provenance=Provenance(source="a test", consent="not a real person"),
        progress=lambda step, done: steps.append((step, done)),
        finder=finder,
        clock=ManualClock(),
        size=256,
        parts=[Broken(), MuseTalkBuilder(PoolingSource(), finder=lambda: finder)],
        on_failed_part=lambda *failure: failed.append(failure),
    )
    return store, bundle, report, steps, failed


def test_a_video_becomes_an_avatar_of_its_best_stretch(made):
    store, bundle, report, steps, _ = made
    manifest = store.get("my-anna").manifest
    assert manifest == bundle.manifest and manifest.name == "My Anna"
    assert manifest.provenance.source == "a test"
    assert set(manifest.parts) == {
        "idle.mp4",
        "poster.webp",
        "faces.npz",
        "atlas.npz",
        "heads.npz",
        "musetalk.safetensors",
        "report.json",
        "steps.webp",
    }
    assert (manifest.width, manifest.height, manifest.fps) == (256, 256, 25)
    assert manifest.frames == round((report.end - report.begin) * 25) >= 75
    assert report.begin >= 0.6 and str(report.left_out[0]) == "0.0-0.6 s: no face"
    assert len(report.advice) == 1 and "small" in report.advice[0]
    done = [part for _, part in steps]
    assert done == sorted(done) and done[0] == 0 and done[-1] == 1


def test_the_loop_plays_and_its_landmarks_are_those_of_the_frame_that_is_shown(made, finder):
    store, bundle, *_ = made
    frames = bundle.manifest.frames
    faces = np.load(bundle.part("faces.npz"), allow_pickle=False)
    assert faces["landmarks"].shape == (frames, 468, 2) and faces["boxes"].shape == (frames, 4)
    compositor = AvatarCompositorFactory(store).open("my-anna")
    for index in (0, 40, frames + 10):
        shown = compositor.compose(index, None).to_ndarray(format="bgr24")
        mesh = finder.mesh(shown, finder.detect(shown)[0])
        place = index if index < frames else 2 * frames - 2 - index
        away = np.linalg.norm(mesh.points[:, :2] - faces["landmarks"][place], axis=1).mean()
        assert away < 2.0


def test_colours_of_loop_and_poster_are_those_of_the_video(made, closed, finder):
    _, bundle, *_ = made
    with av.open(str(bundle.part("idle.mp4"))) as container:
        first = next(container.decode(video=0))
    assert first.format.name == "yuv420p" and first.colorspace == 6
    poster = cv2.imread(str(bundle.part("poster.webp")))
    assert poster is not None and poster.shape == (256, 256, 3)
    assert len(finder.detect(np.asarray(poster, np.uint8))) == 1
    for picture in (poster, first.to_ndarray(format="bgr24")):
        assert (
            np.abs(picture[5:20, 5:20].mean(axis=(0, 1)) - closed[20:60, 20:60].mean(axis=(0, 1))).max() < 6
        )


def test_parts_are_added_and_one_that_cannot_be_built_leaves_the_rest(made):
    store, bundle, _, _, failed = made
    assert failed == [("other", "Get the weights first.")]
    assert bundle.manifest.engines == ("atlas", "musetalk")
    assert store.musetalk("my-anna").frames == bundle.manifest.frames


def test_a_phone_held_upright_gives_an_upright_person(store, tmp_path, closed, finder):
    lying = [np.rot90(frame, 1) for frame in swaying(closed, 3.2, width=270, height=360, face=0.7)]
    path = turn(write_video(tmp_path / "phone.mp4", map(np.ascontiguousarray, lying)), CLOCKWISE)
    bundle, report = create_from_video(path, "anna", store, finder=finder, size=256)
    assert (report.video.width, report.video.height) == (270, 360)
    poster = cv2.imread(str(bundle.part("poster.webp")))
    assert poster is not None and len(finder.detect(np.asarray(poster, np.uint8))) == 1


def test_a_taken_id_is_refused_before_any_work(store, tmp_path):
    with pytest.raises(AvatarExists):
        create_from_video(tmp_path / "missing.mp4", "mira", store)


def test_what_is_refused_leaves_nothing(store, tmp_path, finder):
    walls = write_video(tmp_path / "walls.mp4", [WALL] * 100)
    for path, code in ((walls, "no_face"), (tmp_path / "missing.mp4", "not_a_video")):
        with pytest.raises(AvatarRejected) as caught:
            create_from_video(path, "anna", store, finder=finder)
        assert caught.value.code == code
    assert not store.root.exists() and not store.exists("anna")
