import numpy as np
import pytest

from streaming.compositor.easing import REST_POSE, MouthPose
from streaming.compositor.loop_mouth import LoopMouth
from streaming.compositor.loop_mouth_assets import load_loop_mouths
from streaming.compositor.planes import pack, packed_size, unpack
from tests.support.atlas import HEIGHT, MOUTH, WIDTH, small_atlas
from tests.support.heads import COLUMNS, MIDDLE, ROWS, UNIT, small_heads
from tests.support.loops import gradient

WIDE = MouthPose(1.0, 0.0)


def _draw(heads, frame, pose, weight=1.0, picture=None):
    """The picture before and after, as planes of int."""
    packed = pack(gradient(frame) if picture is None else picture)
    source = unpack(packed, WIDTH, HEIGHT)
    target = unpack(packed.copy(), WIDTH, HEIGHT)
    LoopMouth(load_loop_mouths(small_atlas(), heads)).draw(frame, pose, weight, source, target)
    return [p.astype(int) for p in (source.y, source.u, source.v)], [
        p.astype(int) for p in (target.y, target.u, target.v)
    ]


def _atlas_luma(picture):
    return unpack(pack(picture), MOUTH[2], MOUTH[3]).y.astype(int)


@pytest.mark.parametrize("frame", [0, 4])
def test_lips_come_from_the_atlas_and_go_where_the_head_is(frame):
    heads = small_heads(step=2.0)
    _, (luma, _, _) = _draw(heads, frame, WIDE)
    x, y = MOUTH[0] + 2 * frame, MOUTH[1]
    wanted = _atlas_luma(small_atlas().mouths[2, 1])
    # Lips, too, have come down with what is around them.
    inside = np.s_[17:-8, 12:-12]
    found = luma[y : y + MOUTH[3], x : x + MOUTH[2]]
    assert np.abs(found[inside] - wanted[inside]).max() <= 1


def test_parts_of_pixels_count():
    grey = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    middles = []
    for step in (2.0, 2.25, 2.5, 3.0):
        (before, *_), (after, *_) = _draw(small_heads(step=step), 1, WIDE, picture=grey)
        middles.append(
            float((np.abs(after - before).sum(axis=0) / np.abs(after - before).sum()) @ np.arange(WIDTH))
        )
    assert np.diff(middles) == pytest.approx([0.25, 0.25, 0.5], abs=0.12)


def test_skin_is_the_frame_s_own_moved():
    heads = small_heads(lips=np.zeros((MOUTH[3], MOUTH[2]), np.uint8))
    (before, *_), (after, *_) = _draw(heads, 0, WIDE)
    x, y, w, h = MOUTH
    middle = np.s_[y + 14 : y + h - 14, x + 12 : x + w - 12]
    above = np.s_[y + 8 : y + h - 20, x + 12 : x + w - 12]
    assert np.abs(after[middle] - before[above]).max() <= 1
    outside = np.ones_like(before, bool)
    outside[y - 2 : y + h + 2, x - 2 : x + w + 2] = False
    np.testing.assert_array_equal(after[outside], before[outside])


def test_around_what_moves_nothing_does():
    """Half a pixel in the middle: nowhere may a steep picture change by more than that."""
    moves = np.zeros((3, 3, ROWS, COLUMNS, 2), np.float32)
    moves[2, :, ROWS // 2, COLUMNS // 2] = 0.5 / UNIT
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    steep = 60 + 4 * (np.abs(x % 32 - 16) + np.abs(y % 32 - 16))
    picture = np.repeat(steep[..., None], 3, axis=2).astype(np.uint8)
    bare = np.zeros((MOUTH[3], MOUTH[2]), np.uint8)
    for frame in range(12):
        heads = small_heads(step=1.3, moves=moves, lips=bare)
        (before, *_), (after, *_) = _draw(heads, frame, WIDE, picture=picture)
        assert 0 < np.abs(after - before).max() <= 0.5 * 2 * 4 + 1


def test_half_shown_is_half_way():
    (before, *_), (half, *_) = _draw(small_heads(), 0, WIDE, 0.5)
    whole = _draw(small_heads(), 0, WIDE)[1][0]
    core = np.s_[MOUTH[1] + 12 : MOUTH[1] + 20, MOUTH[0] + 14 : MOUTH[0] + 34]
    between = (before[core] + whole[core]) / 2
    assert np.abs(half[core] - between).max() <= 4
    np.testing.assert_array_equal(_draw(small_heads(), 0, WIDE, 0.0)[1][0], before)


def test_light_is_the_frame_s():
    light = small_heads().light.copy()
    light[:, 0] = (1.2, 0.1, 0)
    light[:, 1, 0] = 7
    plain, lit = _draw(small_heads(), 0, WIDE)[1], _draw(small_heads(light=light), 0, WIDE)[1]
    y, x = int(MIDDLE[1]), int(MIDDLE[0])
    assert lit[0][y, x] == pytest.approx(16 + 1.2 * (plain[0][y, x] - 16), abs=1)
    right = x + 10
    assert lit[0][y, right] == pytest.approx(16 + (1.2 + 0.1 * 10 / UNIT) * (plain[0][y, right] - 16), abs=1)
    assert lit[1][y // 2, x // 2] == pytest.approx(plain[1][y // 2, x // 2] + 7, abs=1)
    assert lit[2][y // 2, x // 2] == plain[2][y // 2, x // 2]


def test_an_own_mouth_that_is_open_is_shut_first():
    """The frame's mouth is as open as the wanted one: its skin is where it has to be."""
    bare = np.zeros((MOUTH[3], MOUTH[2]), np.uint8)
    opened = np.ones(12, np.float32)
    (before, *_), (after, *_) = _draw(small_heads(lips=bare, opened=opened), 0, WIDE)
    x, y, w, h = MOUTH
    inside = np.s_[y + 8 : y + h - 8, x + 10 : x + w - 10]
    assert np.abs(after[inside] - before[inside]).max() <= 1
    (before, *_), (after, *_) = _draw(small_heads(lips=bare, opened=opened), 0, REST_POSE)
    middle = np.s_[y + 14 : y + h - 14, x + 12 : x + w - 12]
    below = np.s_[y + 20 : y + h - 8, x + 12 : x + w - 12]
    assert np.abs(after[middle] - before[below]).max() <= 1


def test_a_turned_and_larger_head_shows_a_turned_and_larger_mouth():
    maps = small_heads().maps.copy()
    angle, scale = np.radians(20), 1.5
    maps[:, 0, 1:3] = np.array([np.cos(angle), np.sin(angle)]) / scale
    maps[:, 1, 1:3] = np.array([-np.sin(angle), np.cos(angle)]) / scale
    picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    (before, *_), (after, *_) = _draw(small_heads(maps=maps), 0, WIDE, picture=picture)
    changed = np.argwhere(np.abs(after - before) > 20)
    plain = np.argwhere(np.abs(_draw(small_heads(), 0, WIDE, picture=picture)[1][0] - before) > 20)
    assert len(changed) == pytest.approx(scale**2 * len(plain), rel=0.15)
    slope = np.linalg.svd((changed - changed.mean(axis=0)).astype(float))[2][0]
    assert np.degrees(np.arctan(slope[0] / slope[1])) == pytest.approx(20, abs=4)


@pytest.mark.parametrize("place", [(-60.0, 40.0), (0.0, 0.0), (127.0, 95.0), (250.0, 180.0)])
def test_a_mouth_at_the_edge_or_beyond_draws_what_fits(place):
    centres = small_heads().centres.copy()
    centres[1:] = place
    before, after = _draw(small_heads(centres=centres), 5, WIDE)
    assert all(np.isfinite(plane).all() for plane in after)
    if place[0] < 0 or place[0] > WIDTH:
        np.testing.assert_array_equal(after[0], before[0])


def test_the_strangest_heads_that_pass_the_checks_can_be_drawn():
    rng = np.random.default_rng(5)
    maps = rng.uniform(-4, 4, (12, 2, 6)).astype(np.float32)
    maps[:, :, 1:3] = rng.uniform(0.3, 2, (12, 1, 1)) * np.eye(2)
    heads = small_heads(
        maps=maps,
        light=rng.uniform(-4, 4, (12, 3, 3)).astype(np.float32),
        moves=rng.uniform(-1, 1, (3, 3, ROWS, COLUMNS, 2)).astype(np.float32),
        opened=rng.uniform(0, 1, 12).astype(np.float32),
    )
    mouth = LoopMouth(load_loop_mouths(small_atlas(), heads))
    picture = unpack(pack(gradient(0)), WIDTH, HEIGHT)
    for frame in range(12):
        target = unpack(np.zeros(packed_size(WIDTH, HEIGHT), np.uint8), WIDTH, HEIGHT)
        mouth.draw(frame, MouthPose(0.7, -0.4), 1.0, picture, target)
