import numpy as np

from precompute.matting.moving import KEY_FRAMES, SteadyMattes
from precompute.repair.mend import untouched_line
from precompute.repair.over_time import ClothingMender
from tests.support.walkers import Teller, Walker

BITE = np.s_[158:182, 60:84]


def bitten(n: int, alpha: np.ndarray) -> np.ndarray:
    """Every second key frame lacks a piece of the clothing."""
    if n // KEY_FRAMES % 2:
        alpha[BITE] = 0
    return alpha


def run(errs) -> tuple[list[np.ndarray], ClothingMender]:
    walker = Walker(40, x=lambda n: 2 * np.sin(n / 8))
    mender = ClothingMender()
    steady = SteadyMattes(Teller(walker, errs), mender)
    return [alpha for _, alpha in steady.of(walker.frames(), walker.landmarks())], mender


def test_bites_in_some_frames_are_taken_back():
    found, mender = run(bitten)

    assert min(float(alpha[BITE].min()) for alpha in found) > 0.95
    report = mender.report()
    assert report.frames == len(mender.before) == len(mender.after)
    assert 0.3 < report.bitten < 0.7 and report.worst > 0.01
    assert report.bitten_after == 0 and report.worst_after < 0.01
    assert report.line().startswith("Clothing repaired: in")
    assert "now in 0%" in report.line()


def test_whole_clothing_is_left_as_it_is():
    _, mender = run(lambda n, alpha: alpha)

    report = mender.report()
    assert report.bitten == 0
    assert report.line() == untouched_line(report.worst)


def test_nothing_looked_at_is_nothing_missing():
    assert ClothingMender().report().missing == 0
