import itertools

from hypothesis import given
from hypothesis import strategies as st

from streaming.speech.text.lettering import align_letters
from streaming.speech.text.tokens import Tokenizer
from streaming.speech.text.wording import JAPANESE


def spans(script, words):
    tokenizer = Tokenizer(JAPANESE)
    tokens = tokenizer.feed(script) + tokenizer.flush()
    return [script[begin:stop] for begin, stop in align_letters(script, tokens, words)]


def test_words_find_their_characters():
    assert spans("今日は、いい天気です。", ["今日", "は", "、", "いい", "天気", "です", "。"])[:2] == [
        "今日",
        "は",
    ]
    assert spans("今日は、いい天気です。", ["今日", "は", "いい", "天気", "です"])[2:] == [
        "いい",
        "天気",
        "です",
    ]


def test_numbers_are_one_word_however_they_are_said():
    assert spans("2024年です", ["二", "千", "二十四", "年", "です"]) == ["2024", "2024", "2024", "年", "です"]
    assert spans("5点半", ["五", "点", "半"]) == ["5", "点", "半"]
    assert spans("占25.5%的", ["占", "百分之二十五点五", "的"]) == ["占", "25.5%", "的"]


def test_width_and_case_do_not_matter():
    assert spans("ＡＢＣとｶﾅ", ["abc", "と", "カナ"]) == ["ＡＢＣ", "と", "ｶﾅ"]


def test_words_without_characters_share_a_neighbours():
    assert spans("本。", ["x", "本", "y"]) == ["本", "本", "本"]


@given(
    st.text("今日は天気3、。 a", min_size=1, max_size=20),
    st.lists(st.text("今日は天気三a", min_size=1, max_size=3), min_size=1, max_size=10),
)
def test_spans_rise_and_are_apart_or_equal(script, words):
    tokenizer = Tokenizer(JAPANESE)
    tokens = tokenizer.feed(script) + tokenizer.flush()
    if not tokens:
        return
    found = align_letters(script, tokens, words)
    assert len(found) == len(words)
    for left, right in itertools.pairwise(found):
        assert left == right or left[1] <= right[0]
    assert all(0 <= begin < stop <= len(script) for begin, stop in found)
