import pytest

from streaming.speech.qwen3.sentences import (
    COMMA_LETTERS,
    LONGEST_LETTERS,
    PORTION_CHARACTERS,
    SHORTEST_LETTERS,
    Part,
    SentenceSplitter,
)
from streaming.speech.text.clauses import Ending


def split(
    text: str, language: str = "en", piece: int | None = None
) -> tuple[list[tuple[str, Ending]], list[str]]:
    """Sentences with their endings, and the written words."""
    splitter = SentenceSplitter(language)
    parts: list[Part] = []
    size = piece or len(text) or 1
    for begin in range(0, len(text), size):
        parts += splitter.feed(text[begin : begin + size])
    parts += splitter.flush()
    sentences: list[tuple[str, Ending]] = []
    said = ""
    for part in parts:
        said += part.text
        if part.ending is not None:
            sentences.append((said, part.ending))
            said = ""
    assert not said
    return sentences, [splitter.script[word.begin : word.stop] for part in parts for word in part.words]


TEXTS = {
    "en": (
        'Hi. Dr. Smith paid $3.50 on March 3, 2024, at 5 p.m. for it! Was that all?\n\nNo: he "also" bought '
        "5 million <b>bold</b> apples , and so on. " + "word " * 120 + "and an end."
    ),
    "de": "Guten Tag! Es kostet z. B. 3,50 €. Das ist gar nicht viel. Ja.",
    "zh": "你好，世界！今天天气很好，我们去公园吧。那里有很多人。",
    "ja": "こんにちは。元気ですか？ 東京タワーに行きました。とても高かったです。",
    "ko": "안녕하세요. 반갑습니다, 여러분! 오늘은 날씨가 좋네요.",
}


@pytest.mark.parametrize("language", TEXTS)
def test_it_makes_no_difference_how_a_text_arrives(language: str):
    whole = split(TEXTS[language], language)
    assert split(TEXTS[language], language, 1) == split(TEXTS[language], language, 7) == whole
    assert len(whole[0]) > 1


def test_numbers_are_put_in_words_with_what_belongs_to_them():
    sentences, words = split("I paid $3.50 on March 3, 2024, for all of it.")
    assert sentences[0][0] == (
        "I paid three dollars and fifty cents on March third, twenty twenty-four, for all of it."
    )
    assert words == ["I", "paid", "$3.50", "on", "March", "3, 2024", "for", "all", "of", "it"]


def test_other_languages_keep_their_digits():
    assert split("Das kostet 3,50 € und dauert 20 Minuten.", "de")[0][0][0].count("3,50") == 1


def test_fragments_go_on_with_the_next_sentence():
    sentences, _ = split("Hi. Well. Good morning to all of you! And now something else follows here.")
    assert [text for text, _ in sentences] == [
        "Hi. Well. Good morning to all of you!",
        "And now something else follows here.",
    ]
    assert all(len(text) >= SHORTEST_LETTERS for text, _ in sentences)


def test_a_paragraph_ends_a_sentence_however_short():
    sentences, _ = split("Title\n\nAnd now the text begins in earnest.")
    assert sentences[0] == ("Title", Ending.PARAGRAPH)


def test_long_sentences_are_cut_at_commas_and_endless_ones_anywhere():
    sentences, _ = split("one two three four five six, " * 12 + "end.")
    assert {ending for _, ending in sentences[:-1]} == {Ending.COMMA}
    assert all(COMMA_LETTERS <= len(text) < COMMA_LETTERS + 40 for text, _ in sentences[:-1])
    sentences, _ = split("word " * 300)
    assert sentences[0][1] is Ending.CUT
    assert max(len(text) for text, _ in sentences) <= LONGEST_LETTERS + 5


def test_scripts_without_spaces_get_none():
    assert split("你好，世界！今天天气很好。", "zh")[0][0][0] == "你好,世界!今天天气很好。"
    assert split("Well , he said that it works .", "en")[0][0][0] == "Well, he said that it works."


@pytest.mark.parametrize("text", ["", "...", "😀 !", " \n\n "])
def test_nothing_to_say_is_no_sentence(text: str):
    assert split(text) == ([], [])


def test_words_come_while_the_sentence_is_being_written():
    splitter = SentenceSplitter("en")
    said = [
        part.text for word in "This is how it goes on and on".split() for part in splitter.feed(word + " ")
    ]
    assert "".join(said) == "This is how it goes on"
    assert PORTION_CHARACTERS >= 100


def test_a_sentence_can_be_cut_where_the_text_is_late():
    splitter = SentenceSplitter("en")
    assert [part.ending for part in splitter.feed("Once upon a time there was ")][-1] is None
    cut = splitter.cut()
    assert "".join(part.text for part in cut) == " there was" and cut[-1].ending is not None
    assert splitter.cut() == []
    parts = splitter.feed("a king of a land far away. And a que")
    # Not within a word.
    parts += splitter.cut()
    parts += splitter.feed("en.") + splitter.flush()
    assert "".join(part.text for part in parts) == "a king of a land far away.And aqueen."
    assert parts[-1].ending is Ending.SENTENCE
