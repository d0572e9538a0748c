import cv2
import numpy as np
import pytest

from avatars.store import AvatarStore
from precompute.order import AvatarOrder
from precompute.stages.base import PREVIEW_SIDE, Desk, Stage, Watcher


@pytest.fixture
def order():
    return AvatarOrder(avatar="anna", kind="photo")


@pytest.fixture
def make(tmp_path, order):
    (tmp_path / "desk").mkdir()

    def desk(**others) -> Desk:
        return Desk(tmp_path / "desk", order, AvatarStore(tmp_path / "own"), **others)

    return desk


class Seen(Watcher):
    def __init__(self):
        self.calls = []

    def progress(self, stage, done):
        self.calls.append((stage, done))

    def preview(self, stage, path):
        self.calls.append((stage, path.name))

    def note(self, stage, text):
        self.calls.append((stage, text))


def test_what_a_stage_says_is_known_in_another_process(make):
    def work(desk):
        desk.progress(0.5)
        desk.note("All is well.")
        desk.note("All is well.")
        desk.report({"a": 1})
        desk.report({"b": [2.5]})
        desk.detail(frames=75)
        desk.used("a tool")

    seen = Seen()
    make(watcher=seen).run(Stage("work", "Working", 1, work))
    assert seen.calls == [("work", 0.0), ("work", 0.5), ("work", "All is well."), ("work", 1.0)]
    later = make()
    assert later.finished("work") and not later.finished("other")
    record = later.record("work")
    assert (record.title, record.number) == ("Working", 0)
    assert record.report == {"a": 1, "b": [2.5]} and record.notes == ["All is well."]
    assert record.details == {"frames": 75} and record.tools == ["a tool"]


def test_a_stage_that_breaks_is_not_finished_and_says_all_anew(make):
    def half(desk):
        desk.note("Not to stay.")
        raise OSError("killed")

    with pytest.raises(OSError):
        make().run(Stage("work", "Working", 1, half))
    assert not make().finished("work")
    make().run(Stage("work", "Working", 1, lambda desk: desk.report({"a": 1})))
    assert make().record("work").notes == []


def test_stages_are_told_in_their_order(make):
    for name in ("zebra", "ant", "cow"):
        make().run(Stage(name, name.title(), 1, lambda desk: None))
    assert list(make().records()) == ["zebra", "ant", "cow"]


def test_previews_are_small_and_the_last_one_counts(make):
    seen = Seen()
    desk = make(watcher=seen)

    def work(desk):
        desk.preview(np.zeros((100, 50, 3), np.uint8))
        desk.preview(np.full((1000, 2400, 3), 200, np.uint8))

    desk.run(Stage("work", "Working", 1, work))
    assert seen.calls.count(("work", "work.webp")) == 2
    picture = cv2.imread(str(desk.preview_path("work")))
    assert picture is not None and picture.shape == (400, PREVIEW_SIDE, 3) and picture.mean() > 190


def test_arrays_and_files_are_left_for_others_and_memory_is_only_a_shortcut(make):
    desk = make()
    desk.save_arrays("numbers", {"a": np.arange(5), "b": np.ones((2, 3), np.float32)})
    desk.save_bytes("words.json", b"{}")
    value = desk.keep("thing", np.zeros(3))
    assert desk.kept("thing", np.ndarray) is value and desk.kept("thing", str) is None
    later = make()
    assert later.load_arrays("numbers")["a"].tolist() == [0, 1, 2, 3, 4]
    assert later.load_bytes("words.json") == b"{}" and later.kept("thing", np.ndarray) is None
    desk.forget("thing", "unknown")
    assert desk.kept("thing", np.ndarray) is None
    assert not [path for path in desk.folder.iterdir() if path.name.startswith(".")]


def test_the_mark_is_one_for_a_desk_and_another_for_the_next(make, tmp_path, order):
    assert make().mark == make().mark and len(make().mark) == 32
    (tmp_path / "next").mkdir()
    assert Desk(tmp_path / "next", order, AvatarStore(tmp_path)).mark != make().mark


def test_the_source_may_lie_elsewhere(make, tmp_path):
    assert make().source == tmp_path / "desk" / "source" and make().backdrop is None
    (tmp_path / "desk" / "backdrop").write_bytes(b"a picture")
    assert make(path=tmp_path / "a.mp4").source == tmp_path / "a.mp4"
    assert make().backdrop == tmp_path / "desk" / "backdrop"
