import pytest

from benchmarks.gpu.figures import Targets, carried, rows_of_both, rows_of_faces
from benchmarks.gpu.prediction import rows_of_t4
from benchmarks.result import Row

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="MuseTalk needs diffusers, the rest of the program does not")

from benchmarks.gpu.both import Level, Loaded, Together
from benchmarks.gpu.drawing import OurCosts, RecipeCosts
from benchmarks.gpu.talking import Heard

HOPPER, ADA = Targets((9, 0)), Targets((8, 9))
RECIPE = RecipeCosts(
    whole={8: 0.030, 20: 0.025},
    drawn={8: 0.016, 20: 0.015},
    unet={8: 0.04, 20: 0.08},
    decode={8: 0.08, 20: 0.2},
    bring={8: 0.001, 20: 0.002},
    hear=0.02,
    paste=0.009,
    peak=9_000_000_000,
)
OURS = OurCosts(
    whole={"taesd": {1: 0.006, 16: 0.030}, "vae": {1: 0.012, 16: 0.110}},
    unet={1: 0.004, 16: 0.024},
    decode={"taesd": {1: 0.001, 16: 0.004}, "vae": {1: 0.007, 16: 0.085}},
    hear={1: 0.001, 8: 0.002},
    blend=0.0002,
    peak=2_500_000_000,
)


def named(rows: list[Row]) -> dict[str, Row]:
    found = {row.name: row for row in rows}
    assert len(found) == len(rows), "two rows have the same name"
    return found


def test_faces_are_held_against_the_best_of_the_recipe() -> None:
    rows = named(rows_of_faces(RECIPE, OURS, HOPPER))
    assert rows["faces: recipe, batch 20"].value == pytest.approx(40)
    # 30 ms for 16 frames, and 0.125 ms to listen to each.
    rate = 1 / (0.030 / 16 + 0.002 / 8 / 2)
    assert rows["faces: taesd, batch 16"].value == pytest.approx(rate)
    against = rows["faces: against the recipe"]
    assert against.value == pytest.approx(rate / 40) and against.reached and against.target == 8
    assert rows["faces: against the recipe without pasting"].value == pytest.approx(rate * 0.015)
    assert rows["faces: around it with taesd, batch 16"].value == pytest.approx(2)
    assert rows["faces: peak memory"].value == 2.5 and rows["faces: blend"].value == pytest.approx(0.2)


def test_other_cards_have_no_targets_and_what_was_not_measured_no_rows() -> None:
    ours = OurCosts(whole={"taesd": {1: 0.01}}, unet={1: 0.004}, decode={"taesd": {1: 0.001}})
    rows = named(rows_of_faces(RECIPE, ours, ADA))
    assert all(row.target is None for row in rows.values())
    assert "faces: blend" not in rows and "faces: peak memory" not in rows


def heard(missed: int = 0, repeated: int = 0, frame: float = 0.2) -> Heard:
    return Heard(
        slots=500,
        fresh=480 - repeated,
        silent=20,
        repeated=repeated,
        missed=missed,
        stalled=0.04 * missed,
        sound=20.0,
        first_audio=[0.1, 0.12],
        first_frame=[frame, frame + 0.02],
    )


def level(sessions: int, one: Heard, peak: int = 7_500_000_000) -> Level:
    return Level([heard() for _ in range(sessions - 1)] + [one], 21.0, 6.0, 4.2, {}, peak, 16)


def together(admitted: int = 16, **last: int) -> Together:
    found = Together("1.7B")
    found.levels = {4: level(4, heard()), 16: level(16, heard(**last), 9_000_000_000)}
    found.loaded = {16: Loaded(60.0, admitted, 25.0, "a card: 16 live sessions", 7_000_000_000)}
    return found


def test_sessions_that_get_all_they_should_are_carried() -> None:
    rows = named(rows_of_both(together(), HOPPER))
    assert rows["both 1.7B: sessions at 25 fps"].value == 16 and rows["both 1.7B: sessions at 25 fps"].reached
    assert rows["both 1.7B: 16 sessions, frame rate of the slowest"].value == 25
    assert rows["both 1.7B: 16 sessions, speech real-time factor"].value == pytest.approx(0.3)
    assert rows["both 1.7B: 16 sessions, card busy"].value == pytest.approx(100 * 10.2 / 21)
    first = rows["both 1.7B: 16 sessions, first frame after the text, median"]
    assert first.value == pytest.approx(210) and first.target == 250 and first.reached
    assert rows["both 1.7B: 4 sessions, peak memory"].reached
    assert rows["both 1.7B: 4 sessions, peak memory"].target == 8
    assert rows["both 1.7B: 16 sessions, peak memory"].target is None
    assert rows["both 1.7B: sessions let in beyond those that were seen to be carried"].reached
    assert "16 live sessions" in rows["both 1.7B: places for 16, sessions let in"].note


@pytest.mark.parametrize("trouble", [{"repeated": 10}, {"missed": 60}])
def test_one_session_in_trouble_is_seen(trouble: dict[str, int]) -> None:
    found = together(**trouble)
    assert carried(found) == 4
    rows = named(rows_of_both(found, HOPPER))
    assert not rows["both 1.7B: sessions at 25 fps"].reached
    over = rows["both 1.7B: sessions let in beyond those that were seen to be carried"]
    assert over.value == 12 and not over.reached
    assert rows_of_both(together(admitted=4, **trouble), HOPPER)[-1].value == 0


def test_a_failure_is_told_in_words() -> None:
    found = together()
    found.levels[4].heard[0].failures.append("The face cannot be drawn.")
    row = named(rows_of_both(found, HOPPER))["both 1.7B: 4 sessions, failures"]
    assert row.value == 1 and not row.reached and "cannot be drawn" in row.note


def test_what_never_came_has_no_latency() -> None:
    found = Together("tiny", levels={1: Level([Heard()], 1.0, 0.0, 0.0, {}, 0, 1)})
    rows = named(rows_of_both(found, Targets(None)))
    assert not any("first" in name or "peak" in name for name in rows)
    assert rows["both tiny: sessions at 25 fps"].value == 0


def test_predictions_say_that_they_are() -> None:
    rows = named(rows_of_t4())
    assert all(row.note.startswith("PREDICTION") and row.target is None for row in rows.values())
    assert 90 < rows["T4, predicted: taesd, batch 4"].value < 120
    assert rows["T4, predicted: sessions beside 1.7B"].value >= 1
