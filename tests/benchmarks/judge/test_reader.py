import numpy as np
import pytest

from avatars.store import AvatarStore
from benchmarks.judge.film import IDLE_FRAMES, pictures, shoot
from benchmarks.judge.reader import MouthReader
from benchmarks.judge.scores import Rest, closed_frames, moved_frames
from precompute.landmarks import FaceFinder
from streaming.slots import MouthShape
from streaming.timing import SLOT_SAMPLES

HOLD = 6
POSES = (
    MouthShape(press=1.0),
    MouthShape(0.2),
    MouthShape(0.5),
    MouthShape(1.0),
    MouthShape(0.2, -1.0),
    MouthShape(0.2, 1.0),
)


@pytest.fixture(scope="module", params=["mira", "theo"])
def seen(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    patches = [None] * IDLE_FRAMES + [pose for pose in POSES for _ in range(HOLD)]
    script = [(patch, np.zeros(SLOT_SAMPLES, np.float32)) for patch in patches]
    shoot(AvatarStore(path.parent), request.param, script, path)
    return MouthReader(FaceFinder()).read(pictures(path))


def held(values):
    return [
        float(np.median(values[IDLE_FRAMES + HOLD * i + 4 : IDLE_FRAMES + HOLD * (i + 1)])) for i in range(6)
    ]


def test_wider_mouths_are_seen_wider_open(seen):
    for values in (seen.opening, seen.between):
        pressed, little, half, full, *_ = held(values)
        assert pressed + 0.01 < little < half < full


def test_only_pressed_lips_and_resting_ones_look_closed(seen):
    quiet = np.zeros(len(seen.between), bool)
    quiet[:IDLE_FRAMES] = True
    closed = closed_frames(seen, Rest.of(seen, quiet))
    assert closed[:IDLE_FRAMES].all()
    assert held(closed) == [1, 0, 0, 0, 0, 0]


def test_an_idle_mouth_does_not_move_and_a_parted_one_does(seen):
    quiet = np.zeros(len(seen.between), bool)
    quiet[:IDLE_FRAMES] = True
    moved = moved_frames(seen, Rest.of(seen, quiet))
    assert moved[:IDLE_FRAMES].mean() <= 0.02
    assert held(moved)[1:] == [1, 1, 1, 1, 1]


def test_round_and_spread_mouths_differ_in_width(seen):
    *_, little, _, _, round_, spread = held(seen.width)
    assert round_ + 0.03 < little < spread - 0.01


def test_every_frame_is_measured(seen):
    n = IDLE_FRAMES + HOLD * len(POSES)
    for values in (seen.between, seen.outer, seen.width, seen.places, seen.flicker, seen.sharpness):
        assert len(values) == n and np.isfinite(values).all()
