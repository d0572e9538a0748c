import pytest

from streaming.speech.qwen3.numbers import has_number, in_words


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It costs $3.50, really.", "It costs three dollars and fifty cents, really."),
        ("on March 3, 2024, we met", "on March third, twenty twenty-four, we met"),
        ("call 555-123-4567 now!", "call five five five, one two three, four five six seven now!"),
        ("at 5:30 pm (sharp)", "at five thirty P.M. (sharp)"),
        ("100% sure.", "one hundred percent sure."),
        ("Apollo 11 landed in 1969.", "Apollo eleven landed in nineteen sixty-nine."),
        ("R&D costs €5", "R and D costs five euros"),
        ("the 22nd one", "the twenty-second one"),
        ("1,234.56", "one thousand two hundred and thirty-four point five six"),
        ("-5°C outside", "minus five degrees Celsius outside"),
        ("5 + 3 = 8.", "five plus three equals eight."),
        ("the 1990s, and 80s", "the nineteen nineties, and eighties"),
        ("007 and 2,000,000 things", "zero zero seven and two million things"),
        ("10-12 people", "ten to twelve people"),
        ("He said: “7 apples”", "He said: “seven apples”"),
        ("12345678901234567890", "one two three four five six seven eight nine zero " * 2),
    ],
)
def test_numbers_are_said_as_people_say_them(written: str, said: str):
    assert in_words(written) == said.strip()


def test_words_without_numbers_are_told_from_those_with():
    assert [w for w in "a 5 b $ 2nd c% €".split() if has_number(w)] == ["5", "$", "2nd", "c%", "€"]
