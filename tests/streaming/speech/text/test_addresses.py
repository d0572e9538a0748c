import pytest

from streaming.speech.text.addresses import MAX_SAID_CHARACTERS, say_addresses, say_web_address


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("https://example.com/x?y=1", "example dot com slash x"),
        ("https://www.example.com.", "example dot com."),
        ("www.example.org/docs/guide/deep/er", "example dot org slash docs slash guide"),
        ("http://localhost:8080/", "localhost"),
        ("example.co.uk,", "example dot co dot uk,"),
        ("https://user:secret@example.com/", "example dot com"),
        ("my-site.dev#top", "my dash site dot dev"),
        ("bob.lee@mail.example.com", "bob dot lee at mail dot example dot com"),
        ("mailto:a_b@example.org", "a underscore b at example dot org"),
        ("https://example.com/d/8f3a91c07b2e4455", "example dot com slash d"),
    ],
)
def test_addresses_are_said_sensibly(written, said):
    assert say_addresses(written).strip() == said


@pytest.mark.parametrize(
    "word", ["e.g.", "3.14", "U.S.A.", "end.", "p.m.", "node.js", "a/b", "$9.99", "@home"]
)
def test_other_words_are_left_alone(word):
    assert say_addresses(word) == word


def test_long_addresses_are_bounded():
    assert len(say_web_address("https://" + "abcdefgh." * 40 + "com/" + "a/" * 50)) <= MAX_SAID_CHARACTERS
