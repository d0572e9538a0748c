import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.speech.text.alignment import align
from streaming.speech.text.tokens import Tokenizer


def spans_of(text, normalized):
    tokenizer = Tokenizer()
    tokens = tokenizer.feed(text) + tokenizer.flush()
    words = normalized.split()
    return [(word, text[begin:stop]) for word, (begin, stop) in zip(words, align(tokens, words), strict=True)]


def test_unchanged_words_keep_their_spans():
    assert spans_of("Hello, Bob!", "Hello, Bob!") == [("Hello,", "Hello"), ("Bob!", "Bob")]


def test_expanded_words_keep_the_span_of_what_was_written():
    assert spans_of("On 3 March, all", "On the third of March, all") == [
        ("On", "On"),
        ("the", "3"),
        ("third", "3"),
        ("of", "3"),
        ("March,", "March"),
        ("all", "all"),
    ]


def test_groups_that_change_in_number_share_a_span():
    spans = spans_of("at 7:30 pm today", "at seven thirty P.M. today")
    assert spans == [("at", "at"), *[(w, "7:30 pm") for w in ("seven", "thirty", "P.M.")], ("today", "today")]


def test_said_addresses_belong_to_the_address():
    spans = spans_of("see https://example.com/x now", "see example dot com slash x now")
    assert {span for _, span in spans[1:6]} == {"https://example.com/x"}


@given(st.lists(st.sampled_from(["a", "b", "5", "$5", "x"]), min_size=1), st.lists(st.sampled_from("ab5xyz")))
@settings(max_examples=300, deadline=None)
def test_spans_never_fall_back(written, normalized):
    tokenizer = Tokenizer()
    tokens = tokenizer.feed(" ".join(written)) + tokenizer.flush()
    spans = align(tokens, normalized)
    assert len(spans) == len(normalized)
    for left, right in itertools.pairwise(spans):
        assert left == right or left[1] <= right[0]
