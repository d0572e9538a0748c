import pytest

from benchmarks.judge.stress import Dictionary


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return Dictionary()


def test_vowels_of_a_word_with_their_stress(dictionary):
    assert [(v.symbol, v.stress) for v in dictionary.vowels("consider")] == [("ə", 0), ("ɪ", 1), ("ə", 0)]
    assert [v.stress for v in dictionary.vowels("the")] == [0.0]


def test_a_schwa_is_told_from_its_strong_sister_by_the_dictionary_not_by_its_length(dictionary):
    assert dictionary.resolved("country", [("AH", "ʌ", 0.03), ("IY", "i", 0.1)]) == [("ʌ", 1.0), ("i", 0.0)]
    assert dictionary.resolved("a", [("AH", "ʌ", 0.3)]) == [("ə", 0.0)]


def test_a_word_said_weaker_than_it_is_written_has_a_schwa(dictionary):
    assert dictionary.resolved("and", [("AH", "ʌ", 0.1)]) == [("ə", 0.0)]
    assert dictionary.resolved("and", [("AE", "æ", 0.1)]) == [("æ", 0.0)]


def test_an_r_without_stress_is_weak(dictionary):
    assert dictionary.resolved("mister", [("IH", "ɪ", 0.1), ("ER", "ɜ", 0.1)]) == [("ɪ", 1.0), ("ɚ", 0.0)]
    assert dictionary.resolved("bird", [("ER", "ɜ", 0.1)]) == [("ɜ", 1.0)]


def test_where_the_dictionary_knows_other_vowels_stress_is_unknown_and_length_decides(dictionary):
    said = [("AH", "ʌ", 0.03), ("AH", "ʌ", 0.09), ("AE", "æ", 0.1)]
    assert dictionary.resolved("country", said) == [("ə", 0.5), ("ʌ", 0.5), ("æ", 0.5)]
