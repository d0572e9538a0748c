import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.face.finishing import CLOSE_LIMIT, FORCED_BITE, OPEN_LIMIT, WIDTH_LIMIT, Finishing, Target

APERTURES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def target(aperture=0.0, width=0.0, press=0.0, bite=0.0, tongue=0.0, ahead=None):
    return Target(aperture, width, press, bite, tongue, ahead=ahead)


def finish(targets):
    finishing, patches = Finishing(), []
    finishing.hear(np.zeros(960 * len(targets), np.float32))
    for each in targets:
        finishing.add(each)
        patches += finishing.take()
    finishing.end()
    return patches + finishing.rest()


def test_closing_begins_early_enough_to_arrive():
    wide = [0.3, 0.6, 0.9, 0.9, 0.9, 0.0, 0.0]
    apertures = [patch.aperture for patch in finish([target(a) for a in wide])]
    assert apertures == pytest.approx([0.3, 0.6, 0.9, 0.8, 0.4, 0.0, 0.0])


def test_a_frame_waits_only_while_it_is_wide_open():
    finishing = Finishing()
    shown = []
    for aperture in (0.3, 0.6, 0.9, 0.9, 0.2):
        finishing.add(target(aperture))
        shown.append(len(finishing.take()))
    assert shown == [1, 0, 1, 0, 1]


def test_foreseen_closings_begin_early_without_waiting():
    finishing = Finishing()
    apertures = []
    for aperture, ahead in ((0.3, [0.6, 0.9]), (0.6, [0.9, 0.0]), (0.9, [0.0, 0.0]), (0.0, [0.0])):
        finishing.add(target(aperture, ahead=ahead))
        apertures += [patch.aperture for patch in finishing.take()]
    assert apertures == pytest.approx([0.3, 0.6, 0.4, 0.0])


def test_closings_that_nobody_foresaw_keep_the_speed_limit():
    targets = [target(a, ahead=()) for a in (0.36, 0.72, 0.9, 0.0, 0.0, 0.0)]
    apertures = [patch.aperture for patch in finish(targets)]
    assert apertures == pytest.approx([0.36, 0.72, 0.9, 0.5, 0.1, 0.0])


def test_a_closure_that_came_too_suddenly_is_shown_late():
    targets = [target(0.3, ahead=()), target(0.6, ahead=()), target(0.6, ahead=()), target(0.6, ahead=())]
    targets[2].shut(press=True)
    patches = finish([*targets, target(0.6, ahead=())])
    assert [patch.aperture for patch in patches[1:4]] == pytest.approx([0.6, 0.2, 0.0])
    assert [patch.press for patch in patches[1:4]] == [0.0, 0.0, 1.0]
    assert patches[4].aperture > 0.3 and patches[4].press == 0.0


@given(APERTURES, st.booleans())
def test_every_frame_keeps_the_speed_limits_and_the_end_is_near_rest(apertures, foreseen):
    targets = [target(a, width=1 - 2 * a, ahead=apertures[i + 1 : i + 3]) for i, a in enumerate(apertures)]
    if not foreseen:
        for each in targets:
            each.ahead = None
    patches = finish(targets)
    assert len(patches) == len(apertures)
    values = [0.0, *(patch.aperture for patch in patches)]
    for before, after in itertools.pairwise(values):
        assert -CLOSE_LIMIT - 1e-6 <= after - before <= OPEN_LIMIT + 1e-6
    widths = [0.0, *(patch.width for patch in patches)]
    assert max(abs(b - a) for a, b in itertools.pairwise(widths)) <= WIDTH_LIMIT + 0.65


def test_pressed_and_bitten_pictures_need_a_mouth_that_is_nearly_shut():
    open_mouth, shut = finish([target(0.3, press=1.0, bite=0.5), target(0.0, press=1.0)])
    assert open_mouth.press == open_mouth.bite == 0.0 and shut.press == 1.0


def test_shutting():
    pressed, bitten = target(0.5, press=0.3, bite=0.2, tongue=0.4), target(0.5, press=0.1, bite=0.2)
    pressed.shut(press=True)
    bitten.shut(press=False)
    assert (pressed.aperture, pressed.press, pressed.bite, pressed.tongue) == (0.0, 1.0, 0.0, 0.0)
    assert (bitten.aperture, bitten.press, bitten.bite) == (0.0, 0.0, FORCED_BITE)


def test_who_speaks_up_opens_wider():
    rng = np.random.default_rng(0)
    soft, loud = (rng.standard_normal(960 * 50) * level for level in (0.02, 0.06))
    finishing, apertures = Finishing(), []
    finishing.hear(np.concatenate((soft, loud)).astype(np.float32))
    for _ in range(98):
        finishing.add(target(0.5, ahead=()))
        apertures += [patch.aperture for patch in finishing.take()]
    assert apertures[40] == pytest.approx(0.5, abs=0.01)
    assert 0.54 < max(apertures[50:60]) <= 0.5 * 1.15 + 1e-6


def test_brows_that_nobody_knows_follow_the_loudness():
    rng = np.random.default_rng(0)
    level = np.repeat([0.02] * 30 + [0.15] * 8 + [0.02] * 12, 960)
    finishing, brows = Finishing(), []
    finishing.hear((rng.standard_normal(len(level)) * level).astype(np.float32))
    for i in range(49):
        finishing.add(Target(0.3, 0, 0, 0, 0, brow=0.25 if i < 5 else None, ahead=()))
        brows += [patch.brow for patch in finishing.take()]
    assert set(brows[:5]) == {0.25} and set(brows[5:29]) == {0.0} and max(brows[30:45]) > 0.1
