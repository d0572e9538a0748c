import importlib.util

import pytest

from streaming.speech.language import detect_language

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("py3langid") is None, reason="py3langid is not installed"
)

SPOKEN = {"en", "es", "fr", "hi", "it", "ja", "pt", "zh"}
SENTENCES = {
    "en": ["Hello", "How are you?", "The train arrives at five.", "It is hot today.", "See you tomorrow."],
    "es": ["Hola", "¿Cómo estás?", "El tren llega a las cinco.", "Hoy hace calor.", "Hasta mañana."],
    "fr": ["Bonjour", "Ça va bien ?", "Le train arrive à cinq heures.", "Il fait chaud.", "À demain."],
    "it": ["Ciao", "Come stai?", "Il treno arriva alle cinque.", "Oggi fa caldo.", "Buona notte a tutti."],
    "pt": ["Olá", "Como vai você?", "O trem chega às cinco.", "Hoje está quente.", "Até amanhã."],
    "ja": ["こんにちは", "駅はどこ？", "iPhoneを買った"],
    "zh": ["你好", "火车站在哪里？", "我用iPhone"],
    "hi": ["नमस्ते", "आप कैसे हैं?"],
    "ko": ["안녕하세요", "오늘은 3시입니다"],
    "ru": ["Привет, как дела?"],
}


@pytest.mark.parametrize("language", SENTENCES)
def test_short_sentences_are_told_apart(language):
    told = [detect_language(sentence, SPOKEN) for sentence in SENTENCES[language]]
    assert told == [language] * len(told)


@pytest.mark.parametrize("text", ["", "OK", "123", "😀 !?", "..."])
def test_what_does_not_say_is_nothing(text):
    assert detect_language(text, SPOKEN) is None


def test_what_is_expected_holds_until_there_is_good_reason():
    assert detect_language("Berlin", SPOKEN, expected="en") == "en"
    assert detect_language("Tokyo", SPOKEN, expected="ja") == "ja"
    assert detect_language("東京", SPOKEN, expected="ja") == "ja"
    assert detect_language("Vamos a comer juntos en casa.", SPOKEN, expected="en") == "es"
    assert detect_language("Thank you very much.", SPOKEN, expected="ja") == "en"


def test_makeshift_voices_are_chosen_only_when_it_is_clear():
    spoken = SPOKEN | {"de", "nl"}
    assert detect_language("Guten Morgen, wie geht es dir heute?", spoken, rare={"de", "nl"}) == "de"
    assert detect_language("Hand in hand", spoken, expected="en", rare={"de", "nl"}) == "en"


def test_mostly_latin_text_is_no_japanese():
    assert detect_language("I like the 東京 tower very much", SPOKEN) == "en"


def test_without_py3langid_letters_are_all_there_is(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert detect_language("こんにちは", SPOKEN) == "ja"
    assert detect_language("Hola, ¿cómo estás?", SPOKEN) == "en"
    assert detect_language("Hola, ¿cómo estás?", {"es", "pt"}) is None
    assert detect_language("Hello there", SPOKEN, expected="en") == "en"
