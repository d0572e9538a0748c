import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.speech.text.tokens import MAX_SPOKEN_CHARACTERS, Break, Tokenizer


def tokens_of(text, step=None):
    tokenizer = Tokenizer()
    tokens = []
    for i in range(0, len(text), step or max(1, len(text))):
        tokens += tokenizer.feed(text[i : i + (step or len(text))])
    tokens += tokenizer.flush()
    assert tokenizer.script == text
    return tokens


def test_spans_leave_punctuation_and_markup_out():
    text = (
        '**Bold**, "quoted" [the docs](https://example.com/a) <b>x</b> $9.99! 50% https://example.com/x?y=1.'
    )
    tokens = tokens_of(text)
    assert [text[t.begin : t.stop] for t in tokens] == [
        "Bold",
        "quoted",
        "the",
        "docs",
        "x",
        "$9.99",
        "50%",
        "https://example.com/x?y=1",
    ]


def test_a_word_is_complete_only_when_the_next_has_begun():
    tokenizer = Tokenizer()
    assert tokenizer.feed("3.") == []
    assert tokenizer.feed("14 ") == []
    assert [t.spoken for t in tokenizer.feed("is")] == ["3.14"]
    assert [t.spoken for t in tokenizer.flush()] == ["is"]


def test_tags_may_hold_spaces():
    assert [t.spoken for t in tokens_of('<a href="x. y" class="z">Link here</a> <br/>end', 3)] == [
        "Link",
        "here",
        "end",
    ]
    assert tokens_of("a <b and c < d", 2)[0].spoken == "a"


def test_block_tags_break_lines():
    tokens = tokens_of("<p>One</p><p>Two</p>")
    assert [t.spoken for t in tokens] == ["One", "Two"]
    assert tokens[0].after is Break.LINE


def test_line_breaks():
    wrapped = "This line is long enough that an editor has broken it\nin the middle. Short\nItem\n\nParagraph"
    after = {t.spoken: t.after for t in tokens_of(wrapped)}
    assert after["it"] is Break.WRAP
    assert after["Short"] is Break.LINE
    assert after["Item"] is Break.PARAGRAPH


def test_bullets_and_headings_are_silent():
    assert [t.spoken for t in tokens_of("# Title\n- one\n* two - three\n> four")] == [
        "Title",
        "one",
        "two",
        "—",
        "three",
        "four",
    ]


@pytest.mark.parametrize(
    "text", ["a" * 5000, "7" * 5000, "https://example.com/" + "a/" * 2500, "你好" * 2500]
)
def test_endless_words_are_cut(text):
    tokens = tokens_of(text, 7)
    assert tokens and max(len(t.spoken) for t in tokens) <= MAX_SPOKEN_CHARACTERS


@given(st.text(max_size=120), st.integers(1, 9))
@settings(max_examples=300, deadline=None)
def test_spans_are_in_order_and_pieces_do_not_matter(text, step):
    tokens = tokens_of(text)
    at = 0
    for token in tokens:
        assert token.spoken and at <= token.begin < token.stop <= len(text)
        at = token.stop
    assert tokens_of(text, step) == tokens
