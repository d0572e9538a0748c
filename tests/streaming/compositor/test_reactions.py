import numpy as np

from streaming.compositor.phrasing import Moment
from streaming.compositor.reactions import AWAY, BLINKS_AT_LAST, THINKS, WANDERS, EyeReactions

SPEAKING = Moment(speaking=True, voiced=True)


def follow(moments, first, blinks=lambda first, stop: False):
    eyes = EyeReactions(3, blinks)
    seen = []
    for index, moment in enumerate(moments, first):
        eyes.follow(index, moment)
        seen.append((eyes.glance, eyes.attentive, eyes.closure))
    return seen


def share(moments, wanted):
    return np.mean([any(wanted(each) for each in follow(moments, first)) for first in range(0, 40000, 100)])


def test_speakers_often_look_away_as_a_turn_opens_and_seldom_later():
    opening = [SPEAKING._replace(began=True, opening=True), *[SPEAKING] * 40]
    later = [SPEAKING._replace(began=True), *[SPEAKING] * 40]
    assert abs(share(opening, lambda each: each[0] is not None) - THINKS) < 0.08
    assert abs(share(later, lambda each: each[0] is not None) - WANDERS) < 0.08
    lengths = [sum(each[0] is not None for each in follow(opening, first)) for first in range(0, 9000, 100)]
    assert max(lengths) <= AWAY[1] + 1 and min(n for n in lengths if n) >= AWAY[0] - 1


def test_eyes_come_back_as_a_phrase_ends():
    moments = [SPEAKING._replace(began=True, opening=True), *[SPEAKING] * 5, SPEAKING._replace(ended=True)]
    for first in range(0, 3000, 100):
        seen = follow([*moments, *[SPEAKING] * 60], first)
        assert all(glance is None and attentive for glance, attentive, _ in seen[6:40])
        assert not seen[-1][1]


def test_many_turns_end_with_a_blink_but_never_with_two():
    last = [SPEAKING] * 5 + [Moment(ended=True, finished=True)] + [Moment()] * 40
    assert abs(share(last, lambda each: each[2] > 0.3) - BLINKS_AT_LAST) < 0.08
    assert share([SPEAKING] * 40, lambda each: each[2] > 0) == 0
    assert not any(each[2] for first in range(0, 5000, 100) for each in follow(last, first, lambda *_: True))
    twice = [
        SPEAKING._replace(ended=True),
        *[SPEAKING] * 9,
        Moment(ended=True, finished=True),
        *[Moment()] * 40,
    ]
    for first in range(0, 20000, 100):
        shut = np.array([each[2] > 0.2 for each in follow(twice, first)])
        assert (shut[1:] & ~shut[:-1]).sum() <= 1
