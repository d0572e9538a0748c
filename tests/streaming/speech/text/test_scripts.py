import pytest

from streaming.speech.text.scripts import LATIN, ScriptTally, language_name, primary_subtag, script_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("こんにちは、元気ですか", "ja"),
        ("東京タワーへようこそ", "ja"),
        ("你好，世界", "zh"),
        ("안녕하세요", "ko"),
        ("Привет, как дела?", "ru"),
        ("مرحبا بالعالم", "ar"),
        ("नमस्ते दुनिया", "hi"),
        ("Γειά σου Κόσμε", "el"),
        ("שלום עולם", "he"),
        ("สวัสดีชาวโลก", "th"),
    ],
)
def test_foreign_scripts_are_named(text, language):
    tally = ScriptTally()
    tally.add(text)
    assert tally.foreign_language({LATIN}) == language


@pytest.mark.parametrize(
    "text", ["", "1234 !?", "Hello", "Tokyo is written 東京 in Japanese", "Straße déjà vu ﬁ"]
)
def test_mostly_latin_text_is_not_foreign(text):
    tally = ScriptTally()
    tally.add(text)
    assert tally.foreign_language({LATIN}) is None


def test_tally_counts_across_pieces():
    tally = ScriptTally()
    tally.add("Hi ")
    assert tally.foreign_language({LATIN}) is None
    tally.add("привет всем")
    assert tally.foreign_language({LATIN}) == "ru"


def test_letters_and_tags():
    assert script_of("a") == LATIN and script_of("ж") == "Cyrillic" and script_of("カ") == "Kana"
    assert script_of("5") is None and script_of("😀") is None and script_of(" ") is None
    assert primary_subtag("en-US") == "en" and primary_subtag("EN_us") == "en"
    assert language_name("pt-BR") == "Portuguese" and "xx" in language_name("xx")
