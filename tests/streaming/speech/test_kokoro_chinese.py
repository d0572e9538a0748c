import pytest

pytest.importorskip("jieba", reason="jieba is not installed")
pytest.importorskip("pypinyin", reason="pypinyin is not installed")
pytest.importorskip("cn2an", reason="cn2an is not installed")

from streaming.speech.kokoro_chinese import read_chinese, spell_syllable

ALPHABET = set("ʦʰpaijɛnŋuəbeɪmfɤkxʨɕꭧʂɻsytlwoʊɔɚɥɨhʤ→↗↓↘.,!?:;“”() ɐælˈ")


def read(text):
    return read_chinese(text, ALPHABET, lambda word: word)


@pytest.mark.parametrize(
    ("pinyin", "symbols"),
    [
        ("hao3", "xau↓"),
        ("zhi1", "ꭧɨ→"),
        ("si4", "sɨ↘"),
        ("yuan2", "ɥɛ↗n"),
        ("jun1", "ʨy→n"),
        ("nü3", "ny↓"),
        ("lüe4", "lɥe↘"),
        ("weng1", "wə→ŋ"),
        ("dong1", "tʊ→ŋ"),
        ("er2", "ɚ↗"),
        ("ma5", "ma"),
        ("o1", "ɔ→"),
        ("you3", "jou↓"),
        ("xyz", ""),
    ],
)
def test_syllables_are_spelled_as_the_network_learned_them(pinyin, symbols):
    assert spell_syllable(pinyin) == symbols


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2024年3月5日", "二零二四年三月五日"),
        ("25.5%", "百分之二十五点五"),
        ("-5℃", "负五摄氏度"),
        ("3/4", "四分之三"),
        ("7:05", "七点零五分"),
        ("1,000元", "一千元"),
        ("13800138000", "一三八零零一三八零零零"),
        ("007", "零零七"),
        ("3-5天", "三到五天"),
        ("１２个", "十二个"),
    ],
)
def test_numbers_are_said_in_chinese(text, words):
    assert "".join(read(text).words) == words


def test_words_are_kept_apart_and_marks_stay():
    reading = read("你好，世界！")
    assert reading.words == ("你好", "世界")
    assert reading.symbols == "ni↓xau↓, ʂɨ↘ʨje↘!"
    assert reading.word_of_symbol[-1] == 1


def test_latin_words_are_read_by_another_reader():
    reading = read("我用ipa说话")
    assert "ipa" in reading.words and " ipa " in reading.symbols


@pytest.mark.parametrize("text", ["", "，", "！？", "😀", "㐀", "1" * 40, "-", "a"])
def test_odd_text_does_no_harm(text):
    reading = read(text)
    assert len(reading.symbols) == len(reading.word_of_symbol)
