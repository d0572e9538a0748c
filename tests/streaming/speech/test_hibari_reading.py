import pytest

from streaming.speech.hibari_model import HibariModel
from streaming.speech.hibari_reading import put_in_words

DICTIONARY = {"so", "no", "good", "god", "yes", "hello", "help", "nice", "and", "ah", "cool"}


@pytest.fixture(scope="module")
def model():
    return HibariModel("heart")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It costs $3, 6 people paid.", "It costs 3 dollars, 6 people paid."),
        ("$9.99 or £1.01 or €0.50", "9 dollars and 99 cents or 1 pound and 1 penny or 50 cents"),
        ("$1, $5.00, $1,250.", "1 dollar, 5 dollars, 1,250 dollars."),
        ("$1.5M, $2 million, £3bn", "1.5 million dollars, 2 million dollars, 3 billion pounds"),
        ("US$40, -$5, 20€, 20 €", "40 U.S. dollars, minus 5 dollars, 20 euros, 20 euros"),
        (
            "$100-$200, $5-10, $9/month",
            "100 dollars to 200 dollars, 5 dollars to 10 dollars, 9 dollars per month",
        ),
        ("Call +1 (555) 123-4567 now.", "Call plus 1, 5 5 5, 1 2 3, 4 5 6 7 now."),
        ("Call 1-800-555-0199.", "Call 1, 8 0 0, 5 5 5, 0 1 9 9."),
        ("020 7946 0958", "0 2 0, 7 9 4 6, 0 9 5 8"),
        ("agent 007, in (2019) 25 of us", "agent 0 0 7, in (2019) 25 of us"),
        ("pages 5–7. Or 5-6%.", "pages 5 to 7. Or 5 to 6%."),
        ("555-1234, 2024-12-25, F-16", "555-1234, 2024-12-25, F-16"),
        ("6 — 2 = 4", "6 minus 2 = 4"),
        ("In 1990 — 5 years later", "In 1990 — 5 years later"),
        ("3:1, 16:9, 7:30, 14:05", "3 to 1, 16 to 9, 7:30, 14:05"),
        ("192.168.1.1 v2.0.1 3.14", "192 dot 168 dot 1 dot 1 v2 point 0 point 1 3.14"),
        ("on 25.12.2024", "on 25 December 2024"),
        ("10 000 people, 1 500 000 more", "10000 people, 1500000 more"),
        (".5 and 24/7", "0.5 and 24 7"),
        ("a != b, a >= b, a -> b, a && b", "a is not b, a is at least b, a to b, a and b"),
        ("the book I read, part C", "the book i read, part c"),
        ("I told Peter I was late", "I told Peter i was late"),
        ("Chapter I begins. King Charles I was. Part II", "Chapter I begins. King Charles I was. Part II"),
        ("I AM SO HAPPY FOR US", "I am so HAPPY FOR us"),
        ("MY mother GOT IT from IT", "my mother GOT IT from IT"),
        ("U.S., B-52, R&D, AT&T, I.T.", "U.S., B-52, R&D, AT&T, I.T."),
        ("Sooo goood, nooo, yesss, helllo, SOOO", "So good, no, yes, hello, so"),
        ("Henry VIII, WWW, zzz, hmmmbl", "Henry VIII, WWW, zzz, hmmbl"),
    ],
)
def test_clauses_are_put_in_words(written, said):
    assert put_in_words(written, DICTIONARY.__contains__) == said


@pytest.mark.parametrize(
    ("written", "like"),
    [
        ("It costs $3, 6 people paid.", "It costs three dollars, six people paid."),
        ("The part I like costs €20.", "The part i like costs twenty euros."),
        ("WE GO ON AND SO WILL MY CAT", "we go on AND so WILL my CAT"),
        ("It was sooo cooool", "It was so cool"),
    ],
)
def test_the_voice_says_it_so(model, written, like):
    assert model.read(written).symbols == model.read(like).symbols
