import pytest

from streaming.gpu.costs import cheapest_each, cost_of

TABLE = {1: 0.010, 2: 0.015, 4: 0.020, 8: 0.060}


@pytest.mark.parametrize(
    ("size", "seconds"),
    [(0, 0.0), (1, 0.010), (3, 0.020), (4, 0.020), (5, 0.060), (8, 0.060), (9, 0.070), (19, 0.140)],
)
def test_a_size_in_between_is_padded_and_a_larger_one_takes_several_steps(size: int, seconds: float) -> None:
    assert cost_of(TABLE, size) == pytest.approx(seconds)


def test_what_does_not_run_on_the_card_costs_nothing() -> None:
    assert cost_of({}, 5) == 0.0


def test_the_cheapest_size_is_that_of_its_parts() -> None:
    assert cheapest_each(TABLE) == 4
    assert cheapest_each(TABLE, longest=0.016) == 2
    assert cheapest_each(TABLE, most=1) == 1
    assert cheapest_each({2: 0.5, 4: 0.9}, longest=0.1) == 2
