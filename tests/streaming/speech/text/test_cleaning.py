import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.speech.text.cleaning import say_word
from streaming.speech.text.wording import ENGLISH


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("**bold**,", "bold,"),
        ("_it_", "it"),
        ("`code`", "code"),
        ("~~gone~~", "gone"),
        ("<b>bold</b>", "bold"),
        ("here](https://example.com/a)", "here"),
        ("AT&amp;T", "AT&T"),
        ("😀", ""),
        ("hi😀!", "hi!"),
        ("👩‍👩‍👧", ""),
        ("🇯🇵", ""),
        ("wait.....", "wait…"),
        ("what?!?!", "what?"),
        ("no!!!!", "no!"),
        ("so--yes", "so—yes"),
        ("soooooo", "sooo"),
        (":-)", ""),
        (":D", ""),
        ("<3", ""),
        ("^_^", ""),
        ("¯\\_(ツ)_/¯", ""),
        ("T_T", ""),
        ("8)", "8)"),
        ("T.O", "T.O"),
        ("=3", "=3"),
        ("←", ""),
        ("†note", "note"),
        ("⇒", "→"),
        ("√2", "square root of 2"),
        ("π", "pi"),
        ("λ,", "lambda ,"),
        ("5μm", "5µm"),
        ("Αθήνα", "Athina"),
        ("⅓", "1/3"),
        ("2⅓", "2 and 1/3"),
        ("1½", "1 and ½"),
        (".NET", "dot NET"),
        (".bashrc", "dot bashrc"),
        ("Привет", "Privet"),
        ("ﬁne", "fine"),
        ("𝓗𝓮𝓵𝓵𝓸", "Hello"),
        ("Ｆｕｌｌ", "Full"),
        ("٣", "3"),
        ("a\u200bb\u202e\x00", "ab"),
        ("\ud800", ""),
        ("déjà", "déjà"),
        ("$9.99", "$9.99"),
        ("don’t", "don’t"),
        ("'quoted'", "quoted"),
        ("-", "—"),
        ("5*3", "5 times 3"),
        ("C#", "C sharp"),
        ("snake_case", "snake case"),
        ("main.py", "main dot py"),
        ("```python", ""),
        ("|---|---|", ""),
        ("12345678901234567890", "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0"),
        ("1,000,000", "1,000,000"),
    ],
)
def test_written_words(written, said):
    assert say_word(written) == said


@pytest.mark.parametrize("mark", ["-", "*", "•", "##", ">", "---", "***", "[x]", "==="])
def test_marks_at_the_start_of_a_line_are_silent(mark):
    assert say_word(mark, line_start=True) == ""


def test_long_words_are_broken():
    assert max(map(len, say_word("abcdefghij" * 20).split())) <= ENGLISH.longest_word


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_anything_becomes_plain_words(text):
    said = say_word("".join(text.split()))
    assert said == " ".join(said.split())
    assert all(c.isprintable() for c in said)
