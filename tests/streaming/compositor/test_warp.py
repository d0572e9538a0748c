import numpy as np
import pytest

from streaming.compositor.planes import packed_size, unpack
from streaming.compositor.warp import Part, Warp, motion_nodes

WIDTH, HEIGHT = 150, 86


def _planes(fill=0):
    return unpack(np.full(packed_size(WIDTH, HEIGHT), fill, np.uint8), WIDTH, HEIGHT)


def _noise():
    data = np.random.default_rng(3).integers(0, 256, packed_size(WIDTH, HEIGHT)).astype(np.uint8)
    return unpack(data, WIDTH, HEIGHT)


def _warp(field):
    motion = np.stack([field, field[..., ::-1]]).astype(np.float32)
    return Warp(motion_nodes(motion, WIDTH, HEIGHT), WIDTH, HEIGHT)


def _shift_x():
    field = np.zeros((9, 9, 2))
    field[..., 0] = 1
    return field


def test_without_motion_nothing_changes():
    source, target = _noise(), _planes()
    _warp(_shift_x()).draw(source, np.zeros(2, np.float32), target)
    for name in "yuv":
        np.testing.assert_array_equal(getattr(target, name), getattr(source, name))


@pytest.mark.parametrize(("coefficients", "move"), [((4, 0), (4, 0)), ((0, -6), (0, -6)), ((2, 8), (2, 8))])
def test_luma_and_chroma_move_together(coefficients, move):
    source, target = _noise(), _planes()
    _warp(_shift_x()).draw(source, np.array(coefficients, np.float32), target)
    for name, scale in (("y", 1), ("u", 2), ("v", 2)):
        dx, dy = move[0] // scale, move[1] // scale
        was, now = getattr(source, name), getattr(target, name)
        h, w = was.shape
        inside = np.s_[max(dy, 0) : h + min(dy, 0), max(dx, 0) : w + min(dx, 0)]
        origin = np.s_[max(-dy, 0) : h + min(-dy, 0), max(-dx, 0) : w + min(-dx, 0)]
        np.testing.assert_array_equal(now[inside], was[origin])


def test_half_a_pixel_is_the_mean_of_two():
    source, target = _planes(), _planes()
    source.y[:, 40:] = 200
    _warp(_shift_x()).draw(source, np.array([0.5, 0], np.float32), target)
    assert (target.y[:, 39] == 0).all() and (target.y[:, 41] == 200).all()
    assert np.abs(target.y[:, 40].astype(int) - 100).max() <= 1


def test_nodes_follow_a_linear_field_and_stay_zero_on_the_rim():
    x = np.linspace(0, WIDTH - 1, 9)
    field = np.zeros((1, 9, 9, 2))
    field[0, ..., 0] = x[None, :]
    nodes = motion_nodes(field.astype(np.float32), WIDTH, HEIGHT)[0, ..., 0]
    expected = (np.arange(nodes.shape[1]) - 0.5) * 16 - 0.5
    np.testing.assert_allclose(nodes, np.broadcast_to(expected, nodes.shape), atol=1e-3)


def test_the_rim_stays_in_place():
    bump = np.zeros((9, 9, 2))
    bump[..., 0] = np.minimum(np.arange(9), np.arange(9)[::-1])[None, :]
    source, target = _noise(), _planes()
    _warp(bump).draw(source, np.array([3, 0], np.float32), target)
    np.testing.assert_allclose(target.y[:, 0].astype(int), source.y[:, 0].astype(int), atol=2)
    assert np.abs(target.y[:, 75].astype(int) - source.y[:, 75]).mean() > 20


def test_a_part_is_drawn_as_it_is_in_the_whole_and_what_is_around_stays():
    source, whole, part = _noise(), _planes(), _planes(7)
    windows = ((20, 4, 60, 40), (90, 60, 42, 20))
    for limit, written in ((5, windows), (2, ((0, 0, WIDTH, HEIGHT),))):
        warp, coefficients = _warp(_shift_x()), np.array([3, -1], np.float32)
        warp.draw(source, coefficients, whole)
        warp.draw(source, coefficients, part, Part(windows, limit))
        wanted = _planes(7)
        for window in written:
            wanted.window(*window).put(whole.window(*window))
        for name in "yuv":
            np.testing.assert_array_equal(getattr(part, name), getattr(wanted, name))
