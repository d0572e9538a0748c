import importlib
import itertools

import numpy as np
import pytest

from benchmarks.judge.align import align, to_phonemes, words_of
from streaming.errors import EngineUnavailable


def test_words_are_spelled_as_in_the_dictionary():
    assert words_of("Feed’st thy light's flame, with self-substantial fuel!") == [
        "feed'st", "thy", "light's", "flame", "with", "self", "substantial", "fuel",
    ]  # fmt: skip


def test_phones_become_gapless_sounds():
    phones = [("SIL", -0.2, 0.1), ("M", 0.1, 0.2), ("AH", 0.2, 0.25), ("AH", 0.25, 0.4), ("+SPN+", 0.4, 0.6)]
    sounds = to_phonemes([*phones, ("SIL", 0.6, 0.7), ("B", 0.75, 0.8), ("IY", 0.8, 1.2)], seconds=1.0)
    assert [p.symbol for p in sounds] == ["_", "m", "ə", "ʌ", "_", "b", "i"]
    assert sounds[0].start == 0 and sounds[-1].end == 1.0
    assert all(a.end == b.start for a, b in itertools.pairwise(sounds))


def test_the_rest_is_a_pause():
    assert [p.symbol for p in to_phonemes([("M", 0.0, 0.2)], 1.0)] == ["m", "_"]
    assert [p.symbol for p in to_phonemes([], 1.0)] == ["_"]


def test_a_missing_aligner_says_how_to_get_it(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(EngineUnavailable, match="pip install pocketsphinx"):
        align(np.zeros(16_000, np.float32), "hello", {})
