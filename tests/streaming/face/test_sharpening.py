import pytest

from streaming.face.sharpening import Moment, Sharpening

OPEN = Moment(0.5, 0.5, 0.0, 0.0, 0.0, 1.0)


def frames(moments, foreseen=2):
    """Targets of frames whose own moments are the odd ones of ``moments``."""
    sharpening, out = Sharpening(), []
    for at in range(1, len(moments) - 1, 2):
        ahead = [moments[i : i + 3] for i in range(at + 1, at + 1 + 2 * foreseen, 2)]
        out.append(sharpening.target(moments[at - 1 : at + 2], [group for group in ahead if group]))
    return out


def pressing(*press):
    return [OPEN._replace(press=p) for p in press]


def shut(targets):
    return [i for i, target in enumerate(targets) if target.closure]


def test_a_peak_shuts_the_frame_that_is_nearest_to_it():
    assert shut(frames(pressing(0, 0, 0.1, 0.3, 0.1, 0, 0))) == [1]
    assert shut(frames(pressing(0, 0, 0.25, 0.3, 0.1, 0, 0))) == [1]
    assert shut(frames(pressing(0, 0.2, 0.3, 0.1, 0, 0, 0))) == [0]
    assert shut(frames(pressing(0, 0, 0.05, 0.1, 0.05, 0, 0))) == []


def test_a_soft_plateau_is_one_closure_and_a_sure_one_lasts():
    assert shut(frames(pressing(*[0.3] * 9, 0, 0, 0, 0))) == [0, 1, 2, 3]
    assert shut(frames(pressing(0, 0.3, 0, 0, 0.3, 0.3, 0))) == [0, 2]
    assert shut(frames(pressing(0, 0, 0, 0.9, 0.9, 0.9, 0.9, 0.9, 0, 0, 0))) == [1, 2, 3]


def test_bites_shut_too_and_press_wins():
    bitten = frames([OPEN, OPEN._replace(bite=0.8), OPEN])[0]
    assert bitten.closure and bitten.bite > 0.9 and bitten.press == 0.0
    both = frames([OPEN, OPEN._replace(bite=0.9, press=0.6), OPEN])[0]
    assert both.press == 1.0 and both.bite == 0.0


def test_closures_and_openings_are_foreseen():
    moments = pressing(0, 0, 0, 0, 0, 0.9, 0.1)
    first = frames(moments)[0]
    assert first.ahead is not None and first.ahead[0] > 0.3 and first.ahead[1] == 0.0


@pytest.mark.parametrize(("voice", "low", "high"), [(0.0, 0.0, 0.0), (0.1, 0.0, 0.05), (0.9, 0.3, 1.0)])
def test_voice_opens(voice, low, high):
    moment = Moment(0.5, 0.9, 0.0, 0.0, 0.5, voice)
    target = frames([moment] * 3)[0]
    assert low <= target.aperture <= high and low <= target.width <= high and low <= target.tongue <= high


def test_what_is_unsure_and_small_is_not_shown():
    small = [Moment(0.06, 0.5, 0.3, 0.3, 0.0, voice) for voice in (0.2, 0.9)]
    noise, speech = (frames([moment] * 3)[0] for moment in small)
    assert noise.aperture == 0.0 and speech.closure
    assert frames([Moment(0.06, 0.5, 0.0, 0.0, 0.0, 0.9)] * 3)[0].aperture > 0.05
    assert not frames([Moment(0.0, 0.5, 0.9, 0.9, 0.0, 0.05)] * 3)[0].closure
