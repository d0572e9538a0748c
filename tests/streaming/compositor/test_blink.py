import itertools

import numpy as np

from streaming.compositor.blink import Blink, draw_blink
from streaming.timing import FPS


def test_a_blink_falls_holds_and_rises_more_slowly():
    blink = Blink(10.0, fall=2.0, hold=1.0, rise=5.0, depth=1.0)
    path = [blink.closure(i) for i in range(22)]
    assert path[10] == 0 and path[12] == path[13] == 1 and path[18] == 0
    assert 0 < path[11] < 1
    assert all(a > b for a, b in itertools.pairwise(path[13:19]))
    assert path[13] - path[14] > path[16] - path[17]


def test_every_whole_blink_is_seen_shut_in_some_frame():
    random = np.random.default_rng(1)
    for _ in range(300):
        blink = draw_blink(random.uniform(0, 50), random.random, whole=True)
        assert max(blink.closure(i) for i in range(80)) == 1
        assert 0.22 < (blink.end - blink.start) / FPS < 0.42
        assert blink.rise > 1.3 * blink.fall


def test_some_blinks_are_half_ones():
    random = np.random.default_rng(2)
    depths = np.array([draw_blink(0, random.random).depth for _ in range(2000)])
    assert 0.10 < (depths < 1).mean() < 0.20
    assert 0.4 < depths.min()
