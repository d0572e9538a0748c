import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streaming.speech.text.clauses import (
    ARRIVING_LIMITS,
    CLAUSE_LIMITS,
    STRETCHED_LIMIT,
    ClauseSplitter,
    Ending,
)


def clauses_of(text, step=None):
    splitter = ClauseSplitter()
    clauses = []
    for i in range(0, len(text), step or max(1, len(text))):
        clauses += splitter.feed(text[i : i + (step or len(text))])
    return clauses + splitter.flush()


def texts_of(text, step=None):
    return [clause.text for clause in clauses_of(text, step)]


def test_short_sentences_stay_whole():
    assert texts_of("Hello there, my name is Bob. How are you?") == [
        "Hello there, my name is Bob.",
        "How are you?",
    ]


def test_first_clause_of_a_long_sentence_ends_at_its_punctuation():
    text = (
        "When the rain had stopped at last, everybody in the village went out to look at the river together."
    )
    assert texts_of(text)[0] == "When the rain had stopped at last,"
    assert texts_of(f"Well. {text}") == ["Well.", text]


def test_without_punctuation_the_first_sentence_is_whole_unless_it_is_far_too_long():
    text = "The committee has decided that the opening hours of the library will be discussed once again"
    assert texts_of(text) == [text]
    assert texts_of(f"{text}. Well.") == [f"{text}.", "Well."]
    longer = f"{text} when all of its members are back from their holidays."
    assert len(texts_of(longer)[0]) <= STRETCHED_LIMIT and len(texts_of(longer)) == 2


def test_while_text_is_arriving_the_first_clause_is_shorter():
    text = "The committee has decided that the opening hours of the library will be discussed once again"
    splitter = ClauseSplitter()
    clauses = [clause for i in range(0, len(text), 4) for clause in splitter.feed(text[i : i + 4])]
    assert clauses and len(clauses[0].text) <= ARRIVING_LIMITS[0]


def test_text_that_trickles_in_starts_at_the_first_comma():
    splitter = ClauseSplitter()
    out = []
    for piece in ["Hello", " there", ",", " my", " name"]:
        out += splitter.feed(piece)
    assert [c.text for c in out] == ["Hello there,"]
    assert out[0].ending is Ending.COMMA


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met J. K. Rowling.",
        "It is 3.14 exactly.",
        "Take e.g. Bob or Prof. Jones.",
        "The U.S. Army is big.",
        "See No. 5 and approx. 3 more.",
    ],
)
@pytest.mark.parametrize("step", [None, 1, 3])
def test_no_cut_after_abbreviations_and_numbers(text, step):
    assert texts_of(text, step) == [text]


def test_a_small_letter_goes_on_after_a_question():
    assert texts_of("He asked why? and left.") == ["He asked why? and left."]


def test_sentences_end_at_marks_lines_and_paragraphs():
    text = 'One! Two? Three… "Four." Five\n- six\n\nseven'
    clauses = clauses_of(text)
    assert [c.text for c in clauses] == ["One!", "Two?", "Three…", '"Four."', "Five", "six", "seven"]
    assert clauses[5].ending is Ending.PARAGRAPH
    assert [c.index for c in clauses] == list(range(7))


def test_long_sentences_are_cut_before_phrases():
    text = (
        "The quick brown fox that jumped over the very lazy dog in the middle of the night went back "
        "to its home because it was extremely tired and hungry and did not want to see anybody else today"
    )
    openers = {"that", "because", "and", "in", "to", "over", "went", "was", "did"}
    for clause in clauses_of(text)[1:]:
        assert clause.tokens[0].spoken in openers


def test_limits_hold_for_text_without_punctuation():
    words = "the quick brown fox jumps over lazy dog then goes home with friends".split()
    generator = random.Random(1)
    text = " ".join(generator.choice(words) for _ in range(2000))
    clauses = clauses_of(text)
    assert len(clauses[0].text) <= STRETCHED_LIMIT
    assert max(len(c.text) for c in clauses) <= CLAUSE_LIMITS[-1]
    assert " ".join(c.text for c in clauses) == text


def test_nothing_speakable_gives_no_clauses():
    for text in ["", "   \n ", "😀" * 500, "... !!! —", "***"]:
        assert clauses_of(text) == []


@example("<A: 1>", 1)
@given(st.text(alphabet="abc ABC.,;:!?—\n\"'1<>/[]()é日😀-*#", max_size=300), st.integers(1, 7))
@settings(max_examples=200, deadline=None)
def test_every_token_is_in_one_clause_however_text_arrives(text, step):
    def spans(clauses):
        return [(t.begin, t.stop) for c in clauses for t in c.tokens if t.speakable]

    whole, pieces = clauses_of(text), clauses_of(text, step)
    assert spans(whole) == spans(pieces)
    assert all(len(c.text) <= CLAUSE_LIMITS[-1] for c in whole)
