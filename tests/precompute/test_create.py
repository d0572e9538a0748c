import os
from pathlib import Path

import numpy as np
import pytest

from avatars.errors import AvatarExists, BundleInvalid
from avatars.manifest import Provenance
from avatars.store import BUILTIN_ROOT, AvatarStore
from precompute.backdrop import Backdrop
from precompute.create import LEFTOVER_SECONDS, create_avatar
from precompute.errors import AvatarRejected
from precompute.matting.background import colour
from streaming.errors import EngineUnavailable
from tests.support.atlas import small_atlas
from tests.support.clock import WALL_START, ManualClock
from tests.support.mattes import KnownMatter, Painter

PHOTO = BUILTIN_ROOT / "sources" / "theo.png"


@pytest.fixture
def store(tmp_path):
    return AvatarStore(tmp_path / "own")


def _left_behind(store):
    return [path.name for path in store.root.iterdir()] if store.root.exists() else []


@pytest.fixture
def quick_drawing(monkeypatch):
    """The face is really found; only the hundred pictures, tested elsewhere, are not drawn."""

    def draw(portrait, progress):
        assert portrait.frame.shape == (512, 512, 3)
        for part in (0.25, 1.0):
            progress(part)
        return small_atlas()

    monkeypatch.setattr("precompute.stages.mouths.build_portrait_atlas", draw)


def test_a_photo_becomes_an_avatar_in_the_store(store, quick_drawing):
    steps = []
    made = create_avatar(
        PHOTO.read_bytes(),
        "my-theo",
        store,
        provenance=Provenance(source="a test", consent="not a real person"),
        progress=lambda step, part: steps.append((step, part)),
    )
    assert store.get("my-theo").manifest == made.manifest
    assert made.manifest.name == "My Theo"
    assert made.manifest.provenance.source == "a test"
    parts = [part for _, part in steps]
    assert parts == sorted(parts) and parts[0] == 0 and parts[-1] == 1
    assert len({step for step, _ in steps}) >= 5


def test_a_taken_or_bad_id_is_refused_before_any_work(store):
    with pytest.raises(AvatarExists):
        create_avatar(b"not even a picture", "mira", store)
    with pytest.raises(BundleInvalid):
        create_avatar(b"not even a picture", "../mira", store)


def test_what_a_killed_process_left_is_cleared(store, quick_drawing):
    for name, age in ((".part-killed", 2 * LEFTOVER_SECONDS), (".part-at-work", 60)):
        (store.root / name).mkdir(parents=True)
        os.utime(store.root / name, (WALL_START - age, WALL_START - age))
    create_avatar(PHOTO, "new", store, clock=ManualClock())
    assert sorted(_left_behind(store)) == [".part-at-work", "new"]


@pytest.mark.parametrize("photo", [b"not a picture", PHOTO.read_bytes()[:2000]])
def test_a_bad_photo_leaves_nothing(store, photo):
    with pytest.raises(AvatarRejected):
        create_avatar(photo, "new", store)
    assert _left_behind(store) == []


def test_a_failure_half_way_leaves_nothing_and_the_id_free(store, quick_drawing, monkeypatch):
    def fail(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr("precompute.stages.idle.write_idle_loop", fail)
    with pytest.raises(OSError, match="no space"):
        create_avatar(PHOTO, "new", store)
    assert _left_behind(store) == []
    monkeypatch.undo()
    assert not store.exists("new")


@pytest.mark.slow
def test_the_whole_way_from_photo_to_frames(store):
    from streaming.compositor.factory import AvatarCompositorFactory
    from streaming.slots import MouthShape

    made = create_avatar(Path(PHOTO), "whole", store)
    assert made.manifest.frames == 300
    compositor = AvatarCompositorFactory(store).open("whole")
    rest = compositor.compose(0, None).to_ndarray().astype(int)
    for index in range(1, 4):
        compositor.compose(index, MouthShape(0.9))
    assert np.abs(compositor.compose(4, MouthShape(0.9)).to_ndarray() - rest).max() > 60


def test_parts_for_further_engines_are_added_last(store, quick_drawing):
    class Builder:
        def __init__(self, name, problem=None):
            self.name, self.problem, self.seen = name, problem, None

        def build(self, store, avatar, *, force=False, progress=None):
            self.seen = store.get(avatar).manifest.engines
            if self.problem:
                raise EngineUnavailable(self.problem)
            return True

    builders = [Builder("broken", "Install it."), Builder("working")]
    failed, done = [], []
    made = create_avatar(
        PHOTO,
        "new",
        store,
        parts=builders,
        progress=lambda _, part: done.append(part),
        on_failed_part=lambda engine, reason: failed.append((engine, reason)),
    )
    assert [builder.seen for builder in builders] == [("atlas",)] * 2
    assert failed == [("broken", "Install it.")]
    assert store.get("new").manifest == made.manifest
    assert done == sorted(done) and done[-1] == 1


def test_a_prepared_portrait_is_drawn_on_and_its_matte_is_kept(store, monkeypatch):
    import cv2

    drawn = []

    def draw(portrait, progress):
        drawn.append(portrait)
        return small_atlas()

    pytest.importorskip("pymatting")
    matte = np.zeros((512, 512), np.float32)
    cv2.ellipse(matte, (256, 256), (150, 200), 0, 0, 360, 1.0, -1)
    monkeypatch.setattr("precompute.stages.mouths.build_portrait_atlas", draw)
    given = Provenance(tools=("a camera",))
    backdrop = Backdrop(colour("#00ff00"), KnownMatter(matte), Painter())
    made = create_avatar(PHOTO, "new", store, provenance=given, prepare=backdrop)
    assert drawn[0].frame[2, 2].tolist() == [0, 255, 0]
    alpha = cv2.imread(str(made.part("alpha.png")), cv2.IMREAD_UNCHANGED)
    assert alpha is not None and alpha.shape == (512, 512) and alpha[2, 2] == 0 and alpha[256, 256] == 255
    tools = store.get("new").manifest.provenance.tools
    assert tools[0] == "a camera" and tools[1].startswith("lipstream ") and tools[2] == "known"


def test_what_it_was_made_from_is_kept(store, quick_drawing):
    import hashlib

    given = Provenance(source="a test", author="me", licence="CC0-1.0", consent="nobody is shown")
    made = create_avatar(PHOTO, "new", store, provenance=given, clock=ManualClock())
    kept = made.manifest.provenance
    assert (kept.source, kept.author, kept.licence, kept.consent) == (
        "a test",
        "me",
        "CC0-1.0",
        "nobody is shown",
    )
    assert kept.sha256 == hashlib.sha256(PHOTO.read_bytes()).hexdigest()
    assert made.manifest.created.timestamp() == WALL_START
