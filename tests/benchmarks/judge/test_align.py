import importlib
import itertools

import numpy as np
import pytest

from benchmarks.judge.align import Phone, Word, align, to_phonemes, words_of
from streaming.errors import EngineUnavailable


def test_words_are_spelled_as_in_the_dictionary():
    assert words_of("Feed’st thy light's flame, with self-substantial fuel!") == [
        "feed'st", "thy", "light's", "flame", "with", "self", "substantial", "fuel",
    ]  # fmt: skip


def word(spelling: str, *phones: tuple[str, float, float]) -> Word:
    return Word(spelling, tuple(Phone(*phone) for phone in phones))


def test_words_become_gapless_sounds():
    words = [
        word("<sil>", ("SIL", -0.2, 0.1)),
        word("mama", ("M", 0.1, 0.2), ("AA", 0.2, 0.25), ("M", 0.25, 0.3), ("AH", 0.3, 0.4)),
        word("+SPN+", ("+SPN+", 0.4, 0.6)),
        word("<sil>", ("SIL", 0.6, 0.7)),
        word("be", ("B", 0.75, 0.8), ("IY", 0.8, 1.2)),
    ]
    sounds = to_phonemes(words, seconds=1.0)
    assert [p.symbol for p in sounds] == ["_", "m", "ɑ", "m", "ə", "_", "b", "i"]
    assert sounds[0].start == 0 and sounds[-1].end == 1.0
    assert all(a.end == b.start for a, b in itertools.pairwise(sounds))


def test_stress_comes_from_the_dictionary_and_only_vowels_have_it():
    words = [word("about(2)", ("AH", 0.0, 0.2), ("B", 0.2, 0.3), ("AW", 0.3, 0.5), ("T", 0.5, 0.6))]
    assert [(p.symbol, p.stress) for p in to_phonemes(words, 0.6)] == [
        ("ə", 0.0),
        ("b", 0.0),
        ("W", 1.0),
        ("t", 0.0),
    ]


def test_the_rest_is_a_pause():
    assert [p.symbol for p in to_phonemes([word("m", ("M", 0.0, 0.2))], 1.0)] == ["m", "_"]
    assert [p.symbol for p in to_phonemes([], 1.0)] == ["_"]


def test_a_missing_aligner_says_how_to_get_it(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(EngineUnavailable, match="pip install pocketsphinx"):
        align(np.zeros(16_000, np.float32), "hello", {})
