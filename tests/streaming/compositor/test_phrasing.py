import itertools
import math

from streaming.compositor.phrasing import PAUSE_SLOTS, STRESS_APART, Phrasing
from streaming.slots import MouthShape
from streaming.timing import FPS


def falling(level, slots):
    """Loudness in a pause, as its smoothing lets it fall."""
    return [MouthShape(energy=level * 0.8 ** (k + 1)) for k in range(slots)]


def voice(slots, energy=0.8, brow=0.0):
    return [MouthShape(energy=energy, brow=brow)] * slots


def follow(patches):
    phrasing = Phrasing()
    return [phrasing.follow(1, patch) for patch in patches]


def where(moments, name):
    return [i for i, moment in enumerate(moments) if getattr(moment, name)]


def test_phrases_begin_with_the_voice_and_end_with_it():
    moments = follow([None] * 10 + voice(40) + falling(0.8, 12) + voice(30) + falling(0.8, 12) + [None] * 5)
    assert where(moments, "began") == [10, 62]
    assert where(moments, "opening") == [10]
    ends = where(moments, "ended")
    assert len(ends) == 2 and 50 < ends[0] <= 56 and 92 < ends[1] <= 98
    assert where(moments, "finished") == [104]


def test_a_gap_between_sounds_is_no_pause():
    plosive = [*falling(0.8, 2), MouthShape(energy=0.6)]
    moments = follow(voice(20) + plosive + voice(20) + plosive + voice(20))
    assert where(moments, "began") == [0] and where(moments, "ended") == []


def test_quiet_voices_have_phrases_too():
    moments = follow(voice(30, 0.3) + falling(0.3, 12) + voice(30, 0.3) + [None])
    assert len(where(moments, "began")) == 2 and len(where(moments, "ended")) == 2


def test_a_turn_that_is_cut_off_ends_at_once():
    moments = follow(voice(30) + [None] * 3)
    assert where(moments, "ended") == where(moments, "finished") == [30]


def test_after_a_long_silence_a_new_turn_opens():
    moments = follow(voice(30) + [None] * (2 * FPS) + voice(30) + falling(0.8, PAUSE_SLOTS + 4) + voice(9))
    assert where(moments, "opening") == [0, 30 + 2 * FPS]


def test_stress_is_heard_and_seen_and_not_too_often():
    loud = follow(voice(50, 0.4) + voice(10, 0.9))
    assert where(loud, "stress")[-1] in range(50, 54)
    asked = follow(voice(30) + voice(5, brow=0.5) + voice(5) + voice(5, brow=0.5) + voice(20))
    stresses = where(asked, "stress")
    assert {30}.issubset(stresses)
    assert all(b - a >= STRESS_APART * FPS for a, b in itertools.pairwise(stresses))
    assert all(0 < moment.stress <= 1 for moment in (*loud, *asked) if moment.stress)


def test_a_phrase_that_stays_loud_to_its_end_sounds_unfinished():
    falls = [MouthShape(energy=0.9 - 0.008 * k) for k in range(40)]
    rises = [MouthShape(energy=0.6 + 0.008 * k) for k in range(40)]
    assert where(follow([*falls, *falling(0.58, 8)]), "raised") == []
    assert len(where(follow([*rises, *falling(0.9, 8)]), "raised")) == 1


def test_energy_rises_fast_and_falls_slowly():
    moments = follow(voice(10) + [None] * 40)
    energy = [moment.energy for moment in moments]
    assert all(a < b for a, b in itertools.pairwise(energy[:10])) and energy[4] > 0.6
    assert all(a > b for a, b in itertools.pairwise(energy[9:])) and energy[14] > 0.4 > 0.05 > energy[-1]


def test_skipped_slots_count_as_time():
    one, other = Phrasing(), Phrasing()
    for phrasing in (one, other):
        phrasing.follow(1, MouthShape(energy=1))
    steps = [one.follow(1, None) for _ in range(10)]
    assert abs(other.follow(10, None).energy - steps[-1].energy) < 1e-9


def test_bad_numbers_do_not_stick():
    phrasing = Phrasing()
    phrasing.follow(1, MouthShape(energy=math.nan, brow=math.inf))
    moment = phrasing.follow(1, MouthShape(energy=5, brow=-3))
    assert 0 <= moment.energy <= 1 and 0 <= moment.brow <= 1
