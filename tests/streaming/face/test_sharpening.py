import pytest

from streaming.face.sharpening import (
    APERTURE_GAIN,
    LIKELY_PRESS,
    SPEAKING,
    SURE_PRESS,
    UNSURE,
    VOICED,
    Moment,
    Sharpening,
)

OPEN = Moment(0.5, 0.5, 0.0, 0.0, 0.0, 1.0)


def frames(moments, foreseen=2):
    """Targets of frames whose own moments are the odd ones of ``moments``."""
    sharpening, out = Sharpening(), []
    for at in range(1, len(moments) - 1, 2):
        ahead = [moments[i : i + 3] for i in range(at + 1, at + 1 + 2 * foreseen, 2)]
        out.append(sharpening.target(moments[at - 1 : at + 2], [group for group in ahead if group]))
    return out


def pressing(*press):
    """Open moments with these amounts of press, in least peaks that are shut."""
    return [OPEN._replace(press=min(1.0, LIKELY_PRESS * p)) for p in press]


def shut(targets):
    return [i for i, target in enumerate(targets) if target.closure]


def test_a_peak_shuts_the_frame_that_is_nearest_to_it():
    assert shut(frames(pressing(0, 0, 0.5, 1.5, 0.5, 0, 0))) == [1]
    assert shut(frames(pressing(0, 0, 1.2, 1.5, 0.5, 0, 0))) == [1]
    assert shut(frames(pressing(0, 1, 1.5, 0.5, 0, 0, 0))) == [0]
    assert shut(frames(pressing(0, 0, 0.4, 0.9, 0.4, 0, 0))) == []


def test_a_soft_plateau_is_one_closure_and_a_sure_one_lasts():
    assert shut(frames(pressing(*[1.5] * 9, 0, 0, 0, 0))) == [0, 1, 2, 3]
    assert shut(frames(pressing(0, 1.5, 0, 0, 1.5, 1.5, 0))) == [0, 2]
    sure = 1.05 * SURE_PRESS / LIKELY_PRESS
    assert shut(frames(pressing(0, 0, 0, *[sure] * 5, 0, 0, 0))) == [1, 2, 3]


def test_bites_shut_too_and_press_wins():
    bitten = frames([OPEN, OPEN._replace(bite=0.8), OPEN])[0]
    assert bitten.closure and bitten.bite > 0.9 and bitten.press == 0.0
    both = frames([OPEN, OPEN._replace(bite=0.9, press=0.6), OPEN])[0]
    assert both.press == 1.0 and both.bite == 0.0


def test_closures_and_openings_are_foreseen():
    moments = pressing(0, 0, 0, 0, 0, 3, 0.5)
    first = frames(moments)[0]
    assert first.ahead is not None and first.ahead[0] > 0.3 and first.ahead[1] == 0.0


MIDDLE = sum(VOICED) / 2


@pytest.mark.parametrize(
    ("voice", "low", "high"), [(VOICED[0], 0.0, 0.0), (MIDDLE, 0.1, 0.6), (0.9, 0.5, 1.0)]
)
def test_voice_opens(voice, low, high):
    moment = Moment(0.5, 0.9, 0.0, 0.0, 0.5, voice)
    target = frames([moment] * 3)[0]
    assert low <= target.aperture <= high and low <= target.width <= high and low <= target.tongue <= high


def test_what_is_unsure_and_small_is_not_shown():
    def aperture(voice):
        return frames([Moment(UNSURE, 0.5, 0.0, 0.0, 0.0, voice)] * 3)[0].aperture

    assert aperture(SPEAKING[0]) == 0.0 and aperture(SPEAKING[1]) >= UNSURE


def test_nothing_closes_where_nobody_speaks():
    assert not frames([Moment(0.0, 0.5, 0.9, 0.9, 0.0, VOICED[0])] * 3)[0].closure


def test_the_mouth_is_ahead_of_what_the_network_tells():
    rising, falling = (
        [OPEN._replace(aperture=0.1 * i) for i in row] for row in (range(1, 8), range(7, 0, -1))
    )
    told = [moment.aperture * APERTURE_GAIN for moment in rising[1:-1:2]]
    assert all(target.aperture > own + 0.02 for target, own in zip(frames(rising), told, strict=True))
    assert all(
        target.aperture < moment.aperture * APERTURE_GAIN - 0.02
        for target, moment in zip(frames(falling), falling[1:-1:2], strict=True)
    )
