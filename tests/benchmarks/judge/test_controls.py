from benchmarks.judge import controls
from benchmarks.judge.report import ORDER_GOAL


def test_the_judge_can_be_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr(controls, "STILL_FRAMES", 100)
    found = controls.check(tmp_path, "theo")
    assert found.order >= ORDER_GOAL
    assert found.line > 0.95
    assert found.pressed == 1
    assert found.open_closed == 0
    assert found.still_moving <= 0.02
    assert found.parted_moving == 1
    assert 0.03 < found.closed_until < controls.PARTED
