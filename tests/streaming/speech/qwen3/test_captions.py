import numpy as np
import pytest

from streaming.speech.qwen3.captions import USUAL_LETTERS, Captions, Pace
from streaming.speech.qwen3.sentences import SaidWord

SCRIPT = "aaaa bbbb cccc dddd"
WORDS = [SaidWord(begin, begin + 4, 5) for begin in (0, 5, 10, 15)]
RATE = 24_000


def sound(seconds: float) -> np.ndarray:
    return np.sin(np.arange(round(seconds * RATE)) / 10).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def placed(chunks: list[np.ndarray], pace: Pace, offset: int = 0) -> list[tuple[str, float, int]]:
    captions = Captions(pace, offset)
    captions.add(WORDS, SCRIPT)
    at, found = 0.0, []
    for chunk in chunks:
        found += [(word.text, at + word.start, word.begin) for word in captions.heard(chunk)]
        at += len(chunk) / RATE
    return found + [(word.text, at + word.start, word.begin) for word in captions.end()]


def test_words_are_spread_over_what_is_heard_by_their_letters():
    words = placed([sound(3.0)], Pace())
    assert [word for word, _, _ in words] == SCRIPT.split()
    assert [at for _, at, _ in words] == pytest.approx([i * 5 / USUAL_LETTERS for i in range(4)], abs=0.021)


def test_it_makes_no_difference_how_the_sound_is_cut():
    whole = sound(1.5)
    parts = np.split(whole, [100, 1920, 5000, 20_011])
    one, many = placed([whole], Pace()), placed(parts, Pace())
    assert [at for _, at, _ in many] == pytest.approx([at for _, at, _ in one], abs=0.021)


def test_silence_counts_for_nothing():
    words = placed([silence(1.0), sound(0.4), silence(2.0), sound(2.0)], Pace())
    assert words[0][1] == pytest.approx(1.0, abs=0.03)
    assert words[2][1] == pytest.approx(3.4 + 10 / USUAL_LETTERS - 0.4, abs=0.03)


def test_what_is_left_comes_at_the_end():
    words = placed([sound(0.2)], Pace())
    assert [at for _, at, _ in words[1:]] == [pytest.approx(0.2)] * 3


def test_the_next_sentence_knows_the_voice_better():
    pace = Pace()
    for _ in range(8):
        placed([sound(4.0)], pace)
    slow = placed([sound(4.0)], pace)
    assert slow[3][1] > 2 * 15 / USUAL_LETTERS
    assert Pace(2.0).letters_per_second == 2 * USUAL_LETTERS


def test_spans_count_from_the_whole_text():
    assert [begin for _, _, begin in placed([sound(3.0)], Pace(), 100)] == [100, 105, 110, 115]
