from dataclasses import replace

from benchmarks.gpu_tts.figures import Measured, prediction, rows_of

MEASURED = Measured(
    "1.7B",
    package=0.050,
    package_utterance=(3.0, 60),
    loops={"eager": 0.040, "static": 0.020, "graphs": 0.004},
    sessions={1: 0.004, 4: 0.005},
    first_sound={"graphs": 0.030},
    codec={1: 0.003},
    peak_bytes=5_500_000_000,
    weight_bytes=5_320_000_000,
    kernels={"eager": 6000, "static": 2000},
    half_kernels=2200,
    half_bytes=5_320_000_000,
)
BANDWIDTH = 4e12


def test_targets_are_held_against_what_was_measured() -> None:
    rows = {row.name: row for row in rows_of(MEASURED, BANDWIDTH, (9, 0))}
    assert rows["1.7B floor per frame"].value == 1.33
    assert rows["1.7B graphs real-time factor"].value == 0.05
    faster = rows["1.7B best against the package"]
    assert faster.value == 12.5 and faster.reached and faster.note == "graphs"
    assert not rows["1.7B best against the floor"].reached
    assert rows["1.7B graphs first audio"].reached and rows["1.7B graphs first audio"].target == 60
    assert rows["1.7B peak memory, 4 sessions"].reached
    assert "64.0 s of speech per second" in rows["1.7B 4 sessions per frame"].note


def test_the_faster_of_the_captured_loops_counts() -> None:
    both = replace(MEASURED, loops={**MEASURED.loops, "compiled": 0.0025})
    rows = {row.name: row for row in rows_of(both, BANDWIDTH, (9, 0))}
    assert rows["1.7B best against the package"].value == 20
    assert rows["1.7B best against the floor"].note == "compiled"


def test_a_card_that_is_not_hopper_has_no_target_for_first_audio() -> None:
    rows = {row.name: row for row in rows_of(MEASURED, BANDWIDTH, (7, 5))}
    assert rows["1.7B graphs first audio"].target is None


def test_what_was_not_measured_is_not_written() -> None:
    names = [row.name for row in rows_of(Measured("tiny", loops={"graphs": 1.0}, weight_bytes=1), 1e9, None)]
    assert not any("memory" in name or "T4" in name for name in names)


def test_a_prediction_says_that_it_is_one() -> None:
    row = prediction(MEASURED, BANDWIDTH)
    each = (0.004 - 0.00133) / 2000
    assert abs(row.value - (5.32e9 / 240e9 + 2200 * each) * 1e3) < 1e-6
    assert row.note.startswith("PREDICTION") and row.target is None
