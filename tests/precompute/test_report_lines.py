import json

from precompute.report_lines import Line, read_report, report_lines
from tests.support.bundles import bundle_with, small_bundle

REPORT = {
    "version": 1,
    "steps": {
        "open": {"format": "JPEG", "done": ["turned by 90 degrees"], "empty": []},
        "face": {"judged": {"eye_span": {"value": 63.4, "unit": "px", "verdict": "fair"}, "odd": 7}},
        "look": {"problems": {"no face": 15}},
        "loop": {"left_out": [{"begin": 0.0, "end": 0.6, "reason": "no face"}]},
    },
    "notes": {"face": ["A closer photo is sharper.", 3], "part_musetalk": ["Not ready."]},
}


def test_a_report_is_told_step_by_step():
    assert report_lines(REPORT) == [
        Line("open", "format", "JPEG", ""),
        Line("open", "done", "turned by 90 degrees", ""),
        Line("face", "eye span", "63.4 px", "fair"),
        Line("face", "note", "A closer photo is sharper.", ""),
        Line("look", "problems", "no face 15", ""),
        Line("loop", "left out", "0.0-0.6 s no face", ""),
        Line("part musetalk", "note", "Not ready.", ""),
    ]


def test_what_a_stranger_wrote_is_harmless():
    nasty = {"steps": {"a\x1b[2J": {"b": "c\x07d\n" + "e" * 999}, "f": 5}, "notes": [1]}
    (line,) = report_lines(nasty)
    assert line.step == "a [2J" and line.value.startswith("c d e") and len(line.value) == 200
    assert report_lines({}) == []


def test_it_is_read_from_an_avatar(tmp_path):
    with_it = bundle_with(tmp_path, "ada", {"report.json": json.dumps(REPORT).encode()})
    assert read_report(with_it) == REPORT
    assert read_report(small_bundle(tmp_path, "bob")) is None
    for name, text in (("cat", b"no json"), ("dog", b"[1]"), ("eel", b"[" * 9000)):
        assert read_report(bundle_with(tmp_path, name, {"report.json": text})) is None
