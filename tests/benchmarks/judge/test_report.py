from dataclasses import replace

from benchmarks.judge.controls import Controls
from benchmarks.judge.drivers import FACE, LOUDNESS
from benchmarks.judge.material import LeftOut
from benchmarks.judge.report import Verdict, markdown, rows_of
from benchmarks.judge.scores import Scores
from benchmarks.judge.utterances import GOALS, HUMAN, SILENCE

GOOD = Scores(0.8, 0.7, 0.95, 0.9, 78, 0.01, 100, 0.02, 10.0, 0.0, 0.03, 2.0, 0.6, 0.7, 0.1)
QUIET = Scores(None, None, None, None, 0, None, 0, None, None, 0.05, None, None, 0.4, 0.7, 0.1)
CONTROLS = Controls(0.98, 0.97, 0.93, 0.96, 0.95, 1.0, 0.0, 0.07, 0.0, 1.0)


def verdict(name, scores, driver=FACE, group=""):
    return Verdict(name, group, "mira", driver, scores, GOALS[name], 12.0)


def test_targets_are_those_of_the_set_and_only_for_the_face():
    rows = {row.name: row for row in rows_of([verdict(HUMAN, GOOD), verdict(HUMAN, GOOD, LOUDNESS)], {}, [])}
    recall = rows["human, mira: closures seen"]
    assert (recall.target, recall.better, recall.reached) == (0.88, "higher", True)
    assert "78 m b p" in recall.note
    assert rows["human, mira: opening"].target == 0.78
    assert rows["human, mira, by loudness: closures seen"].target is None


def test_shortfalls_are_marked():
    rows = {row.name: row for row in rows_of([verdict(SILENCE, QUIET)], {}, [LeftOut("text", "no engine")])}
    assert not rows["silence, mira: frames that move in silence"].reached
    assert not rows["left out: text"].reached
    assert rows["left out: text"].note == "no engine"
    assert not any("closures" in name for name in rows)


def test_languages_are_rows_without_targets():
    rows = rows_of([verdict(HUMAN, GOOD, group="en")], {}, [])
    assert rows and all(row.target is None for row in rows)
    assert rows[0].name == "human en, mira: closures seen"


def test_the_judge_stands_trial_too():
    bad = replace(CONTROLS, open_closed=0.1)
    rows = {row.name: row for row in rows_of([], {"mira": CONTROLS, "theo": bad}, [])}
    assert rows["judge, mira: mouths from aperture 0.2 taken for closed"].reached
    assert not rows["judge, theo: mouths from aperture 0.2 taken for closed"].reached


def test_tables_name_everything():
    text = markdown(
        [verdict(HUMAN, GOOD), verdict(HUMAN, GOOD, LOUDNESS), verdict(SILENCE, QUIET)],
        {"mira": CONTROLS},
        [LeftOut("synthetic", "there are no recordings")],
        "about",
    )
    assert "| mira | face | 0.950 | 0.900 | 0.010 |" in text
    assert "**Left out: synthetic.** there are no recordings" in text
    assert "Wanted: closures >= 0.88, opening >= 0.78." in text
    silence = text.split("## silence")[1].split("## ")[0]
    assert "0.050" in silence and "closures seen" not in silence
    widths = {
        line.count("|") for line in text.split("## human")[1].split("## ")[0].splitlines() if "|" in line
    }
    assert len(widths) == 1
