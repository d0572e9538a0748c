import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from server.captions import MAX_CUE_SECONDS, MAX_LINE, MAX_LINES, webvtt
from streaming.slots import Word


def timed(text: str, seconds: float = 0.3, pauses: dict[int, float] | None = None) -> list[Word]:
    """Words of ``text``, one after another, with a pause before some."""
    words, time = [], 0.0
    for number, match in enumerate(re.finditer(r"[\w']+", text)):
        time += (pauses or {}).get(number, 0.0)
        words.append(Word(match.group(), time, time + seconds, match.start(), match.end()))
        time += seconds
    return words


def cues(vtt: str) -> list[tuple[float, float, list[str]]]:
    def seconds(stamp: str) -> float:
        hours, minutes, rest = stamp.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(rest)

    found = []
    for block in vtt.strip().split("\n\n")[1:]:
        times, *lines = block.split("\n")
        start, end = times.split(" --> ")
        found.append((seconds(start), seconds(end), lines))
    return found


def test_sentences_get_cues_of_their_own_with_their_punctuation():
    text = "Hello there! How are you today?"
    assert [lines for _, _, lines in cues(webvtt(timed(text), text))] == [
        ["Hello there!"],
        ["How are you today?"],
    ]


def test_a_pause_starts_a_cue():
    text = "one two three"
    assert len(cues(webvtt(timed(text, pauses={2: 1.0}), text))) == 2


def test_markup_is_escaped_and_times_have_hours():
    text = "if a<b & c>d"
    words = [Word("if", 3661.5, 3662.0, 0, 2), Word("a", 3662.0, 3663.0, 3, 12)]
    assert webvtt(words, text) == "WEBVTT\n\n01:01:01.500 --> 01:01:03.000\nif a&lt;b &amp; c&gt;d\n"


def test_nothing_said_is_an_empty_file():
    assert webvtt([], "") == "WEBVTT\n"


@given(st.text(alphabet="abc defg,.!? \n", max_size=400), st.floats(0.05, 1.5))
def test_every_word_is_in_a_readable_cue_that_overlaps_no_other(text: str, seconds: float):
    words = timed(text, seconds)
    found = cues(webvtt(words, text))
    shown = " ".join(" ".join(lines) for _, _, lines in found)
    assert re.findall(r"[\w']+", shown) == [word.text for word in words]
    for start, end, lines in found:
        assert end > start
        assert len(lines) <= MAX_LINES or len(lines[0]) > MAX_LINE
        assert end - start <= MAX_CUE_SECONDS + 0.01
    for (_, end, _), (start, _, _) in itertools.pairwise(found):
        assert start >= end - 0.001


def test_words_are_joined_as_they_are_written():
    text = "今日は、いい天気です。 Hola, ¿qué tal?"
    names = ["今日", "は", "いい", "天気", "です", "Hola", "qué", "tal"]
    words, at = [], 0
    for i, name in enumerate(names):
        at = text.index(name, at)
        words.append(Word(name, i * 0.3, i * 0.3 + 0.3, at, at + len(name)))
        at += len(name)
    vtt = webvtt(words, text)
    assert "\n今日は、いい天気です。\n" in vtt and "\nHola, ¿qué tal?\n" in vtt


def test_wide_characters_take_twice_the_room():
    text = "天" * 60
    words = [Word("天", i * 0.1, i * 0.1 + 0.1, i, i + 1) for i in range(60)]
    lines = [line for line in webvtt(words, text).splitlines() if line.startswith("天")]
    assert max(map(len, lines)) == 21 and "".join(lines) == text
