import pytest

from streaming.speech.espeak_library import find_library, load_library
from streaming.speech.kokoro_espeak import read_with_espeak

ALPHABET = set('abdefiklmnoprstuvwzðɔɛɡɲɾʁʃʧʤʒθˈˌː\u0303AIW.,?!"“” ')


def fake(text):
    """Words as they are written; "12" is read as two words."""
    return text.replace("12", "dofe siʁ")


def test_words_and_punctuation_keep_their_places():
    reading = read_with_espeak("“alma, de” la mar.", ALPHABET, lambda text: text)
    assert reading.words == ("“alma,", "de”", "la", "mar.")
    assert reading.symbols == "“alma, de” la mar."
    assert reading.symbols[reading.word_of_symbol.index(2)] in " l"
    assert [reading.word_of_symbol[reading.symbols.index(c)] for c in ("m", "d", "r")] == [0, 1, 3]


def test_numbers_that_become_several_words_stay_with_what_was_written():
    reading = read_with_espeak("abe 12 ano alma", ALPHABET, fake)
    assert reading.symbols == "abe dofe siʁ ano alma"
    owners = dict(zip(reading.symbols, reading.word_of_symbol, strict=True))
    assert [owners[symbol] for symbol in "bdʁnm"] == [0, 1, 1, 2, 3]
    assert list(reading.word_of_symbol) == sorted(reading.word_of_symbol)


def test_letters_of_one_phoneme_become_one_symbol():
    assert read_with_espeak("x", ALPHABET, lambda _: "t^ʃa^ɪ-e^ɪ(^e^n)d^ʒ(^f^r)").symbols == "ʧIAʤ"


@pytest.mark.skipif(find_library() is None, reason="eSpeak NG is not installed")
@pytest.mark.parametrize(
    ("voice", "text", "begins"),
    [("es", "¿Cuánto cuesta?", "kwˈ"), ("fr", "Bonjour à tous.", "bɔ̃ʒ"), ("it", "Buongiorno.", "bʊ")],
)
def test_real_rules_read_real_words(voice, text, begins):
    from streaming.speech.kokoro_files import missing_packages, vocabulary

    if missing_packages():
        pytest.skip("Kokoro's weights are not installed")
    library = load_library()
    reading = read_with_espeak(text.strip("¿"), vocabulary(), lambda words: library.phonemes(words, voice))
    assert reading.symbols.startswith(begins) and reading.symbols[-1] == text[-1]
    assert set(reading.word_of_symbol) == set(range(len(reading.words)))
