import itertools
import math

from streaming.compositor.speaking import SpeechEnergy
from streaming.slots import MouthShape


def test_energy_rises_fast_and_falls_slowly():
    energy = SpeechEnergy()
    rising = [energy.follow(i, MouthShape(energy=0.8)).energy for i in range(10)]
    assert all(a < b for a, b in itertools.pairwise(rising))
    assert rising[4] > 0.6
    falling = [energy.follow(10 + i, None).energy for i in range(40)]
    assert all(a > b for a, b in itertools.pairwise(falling))
    assert falling[4] > 0.4 and falling[-1] < 0.05


def test_an_accent_stands_out_from_steady_speech():
    energy = SpeechEnergy()
    steady = [energy.follow(i, MouthShape(energy=0.3)) for i in range(100)][-1]
    assert steady.accent < 0.05
    stressed = [energy.follow(100 + i, MouthShape(energy=0.9, brow=0.4)) for i in range(4)][-1]
    assert stressed.accent > 0.4
    assert 0.2 < stressed.brow <= 0.4


def test_skipped_slots_count_as_time():
    one, other = SpeechEnergy(), SpeechEnergy()
    for energy in (one, other):
        energy.follow(0, MouthShape(energy=1))
    steps = [one.follow(i, None) for i in range(1, 11)]
    assert abs(other.follow(10, None).energy - steps[-1].energy) < 1e-9


def test_bad_numbers_do_not_stick():
    energy = SpeechEnergy()
    energy.follow(0, MouthShape(energy=math.nan, brow=math.inf))
    speaking = energy.follow(1, MouthShape(energy=5))
    assert 0 <= speaking.energy <= 1 and 0 <= speaking.brow <= 1
