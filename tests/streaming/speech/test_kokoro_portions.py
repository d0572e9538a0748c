import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.speech.kokoro_portions import (
    COST,
    FIRST_SYMBOLS,
    MAX_SYMBOLS,
    MIN_SYMBOLS,
    STRETCH,
    Budget,
    ending_of,
    portion_end,
)
from streaming.speech.reading import Reading
from streaming.speech.text.clauses import Ending
from streaming.speech.text.wording import ENGLISH, JAPANESE


def reading(text):
    """A reading whose symbols are the letters of the text."""
    words = tuple(text.split(" "))
    owners = [i for i, word in enumerate(words) for _ in range(len(word) + 1)][: len(text)]
    return Reading(words, text, tuple(owners))


def portions(text, limit, wording=ENGLISH):
    whole, start, parts = reading(text), 0, []
    while start < len(text):
        stop = portion_end(whole, start, limit, wording)
        parts.append(whole.part(start, stop).stripped().symbols)
        start = stop
    return parts


def test_what_fits_is_not_cut():
    text = "the last boat leaves at five."
    assert portions(text, 24) == [text] and len(text) <= 24 * STRETCH


def test_cuts_are_made_at_punctuation_then_before_phrases_then_between_words():
    text = "we open at nine, and then the boat leaves from the old harbour."
    assert portions(text, 28)[0] == "we open at nine,"
    text = "the permanent exhibition opens in the morning or the evening."
    assert portions(text, 34)[0] == "the permanent exhibition opens"
    text = "seven small yellow birds sang lovely songs yesterday evening."
    assert portions(text, 28)[0] == "seven small yellow birds"


def test_japanese_is_cut_after_particles():
    words = ("東京", "は", "とても", "大きい", "町", "です")
    symbols = "toːkʲoː βa totemo oːkiː maʨi desɨ"
    owners = [i for i, word in enumerate(symbols.split(" ")) for _ in range(len(word) + 1)]
    whole = Reading(words, symbols, tuple(owners[: len(symbols)]))
    assert symbols[: portion_end(whole, 0, 16, JAPANESE)] == "toːkʲoː βa"


@given(st.text("ab ,.", min_size=1, max_size=200), st.integers(MIN_SYMBOLS, MAX_SYMBOLS))
def test_nothing_is_lost_and_limits_hold(text, limit):
    whole, start = reading(text), 0
    while start < len(text):
        stop = portion_end(whole, start, limit, ENGLISH)
        assert start < stop <= start + max(limit * STRETCH, limit + 1)
        start = stop
    assert start == len(text)


def test_a_portion_ends_as_its_last_mark_says():
    assert ending_of("ab,") is Ending.COMMA
    assert ending_of("ab.”") is Ending.SENTENCE
    assert ending_of("ab;") is Ending.COLON
    assert ending_of("ab") is Ending.CUT


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("cost", [0.2, COST])
def test_sound_never_runs_dry_at_the_cost_that_is_reckoned_with(speed, cost):
    """A machine that needs ``cost`` seconds per second plays portions that are as long as they may be."""
    budget = Budget(speed)
    assert budget.limit() == round(FIRST_SYMBOLS * speed)
    buffered = None
    for _ in range(12):
        heard = budget.limit() / (13.0 * speed)
        rendered = heard + 0.6 / speed
        if buffered is None:
            buffered = heard
        else:
            buffered -= rendered * cost
            assert buffered >= -0.35
            buffered += heard
        budget.spend(rendered, heard)
    assert budget.limit() == MAX_SYMBOLS
