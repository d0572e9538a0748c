import numpy as np
import pytest

from precompute.mouth.geometry import KNOTS, Contours
from precompute.mouth.relief import Cheeks, Relief
from precompute.mouth.shapes import MouthShape, lip_edges

SKIN, LIP = np.array([0.55, 0.62, 0.78]), np.array([0.45, 0.45, 0.72])


@pytest.fixture
def rest() -> Contours:
    x, arch = KNOTS * 0.29, 1 - KNOTS**2
    edge = lambda height: np.column_stack([x, height * arch])  # noqa: E731
    return Contours(edge(-0.07), edge(0.09), edge(0.0), edge(0.0))


@pytest.fixture
def places():
    x, y = np.meshgrid(np.linspace(-0.6, 0.6, 241), np.linspace(-0.3, 0.6, 181))
    return x.astype(np.float32), y.astype(np.float32)


@pytest.fixture
def change(rest, places):
    """How much brighter a plain face becomes at a place, for a shape."""
    relief = Relief(places[0], places[1], Cheeks(np.array([0.18, -0.25]), 0.5, 0.0), LIP)
    skin = np.broadcast_to(SKIN, (*places[0].shape, 3)).astype(np.float32)

    def of(shape):
        edges = lip_edges(rest, shape)
        lit = relief.light(skin, shape, edges)

        def at(x, y, channel=None):
            off = np.hypot(places[0] - x, places[1] - y)
            pixel = np.unravel_index(off.argmin(), off.shape)
            ratio = lit[pixel] / SKIN
            return float(ratio.mean() if channel is None else ratio[channel])

        return at, edges

    return of


def test_a_mouth_at_rest_keeps_its_light(change, places):
    at, _ = change(MouthShape())
    assert at(0, 0) == at(0.3, 0.2) == pytest.approx(1)


def test_round_lips_catch_light_and_throw_shade(change):
    at, edges = change(MouthShape(0.2, -1.0))
    inner, outer = edges.inner_lower[14, 1], edges.outer_lower[14, 1]
    assert at(0, inner + 0.4 * (outer - inner), channel=2) > 1.05
    assert at(0, outer + 0.02) < 0.88
    assert at(edges.inner_upper[-1, 0] + 0.02, edges.inner_upper[-1, 1]) < 0.97
    assert abs(at(0.5, -0.2) - 1) < 0.01


def test_lips_that_turn_out_show_more_red(change):
    at, edges = change(MouthShape(0.2, -1.0))
    y = (edges.inner_lower[14, 1] + edges.outer_lower[14, 1]) / 2
    assert at(0.08, y, channel=2) > 1.1 * at(0.08, y, channel=1)


def test_cheeks_beside_a_wide_mouth_turn_hollow(change):
    at, edges = change(MouthShape(1.0))
    assert at(edges.inner_upper[-1, 0] + 0.16, 0.1) < 0.96
    assert abs(at(0, -0.25) - 1) < 0.01


def test_pressed_lips_leave_less_shade_between_them_and_dimples_at_their_ends(change):
    at, edges = change(MouthShape(press=1.0))
    assert at(0, edges.inner_upper[14, 1]) > 1.05
    assert at(edges.inner_upper[-1, 0], edges.inner_upper[-1, 1]) < 0.95
