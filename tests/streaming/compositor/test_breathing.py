import numpy as np

from streaming.compositor.breathing import DEPTH, SpeechBreath
from streaming.compositor.phrasing import Moment
from streaming.timing import FPS

WORDS = Moment(speaking=True, voiced=True)


def pause(slots):
    return [Moment(speaking=True, quiet=k + 1) for k in range(slots)]


def follow(moments, idle=0.5):
    breath = SpeechBreath()
    path = []
    for moment in moments:
        breath.follow(1, moment, idle)
        path.append(breath.lift)
    return np.array(path)


def test_air_is_drawn_as_a_turn_opens_from_where_idle_life_was():
    lift = follow([WORDS] * 40)
    assert abs(lift[0] - 0.5) < 0.4
    assert lift[10] > 0.75 * DEPTH > lift[1] and lift.argmax() < 20


def test_words_use_it_up():
    lift = follow([WORDS] * 10 * FPS)
    assert (np.diff(lift[20:]) <= 1e-9).all()
    assert lift[2 * FPS] > 1.3 * lift[4 * FPS] and lift.min() > 0


def test_pauses_bring_new_air_if_they_are_long_enough():
    before = [WORDS] * 60
    short, long = follow([*before, *pause(4), *[WORDS] * 9]), follow([*before, *pause(10), *[WORDS] * 9])
    assert short[60:].max() <= short[60]
    assert long[60:].max() > long[60] + 0.5
    full = follow([*[WORDS] * 15, *pause(10)])
    assert (np.diff(full[16:]) <= 1e-9).all()


def test_the_chest_never_jumps():
    lift = follow([*[WORDS] * 60, *pause(10), *[WORDS] * 60, *[Moment()] * 60], idle=1.5)
    assert np.abs(np.diff(lift)).max() < 0.5
    assert (lift > 0).all() and lift.max() <= DEPTH
