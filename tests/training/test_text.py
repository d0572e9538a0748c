import numpy as np

from streaming.face import visemes
from training.visemes import syllables, text


def test_sentences_vary_and_come_again_with_the_same_seed() -> None:
    words = ("apple", "bring", "Cab", "it", "extraordinarily")
    one, two = (text.English(words, np.random.default_rng(5)) for _ in range(2))
    said = [one.sentence() for _ in range(60)]
    assert said == [two.sentence() for _ in range(60)]
    assert len(set(said)) > 55
    assert all(line[0].isupper() and line[-1] in ".?!" and "{" not in line for line in said)
    assert "extraordinarily" not in " ".join(said)


def test_what_is_held_out_is_never_drawn() -> None:
    english = text.English(("apple", "bring"), np.random.default_rng(1))
    assert not {english.sentence() for _ in range(300)} & set(text.HELD_OUT)


def test_invented_words_use_sounds_that_lips_know() -> None:
    rng = np.random.default_rng(2)
    for language in syllables.SYSTEMS:
        said = "".join(syllables.sentence(language, rng) for _ in range(40))
        letters = {visemes.letter(symbol) for symbol in said} - {visemes.MARK, visemes.PAUSE}
        known = {*visemes.VOWELS, *visemes.DIPHTHONGS, *visemes.CONSONANTS}
        assert letters <= known, letters - known
        assert letters & visemes.PRESSED


def test_stress_and_tones_are_where_the_language_has_them() -> None:
    rng = np.random.default_rng(3)
    assert "ˈ" in syllables.sentence("es", rng)
    assert "ˈ" not in syllables.sentence("ja", rng)
    assert set(syllables.sentence("zh", rng)) & set("→↗↓↘")
