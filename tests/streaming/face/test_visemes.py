import pytest

from streaming.face import visemes
from streaming.face.visemes import MARK, PAUSE, letter


def test_targets_are_in_range():
    for viseme in [*visemes.VOWELS.values(), *visemes.CONSONANTS.values(), visemes.UNKNOWN]:
        assert 0.0 <= viseme.aperture <= 1.0 and -1.0 <= viseme.width <= 1.0
        assert viseme.aperture_weight > 0.0 and viseme.width_weight > 0.0


def test_every_english_sound_is_known():
    known = {*visemes.VOWELS, *visemes.DIPHTHONGS, *visemes.CONSONANTS}
    assert set("AIOQWYiuæɑɒɔəɛɜɪʊʌᵊᵻbdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθT") <= known
    assert not set(visemes.VOWELS) & set(visemes.CONSONANTS)
    for first, second in visemes.DIPHTHONGS.values():
        assert first in visemes.VOWELS and second in visemes.VOWELS


KOKORO_SOUNDS = "ʣʥʦʨꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔᵻ"


def test_every_sound_of_the_many_languages_voice_is_known():
    known = {*visemes.VOWELS, *visemes.DIPHTHONGS, *visemes.CONSONANTS}
    assert [c for c in KOKORO_SOUNDS if letter(c) not in known] == []
    assert {letter(mark) for mark in ("ˈ", "ˌ", "ː", "ʰ", "ʲ", "ᵝ", "\u0303", "→", "↗", "↘", "↓", "3")} == {
        MARK
    }
    assert {letter(c) for c in (*';:,.!?—…"()“” ', "_", "...")} == {PAUSE}


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("ɔ̃", "ɔ̃"),
        ("ã", "a"),
        ("ũ", "u"),
        ("ç", "ç"),
        ("pʰ", "p"),
        ("ˈɑː", "ɑ"),
        ("ɯᵝ", "ɯ"),
        ("tʃ", "ʃ"),
        ("ʈʂ", "ʂ"),
        ("bʱ", "b"),
        ("⊕", "⊕"),
    ],
)
def test_marked_and_joined_letters_look_like_a_listed_one(written, seen):
    assert letter(written) == seen


def test_lips_that_come_near_are_not_shut():
    consonants = visemes.CONSONANTS
    for near in "βɸ":
        assert 0.0 < consonants[near].aperture < consonants["w"].aperture
        assert near not in visemes.PRESSED and consonants[near].width > consonants["w"].width


def test_sounds_that_look_different_are_different():
    vowels, consonants = visemes.VOWELS, visemes.CONSONANTS
    assert vowels["ɑ"].aperture > vowels["ɛ"].aperture > vowels["i"].aperture
    assert vowels["i"].width > 0.5 > -0.5 > vowels["u"].width
    assert consonants["w"].width == -1.0 and consonants["p"].aperture == 0.0
