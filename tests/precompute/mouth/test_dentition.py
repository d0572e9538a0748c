import numpy as np
import pytest

from precompute.mouth.dentition import CENTRE, WIDTH, lower_row, upper_row


@pytest.mark.parametrize("row", [upper_row(), lower_row()], ids=["upper", "lower"])
def test_teeth_are_told_apart_and_fade_to_the_sides(row):
    assert row.picture.shape[1:] == (WIDTH, 4)
    body = slice(int(row.edge) - 30, int(row.edge) - 15)
    if row.edge < 30:
        body = slice(int(row.edge) + 15, int(row.edge) + 30)
    light = row.picture[body, :, :3].mean(axis=(0, 2))
    cover = row.picture[body, :, 3].mean(axis=0)
    shown = np.flatnonzero(cover > 0.9)
    assert shown[0] < 60 and shown[-1] > WIDTH - 60
    inner = light[shown[0] : shown[-1] + 1]
    valleys = (inner[1:-1] < inner[:-2]) & (inner[1:-1] < inner[2:])
    assert 5 <= np.count_nonzero(valleys) <= 13
    middle = light[int(CENTRE) - 40 : int(CENTRE) + 40].max()
    assert inner[:15].max() < 0.75 * middle and inner[-15:].max() < 0.75 * middle


def test_the_edge_is_where_it_is_said_to_be():
    for row, beyond in ((upper_row(), 1), (lower_row(), -1)):
        column = row.picture[:, int(CENTRE) + 12, 3]
        edge = int(row.edge)
        assert column[edge + 5 * beyond] < 0.05 and column[edge - 5 * beyond] > 0.95


def test_left_and_right_are_not_the_same():
    picture = upper_row().picture
    assert np.abs(picture - picture[:, ::-1]).mean() > 0.002
