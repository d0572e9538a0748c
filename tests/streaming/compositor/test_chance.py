import numpy as np
import pytest

from streaming.compositor.chance import chance, chances


@pytest.mark.parametrize("seed", [0, 7, -3, 2**63])
def test_one_and_many_are_the_same_numbers(seed):
    numbers = np.array([-5, -1, 0, 1, 2, 99, 10**9], np.int64)
    assert chances(seed, 4, numbers).tolist() == [chance(seed, 4, int(n)) for n in numbers]


def test_numbers_are_even_and_do_not_depend_on_each_other():
    drawn = chances(1, 2, np.arange(20000))
    assert 0 <= drawn.min() and drawn.max() < 1
    assert abs(drawn.mean() - 0.5) < 0.01 and abs(drawn.std() - 12**-0.5) < 0.01
    for other in (chances(1, 3, np.arange(20000)), chances(2, 2, np.arange(20000)), np.roll(drawn, 1)):
        assert abs(np.corrcoef(drawn, other)[0, 1]) < 0.03
