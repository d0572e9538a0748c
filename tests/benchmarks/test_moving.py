from itertools import pairwise

import numpy as np
import pytest

from benchmarks.moving import MOTIONS, carried, moving
from benchmarks.renders import busy, render

SIZE = {"width": 160, "height": 160}


@pytest.mark.parametrize("motion", MOTIONS)
def test_the_truth_moves_with_the_person(motion):
    moments = list(moving(render("theo"), busy("grass"), MOTIONS[motion], 4, **SIZE))

    for before, now in pairwise(moments):
        assert np.abs(carried(before.alpha, before, now) - now.alpha).mean() < 0.002
    if motion == "motionless":
        assert (moments[0].alpha == moments[3].alpha).all()
        assert 0 < np.abs(moments[0].picture.astype(int) - moments[3].picture).mean() < 8


def test_a_lively_person_is_not_where_it_was():
    first, *_, last = moving(render("mira"), busy("brick"), MOTIONS["lively"], 12, **SIZE)

    assert np.abs(first.alpha - last.alpha).mean() > 0.01
    assert np.abs(carried(first.alpha, first, last) - last.alpha).mean() < 0.004


def test_frames_are_the_person_before_the_background():
    (moment,) = moving(render("mira"), np.full((9, 9, 3), (0, 255, 0), np.uint8), MOTIONS["calm"], 1, **SIZE)

    behind = moment.picture[moment.alpha == 0].astype(int)
    assert np.abs(behind.mean(axis=0) - (0, 255, 0)).max() < 5
