import numpy as np
import pytest

from precompute.mouth.geometry import KNOTS, MIDDLE, Contours
from precompute.mouth.shapes import MouthShape, lip_edges


@pytest.fixture
def rest() -> Contours:
    x, arch = KNOTS * 0.29, 1 - KNOTS**2
    edge = lambda height: np.column_stack([x, height * arch])  # noqa: E731
    return Contours(edge(-0.07), edge(0.09), edge(0.0), edge(0.0))


def test_rest_is_rest(rest):
    edges = lip_edges(rest, MouthShape())
    assert all((a == b).all() for a, b in zip(edges.all(), rest.all(), strict=True))


@pytest.mark.parametrize("width", [-1, -0.5, 0, 0.5, 1])
def test_gap_grows_with_aperture_and_never_crosses(rest, width):
    last = np.zeros(len(KNOTS))
    for aperture in np.linspace(0, 1, 15):
        gap = lip_edges(rest, MouthShape(aperture, width)).gap
        assert (gap >= -1e-9).all() and gap[MIDDLE] >= last[MIDDLE]
        last = gap
    assert last[MIDDLE] > 0.12


def test_corners_move_with_width(rest):
    def mouth_width(w):
        edges = lip_edges(rest, MouthShape(0.3, w))
        return edges.outer_upper[-1, 0] - edges.outer_upper[0, 0]

    assert mouth_width(-1) < 0.75 * mouth_width(0) < 0.75 * mouth_width(1)


def test_oo_is_a_small_o_not_a_slit(rest):
    edges = lip_edges(rest, MouthShape(0.3, -1))
    free = edges.gap > 0.2 * edges.gap.max()
    opening_width = np.ptp(edges.inner_upper[free, 0])
    lips = edges.outer_lower[MIDDLE, 1] - edges.outer_upper[MIDDLE, 1] - edges.gap[MIDDLE]
    assert opening_width < 4 * edges.gap.max()
    assert lips > rest.outer_lower[MIDDLE, 1] - rest.outer_upper[MIDDLE, 1]  # fuller than at rest


def test_press_keeps_the_seam_shut_and_thins_the_lips(rest):
    edges = lip_edges(rest, MouthShape(press=1))
    assert np.abs(edges.gap).max() < 1e-9
    assert edges.outer_lower[MIDDLE, 1] - edges.outer_upper[MIDDLE, 1] < 0.8 * 0.16


def test_bite_lifts_only_the_upper_lip(rest):
    edges = lip_edges(rest, MouthShape(bite=1))
    assert edges.inner_upper[MIDDLE, 1] < -0.02
    assert abs(edges.inner_lower[MIDDLE, 1]) < 0.004
    assert edges.outer_lower[MIDDLE, 1] < rest.outer_lower[MIDDLE, 1]


@pytest.mark.parametrize(("aperture", "width"), [(0.8, 0), (0.3, -1)])
def test_a_smile_yields_to_an_open_or_round_mouth(rest, aperture, width):
    smile = rest.copy()
    for edge in smile.all():
        edge[:, 1] -= 0.05 * KNOTS**2
    shape = MouthShape(aperture, width)
    plain, smiling = lip_edges(rest, shape).inner_upper, lip_edges(smile, shape).inner_upper
    assert abs(smiling[0, 1] - plain[0, 1]) < 0.3 * 0.05
    assert lip_edges(smile, MouthShape(0.02)).inner_upper[0, 1] < -0.04


def test_the_upper_lip_arches_over_a_wide_open_mouth(rest):
    edge = lip_edges(rest, MouthShape(1.0)).inner_upper
    assert edge[MIDDLE, 1] < -0.03
