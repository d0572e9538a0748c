"""Stages go on where others were killed, and what comes out is the same to the byte."""

import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from avatars.errors import AvatarExists
from avatars.store import BUILTIN_ROOT, AvatarStore
from precompute.order import AvatarOrder
from precompute.stages.base import Desk, Watcher
from precompute.stages.plan import run_all, stages_of
from streaming.errors import EngineUnavailable
from tests.support.atlas import small_atlas
from tests.support.bundles import small_bundle
from tests.support.clock import ManualClock
from tests.support.coarse import few_mouths
from tests.support.desk_child import CHANGED, set_desk_up
from tests.support.mattes import KnownMatter, Painter
from tests.support.videos import swaying, write_video

THEO = BUILTIN_ROOT / "sources" / "theo.png"
PHOTO = AvatarOrder(avatar="anna", kind="photo", background="#00ff00", repair="opencv")


@pytest.fixture(autouse=True)
def quick_drawing(monkeypatch):
    """The hundred pictures are tested elsewhere."""

    def draw(portrait, progress):
        progress(0.5)
        return small_atlas(landmarks=portrait.landmarks[:, :2] / 8)

    monkeypatch.setattr("precompute.stages.mouths.build_portrait_atlas", draw)
    few_mouths(monkeypatch)


@pytest.fixture
def place(tmp_path):
    """Makes the folder of a desk, and says how to sit down at it, as often as one likes."""
    pytest.importorskip("pymatting")
    matte = np.zeros((512, 512), np.float32)
    cv2.ellipse(matte, (256, 300), (150, 230), 0, 0, 360, 1.0, -1)

    def make(name: str, order: AvatarOrder, source: Path, **others):
        folder = set_desk_up(tmp_path / name, source)

        def sit(watcher: Watcher | None = None) -> Desk:
            return Desk(
                folder,
                order,
                AvatarStore(tmp_path / f"{name}-store"),
                clock=ManualClock(),
                watcher=watcher or Watcher(),
                matter=KnownMatter(matte),
                inpainter=Painter(),
                **others,
            )

        return sit

    return make


def files_of(desk: Desk) -> dict[str, bytes]:
    folder = desk.store.get(desk.order.avatar).path
    assert [path.name for path in desk.store.root.iterdir()] == [desk.order.avatar]
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Killed(BaseException):
    pass


class Killer(Watcher):
    """Ends the work when a stage says a certain share."""

    def __init__(self, stage, at):
        self.stage, self.at = stage, at

    def progress(self, stage, done):
        if stage == self.stage and done >= self.at:
            raise Killed


def test_the_stages_of_a_photo():
    names = [stage.name for stage in stages_of(PHOTO)]
    assert names == ["open", "face", "background", "clothing", "mouths", "idle", "bundle"]
    plain = PHOTO.model_copy(update={"background": "keep"})
    assert [stage.name for stage in stages_of(plain)] == ["open", "face", "mouths", "idle", "bundle"]
    film = PHOTO.model_copy(update={"background": "video", "repair": "off"})
    assert [stage.name for stage in stages_of(film)][2:4] == ["background", "film"]


def test_every_stage_at_a_new_desk_gives_the_same_avatar_to_the_byte(place, finder):
    once, again = place("once", PHOTO, THEO, faces=finder), place("again", PHOTO, THEO, faces=finder)
    run_all(once(), stages_of(PHOTO))
    for stage in stages_of(PHOTO):
        again().run(stage)
    expected = files_of(once())
    assert {"avatar.json", "atlas.npz", "alpha.png", "report.json", "steps.webp"} < set(expected)
    assert files_of(again()) == expected


def test_killed_before_behind_and_within_every_stage_the_avatar_is_the_same(place, finder):
    once, again = place("once", PHOTO, THEO, faces=finder), place("again", PHOTO, THEO, faces=finder)
    run_all(once(), stages_of(PHOTO))
    for number, stage in enumerate(stages_of(PHOTO)):
        for at in (0.0, 0.4):
            with pytest.raises(Killed):
                run_all(again(Killer(stage.name, at)), stages_of(PHOTO)[: number + 1])
    run_all(again(), stages_of(PHOTO))
    assert files_of(again()) == files_of(once())


def test_a_process_that_is_really_killed_is_followed_by_another(place, tmp_path, finder):
    sit = place("desk", CHANGED, THEO, faces=finder)
    first = _child(tmp_path, "mouths")
    assert first.returncode == -signal.SIGKILL, first.stderr
    assert sit().finished("face") and not sit().finished("mouths")
    assert not sit().store.exists("anna")
    second = _child(tmp_path, "")
    assert second.returncode == 0, second.stderr
    assert "open" not in second.stdout.split() and "mouths" in second.stdout.split()
    once = place("once", CHANGED, THEO, faces=finder)
    run_all(once(), stages_of(CHANGED))
    assert files_of(sit()) == files_of(once())


def _child(folder: Path, killed_at: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.support.desk_child", str(folder), killed_at],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def test_an_avatar_that_appeared_before_the_kill_is_found_and_not_made_twice(place, finder):
    sit = place("desk", PHOTO, THEO, faces=finder)
    run_all(sit(), stages_of(PHOTO))
    before = files_of(sit())
    created = sit().store.get("anna").path.stat().st_ino
    (sit().folder / "records" / "bundle.json").unlink()
    run_all(sit(), stages_of(PHOTO))
    assert files_of(sit()) == before and sit().store.get("anna").path.stat().st_ino == created


def test_another_avatar_of_the_same_id_is_left_alone(place, finder):
    sit = place("desk", PHOTO, THEO, faces=finder)
    stages = stages_of(PHOTO)
    for stage in stages[:-1]:
        sit().run(stage)
    small_bundle(sit().store.root, "anna")
    before = files_of(sit())
    for _ in range(2):
        with pytest.raises(AvatarExists):
            run_all(sit(), stages)
    assert files_of(sit()) == before


def test_the_same_order_at_another_desk_is_another_avatar(place, tmp_path, finder):
    first = place("first", PHOTO, THEO, faces=finder)
    run_all(first(), stages_of(PHOTO))
    second = place("second", PHOTO, THEO, faces=finder)()
    second.store = first().store
    (second.folder / "mark").write_text("f" * 32)
    with pytest.raises(AvatarExists):
        run_all(second, stages_of(PHOTO))


def test_parts_are_stages_whose_failure_is_a_note(place, finder):
    class Broken:
        name = "other"

        def build(self, store, avatar, *, force=False, progress=None):
            assert progress is not None
            progress("Working", 0.5)
            raise EngineUnavailable("Get the weights first.")

    plain = PHOTO.model_copy(update={"background": "keep"})
    builders = [Broken()]
    sit = place("desk", plain, THEO, faces=finder, builders=builders)
    stages = stages_of(plain, builders)
    assert stages[-1].name == "part_other" and stages_of(plain)[-1].name == "bundle"
    told = []
    run_all(sit(), stages, lambda step, done: told.append((step, done)))
    record = sit().record("part_other")
    assert record.notes == ["Not ready for other: Get the weights first."]
    assert record.report == {"engine": "other", "ready": False, "problem": "Get the weights first."}
    shares = [done for _, done in told]
    assert shares == sorted(shares) and shares[0] == 0 and told[-1] == ("Done", 1.0)


def test_every_stage_of_a_video_at_a_new_desk_gives_the_same_avatar(place, tmp_path, closed, finder):
    order = AvatarOrder(avatar="anna", kind="video", size=256)
    video = write_video(tmp_path / "a.mp4", swaying(closed, 3.2, width=320, height=240))
    once, again = place("once", order, video, faces=finder), place("again", order, video, faces=finder)
    run_all(once(), stages_of(order))
    for stage in stages_of(order):
        again().run(stage)
    assert [stage.name for stage in stages_of(order)] == ["look", "loop", "write", "mouths", "bundle"]
    assert files_of(again()) == files_of(once())
