import pytest

from streaming.speech.text.clauses import ClauseSplitter, Ending
from streaming.speech.text.cleaning import say_word
from streaming.speech.text.tokens import Tokenizer
from streaming.speech.text.wording import ANY, CHINESE, ENGLISH, FRENCH, HINDI, JAPANESE, SPANISH, wording_of


@pytest.mark.parametrize(
    ("word", "wording", "said"),
    [
        ("example.com/docs", SPANISH, "example punto com barra docs"),
        ("ana@example.org", FRENCH, "ana arobase example point org"),
        ("example.com", JAPANESE, "example ドット com"),
        ("√2", SPANISH, "raíz cuadrada de 2"),
        ("3*4", CHINESE, "3 乘 4"),
        ("¿Cómo", SPANISH, "Cómo"),
        ("«oui»", FRENCH, "“oui”"),
        ("नमस्ते।", HINDI, "नमस्ते।"),
        ("東京", JAPANESE, "東京"),
        ("東京", ENGLISH, "dongjing"),
        ("안녕하세요", ANY, "안녕하세요"),
        ("привет", ANY, "привет"),
        ("привет", SPANISH, "privet"),
        ("你好😀", CHINESE, "你好"),
        ("**你好**", CHINESE, "你好"),
        ("ＡＢＣ１２", JAPANESE, "ABC12"),
    ],
)
def test_words_are_said_in_their_language(word, wording, said):
    assert say_word(word, wording=wording).lower() == said.lower()


def test_languages_without_wording_leave_signs_to_the_engine():
    assert wording_of("de-AT") is ANY and wording_of("ja-JP") is JAPANESE
    assert say_word("x@y.de", wording=ANY) == "x @ y . de"


def spans(text, wording):
    tokenizer = Tokenizer(wording)
    return [text[t.begin : t.stop] for t in tokenizer.feed(text) + tokenizer.flush()]


def test_spans_hold_vowel_signs_and_leave_marks_out():
    assert spans("मेरी किताब, नमस्ते।", HINDI) == ["मेरी", "किताब", "नमस्ते"]
    assert spans("「今日は」、元気！", JAPANESE) == ["今日は", "元気"]


def clauses(text, wording):
    splitter = ClauseSplitter(wording)
    return splitter.feed(text) + splitter.flush()


def test_sentences_end_where_the_language_ends_them():
    found = clauses("今日は晴れ。明日は雨？「はい！」と言う。", JAPANESE)
    assert [clause.ending for clause in found] == [Ending.SENTENCE] * len(found) and len(found) >= 3
    assert len(clauses("यह घर है। वह पेड़ है।", HINDI)) == 2
    assert len(clauses("El Sr. Gómez llegó. Ya está.", SPANISH)) == 2
    assert len(clauses("M. Dupont est là. Voilà.", FRENCH)) == 2


def test_one_character_of_chinese_counts_as_three_letters():
    text = "我们的朋友在城市里开了一家小店，卖水果和蔬菜，每天都很忙碌，生意也越来越好了。"
    assert clauses(text, CHINESE)[0].text.rstrip("，,") == "我们的朋友在城市里开了一家小店"
