import dataclasses

import numpy as np
import pytest

from avatars.atlas_file import load_atlas
from avatars.heads_file import load_heads
from avatars.store import AvatarStore
from benchmarks.moving_head import write_film
from precompute.errors import AvatarRejected
from precompute.order import AvatarOrder
from precompute.stages import video_mouths
from precompute.stages.base import Desk
from precompute.stages.plan import stages_of
from precompute.stages.video_mouths import VIDEO_MOUTHS
from tests.precompute.moving.conftest import FRAMES, Film, coarse, film, made, mira  # noqa: F401


@pytest.fixture
def desk(tmp_path, film, finder):  # noqa: F811
    (tmp_path / "desk").mkdir()
    order = AvatarOrder(avatar="anna", kind="video", size=512)
    desk = Desk(tmp_path / "desk", order, AvatarStore(tmp_path / "own"), faces=finder)
    write_film(desk.part("idle.mp4"), film.planes)
    with desk.part("faces.npz").open("wb") as file:
        np.savez(file, landmarks=film.landmarks.astype(np.float32))
    return desk


def test_the_stage_leaves_mouths_of_the_loop_as_it_is_shown(desk, coarse):  # noqa: F811
    told = []
    desk.watcher.progress = lambda stage, done: told.append(done)
    desk.run(VIDEO_MOUTHS)
    atlas = load_atlas(desk.part("atlas.npz"))
    assert load_heads(desk.part("heads.npz"), atlas, FRAMES).frames == FRAMES
    record = desk.record("mouths")
    assert record.report["ready"] is True and record.report["mouth_closed"] == 1 and record.notes == []
    assert desk.preview_path("mouths").exists()
    assert told == sorted(told) and told[-1] == 1


def test_a_loop_without_a_mouth_to_draw_from_still_becomes_an_avatar(desk, monkeypatch):
    def refuse(*_):
        raise AvatarRejected("no_still_mouth", "The face is too small.")

    monkeypatch.setattr(video_mouths, "build_moving_mouths", refuse)
    desk.part("atlas.npz").write_bytes(b"of a run that was killed")
    desk.run(VIDEO_MOUTHS)
    record = desk.record("mouths")
    assert record.report["ready"] is False and "too small" in record.notes[0]
    assert not desk.part("atlas.npz").exists() and not desk.part("heads.npz").exists()


def test_frames_unlike_the_reference_are_told(desk, made, monkeypatch):  # noqa: F811
    unlike = dataclasses.replace(made, likeness=np.where(np.arange(FRAMES) < 6, 0.3, 0.9))
    monkeypatch.setattr(video_mouths, "build_moving_mouths", lambda *_: unlike)
    desk.run(VIDEO_MOUTHS)
    assert "25%" in desk.record("mouths").notes[0]


@pytest.mark.parametrize(("share", "told"), [(0.08, False), (0.3, True)])
def test_a_mouth_that_talks_while_the_avatar_is_silent_is_told(desk, made, monkeypatch, share, told):  # noqa: F811
    talks = dataclasses.replace(made, report={**made.report, "own_speech": share})
    monkeypatch.setattr(video_mouths, "build_moving_mouths", lambda *_: talks)
    desk.run(VIDEO_MOUTHS)
    assert [note[:6] for note in desk.record("mouths").notes] == (["In 30%"] if told else [])


def test_only_loops_that_are_to_speak_have_the_stage():
    for loop_only in (False, True):
        order = AvatarOrder(avatar="anna", kind="video", loop_only=loop_only)
        names = [stage.name for stage in stages_of(order)]
        assert ("mouths" in names) is not loop_only
        assert loop_only or names.index("write") < names.index("mouths") < names.index("bundle")
