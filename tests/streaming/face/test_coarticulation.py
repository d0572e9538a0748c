import math

import numpy as np
import pytest

from streaming.face.coarticulation import LINGER, RATE, REACH, SMOOTHING_TAPS, Coarticulation
from streaming.speech.base import Phoneme


def phonemes(*parts):
    out, at = [], 0.0
    for symbol, seconds in parts:
        stress = 1.0 if symbol.startswith("ˈ") else 0.0
        out.append(Phoneme(symbol.lstrip("ˈ"), at, at + seconds, stress))
        at += seconds
    return out


def curves(*parts, seconds=None):
    sounds = phonemes(*parts)
    mouth = Coarticulation()
    mouth.add(sounds, 0.0)
    mouth.finish()
    return mouth.curves(0, round((seconds or sounds[-1].end) * RATE))


def at(curve, seconds):
    return curve[round(seconds * RATE)]


def test_vowels_open_and_shape_the_mouth():
    c = curves(("_", 0.3), ("ˈɑ", 0.2), ("_", 0.3), ("ˈi", 0.2), ("_", 0.3), ("ˈu", 0.2), ("_", 0.3))
    assert at(c.aperture, 0.4) > 0.7 > 0.4 > at(c.aperture, 0.9)
    assert at(c.width, 0.9) > 0.6 and at(c.width, 1.4) < -0.6
    for quiet in (0.05, 0.65, 1.15, 1.65):
        assert abs(at(c.aperture, quiet)) < 0.05


def test_stress_opens_wider():
    stressed, plain = curves(("_", 0.2), ("ˈɑ", 0.2), ("_", 0.2)), curves(("_", 0.2), ("ɑ", 0.2), ("_", 0.2))
    assert at(stressed.aperture, 0.3) > 1.2 * at(plain.aperture, 0.3)


def test_lips_round_before_the_vowel():
    rounding, spread = curves(("_", 0.3), ("s", 0.1), ("u", 0.2)), curves(("_", 0.3), ("s", 0.1), ("i", 0.2))
    assert at(rounding.width, 0.36) < at(spread.width, 0.36) - 0.15


def test_closures_shut_before_they_press():
    c = curves(("ɑ", 0.2), ("b", 0.07), ("ɑ", 0.2))
    assert at(c.press, 0.225) == pytest.approx(1.0) and at(c.aperture, 0.225) < 0.01
    assert c.aperture[c.press > 0.02].max() < 0.1
    c = curves(("ɑ", 0.2), ("v", 0.07), ("ɑ", 0.2))
    assert at(c.bite, 0.225) == pytest.approx(1.0)


def test_tongue_shows_for_dentals_and_l():
    assert at(curves(("ɑ", 0.2), ("θ", 0.08), ("ɑ", 0.2)).tongue, 0.23) == pytest.approx(1.0)
    assert curves(("ɑ", 0.2), ("k", 0.08), ("ɑ", 0.2)).tongue.max() == 0.0


def test_brows_rise_with_long_stressed_vowels_but_not_often():
    assert curves(("_", 0.2), ("ɑ", 0.3), ("_", 0.3)).brow.max() == 0.0
    c = curves(("_", 0.2), *[("ˈɑ", 0.2), ("t", 0.05)] * 8)
    rises = np.flatnonzero(np.diff((c.brow > 0.05).astype(int)) > 0)
    assert 1 <= len(rises) <= 3 and c.brow.max() <= 1.0


def test_unknown_symbols_move_the_mouth_a_little():
    c = curves(("_", 0.2), ("⊕", 0.2), ("_", 0.2))
    assert 0.1 < at(c.aperture, 0.3) < 0.4


def test_a_sound_is_seen_within_its_reach_only():
    before, after = [("ɑ", 0.5), ("t", 0.1)], ("u", 0.2)
    alone, followed = curves(*before, seconds=0.6), curves(*before, after, seconds=0.6)
    last = math.floor((0.6 - REACH) * RATE) - SMOOTHING_TAPS
    np.testing.assert_array_equal(alone.width[:last], followed.width[:last])
    assert not np.allclose(alone.width, followed.width)


def test_pieces_give_the_same_curves_and_old_sounds_can_be_forgotten():
    parts = [
        ("_", 0.1),
        ("h", 0.05),
        ("ə", 0.06),
        ("l", 0.07),
        ("ˈO", 0.2),
        ("b", 0.06),
        ("p", 0.05),
        ("_", 0.3),
    ] * 3
    sounds = phonemes(*parts)
    whole = Coarticulation()
    whole.add(sounds, 0.0)
    whole.finish()
    reference = whole.curves(0, 600)
    pieces, drawn, first = Coarticulation(), [], 0
    for i in range(0, len(sounds), 3):
        pieces.add(sounds[i : i + 3], 0.0)
        ready = math.floor((pieces.known - REACH) * RATE) - SMOOTHING_TAPS
        if ready > first:
            drawn.append(pieces.curves(first, ready - first))
            first = ready
            pieces.forget((first - SMOOTHING_TAPS) / RATE)
    for name in ("aperture", "width", "press", "bite", "tongue", "brow"):
        joined = np.concatenate([getattr(c, name) for c in drawn])
        np.testing.assert_allclose(joined, getattr(reference, name)[: len(joined)], atol=1e-9)
    pieces.forget(sounds[-1].end + LINGER + 1)
    assert pieces.closures == []


def test_marked_sounds_close_the_lips_and_marks_prolong_the_sound_before():
    plain, marked = curves(("ɑ", 0.2), ("p", 0.08), ("ɑ", 0.2)), curves(("ɑː", 0.2), ("pʰ", 0.08), ("ɑ̆", 0.2))
    np.testing.assert_array_equal(plain.aperture, marked.aperture)
    apart = curves(("ɑ", 0.12), ("ː", 0.08), ("p", 0.05), ("ʰ", 0.03), ("ɑ", 0.2))
    np.testing.assert_allclose(plain.aperture, apart.aperture, atol=1e-12)
    np.testing.assert_allclose(plain.press, apart.press, atol=1e-12)
    silent = curves(("_", 0.2), ("→", 0.2), ("ɑ", 0.2))
    assert silent.aperture[: round(0.25 * RATE)].max() < 0.05
