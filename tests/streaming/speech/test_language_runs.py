from hypothesis import given
from hypothesis import strategies as st

from streaming.speech.language_runs import LanguageRuns, RunSplitter


def detect(sentence, expected):
    """Sentences say their language by a letter of the alphabet."""
    return next((c for c in sentence if c in "ABC"), expected)


def split(*pieces):
    splitter = RunSplitter(detect)
    runs = [splitter.feed(piece) for piece in pieces]
    return [*runs, splitter.feed("", final=True)]


def test_sentences_of_one_language_stay_together():
    assert split("Aa. Aaa! Ba? Bb.") == [[("A", "Aa. Aaa! "), ("B", "Ba? ")], [("B", "Bb.")]]


def test_sentences_that_do_not_say_go_with_the_first_that_does():
    assert split("x. y. Ca. z. ", "Aa. ") == [[("C", "x. y. Ca. ")], [("C", "z. ")], [("A", "Aa. ")]]
    assert split("x.") == [[], [(None, "x.")]]


def test_a_long_sentence_is_not_waited_for():
    start = "A" + "a" * 40
    assert split(start, " more", " and. Bb. Bb") == [
        [("A", start)],
        [("A", " more")],
        [("A", " and. "), ("B", "Bb. ")],
        [("B", "Bb")],
    ]


def test_east_asian_stops_need_no_space():
    assert split("Aあ。Bい。", "Cう") == [[("A", "Aあ。")], [("B", "Bい。")], [("C", "Cう")]]


@given(st.lists(st.text("ABCabc. \n。x", max_size=12), max_size=12))
def test_no_character_is_lost(pieces):
    runs = [run for runs in split(*pieces) for run in runs]
    assert "".join(text for _, text in runs) == "".join(pieces)


async def pieces(*texts):
    for text in texts:
        yield text


async def test_runs_know_where_they_begin():
    runs = LanguageRuns(pieces("Aa. Aa. B", "b. Bb. ", "Aa."), detect)
    found = [(run.language, run.offset, [p async for p in run.text]) async for run in runs.runs()]
    assert found == [("A", 0, ["Aa. Aa. "]), ("B", 8, ["Bb. ", "Bb. "]), ("A", 16, ["Aa."])]
