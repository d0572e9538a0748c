import numpy as np

from streaming.face.fresh_ear import FADE_STEPS, HEARS_IN_STEPS, LIFE_STEPS, FreshEar

BEFORE = np.zeros((6, 40), np.float32)


class AgeStream:
    """Says how many steps it has heard; what was opened later says so in the second curve."""

    def __init__(self, number):
        self.number, self.age = number, 0

    def hear(self, rows):
        ages = self.age + np.arange(1, len(rows) // 2 + 1)
        self.age = int(ages[-1])
        return np.stack([np.full((1, 2), (age, self.number)) for age in ages]).astype(np.float32)


class AgeNet:
    def __init__(self):
        self.opened = 0

    def open(self):
        self.opened += 1
        return AgeStream(self.opened)


def hear(steps, portion, net=None):
    ear = FreshEar(net or AgeNet(), BEFORE)  # pyright: ignore[reportArgumentType]
    rows = np.zeros((2 * steps, 40), np.float32)
    parts = [ear.hear(rows[2 * i : 2 * (i + portion)]) for i in range(0, steps, portion)]
    return np.concatenate(parts)[:, 0]


def test_the_first_stream_hears_what_comes_before():
    ages = hear(10, 2)[:, 0]
    assert ages[0] == 4.0 and ages[-1] == 13.0


def test_nobody_listens_for_long_and_nobody_has_a_say_at_once():
    said = hear(1000, 2)
    assert said[:, 0].max() <= LIFE_STEPS + HEARS_IN_STEPS + FADE_STEPS + 2
    assert said[200:, 0].min() >= HEARS_IN_STEPS
    assert len(np.unique(said[said[:, 1] % 1 == 0, 1])) >= 8


def test_streams_replace_each_other_smoothly():
    numbers = hear(600, 1)[:, 1]
    assert np.diff(numbers).min() >= 0.0 and np.diff(numbers).max() <= 1 / FADE_STEPS + 1e-6


def test_only_two_listen_at_a_time():
    net = AgeNet()
    hear(1000, 2, net)
    assert net.opened <= 1 + 1000 // LIFE_STEPS


def test_long_portions_lose_nothing():
    assert len(hear(700, 7)) == 700 and len(hear(400, 200)) == 400
