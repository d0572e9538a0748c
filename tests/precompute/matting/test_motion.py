import cv2
import numpy as np

from precompute.matting.motion import SIDE, Flow, Glance, bring, enlarge
from tests.support import walkers
from tests.support.walkers import Walker

SCALE = SIDE / walkers.SIDE


def glances(walker: Walker) -> tuple[Glance, Glance]:
    return Glance.of(walker.frame(0)), Glance.of(walker.frame(1))


def matte(walker: Walker, n: int) -> np.ndarray:
    return cv2.resize(walker.truth(n).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def test_the_persons_motion_goes_on_beyond_the_outline():
    walker = Walker(2, x=lambda n: 6.0 * n, noise=0)
    here, there = glances(walker)
    flow = Flow()

    path = flow.person_between(here, there, matte(walker, 1))

    rim = (matte(walker, 0) > 0.02) & (matte(walker, 0) < 0.98)
    error = np.abs(path[rim] - (6.0 * SCALE, 0)).mean()
    # Plain flow takes much of the rim for the wall, which stands still.
    plain = np.abs(flow.between(here, there)[rim] - (6.0 * SCALE, 0)).mean()
    assert error < 0.3 and error < 0.5 * plain


def test_what_is_brought_fits_where_the_person_is():
    walker = Walker(2, x=lambda n: 6.0 * n, noise=0)
    here, there = glances(walker)
    flow = Flow()
    path = flow.person_between(here, there, matte(walker, 1))

    difference = flow.difference(here, there, path)

    assert difference[matte(walker, 0) > 0.99].mean() < 5
    assert np.abs(bring(matte(walker, 1), path) - matte(walker, 0)).mean() < 0.004


def test_without_a_person_motion_is_that_of_the_picture():
    walker = Walker(2, x=lambda n: 6.0 * n, noise=0)
    here, there = glances(walker)
    flow = Flow()

    path = flow.person_between(here, there, np.zeros((SIDE, SIDE), np.float32))

    assert (path == flow.between(here, there)).all()


def test_a_field_for_a_larger_picture_goes_farther():
    field = np.full((SIDE, SIDE, 2), (3.0, -1.0), np.float32)

    large = enlarge(field, 2 * SIDE)

    assert large.shape == (2 * SIDE, 2 * SIDE, 2)
    assert np.allclose(large, (6.0, -2.0))
