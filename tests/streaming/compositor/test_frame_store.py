import numpy as np
import pytest

from streaming.compositor.frame_store import FrameStore
from streaming.compositor.planes import pack, unpack
from tests.support.loops import HEIGHT, WIDTH, packed_loop

FRAMES = packed_loop(12)
SIZE = FRAMES.shape[1]


def filled(**options) -> FrameStore:
    store = FrameStore(len(FRAMES), SIZE, WIDTH, **options)
    for frame in FRAMES:
        store.put(lambda target, frame=frame: np.copyto(target, frame))
    return store


def test_what_fits_is_kept_as_it_is():
    store = filled()
    assert len(store) == 12 and store.nbytes == FRAMES.nbytes
    for n, frame in enumerate(FRAMES):
        np.testing.assert_array_equal(store[n], frame)


@pytest.mark.parametrize("exact", [True, False])
def test_the_rest_is_squeezed_and_comes_out_again(exact):
    store = filled(exact=exact, plain_bytes=4 * SIZE)
    assert store.nbytes < FRAMES.nbytes / 2
    for n, frame in enumerate(FRAMES):
        off = np.abs(store[n].astype(int) - frame)
        assert store[n].shape == (SIZE,)
        assert off.max() == 0 if exact or n < 4 else off.mean() < 1 and off.max() < 8
        with pytest.raises(ValueError, match="read-only"):
            store[n][0] = 1


def test_colours_of_squeezed_pictures_stay():
    rng = np.random.default_rng(0)
    blocks = rng.integers(30, 220, (HEIGHT // 16, WIDTH // 16, 3), np.uint8)
    picture = pack(np.kron(blocks, np.ones((16, 16, 1), np.uint8)))
    store = FrameStore(2, SIZE, WIDTH, plain_bytes=SIZE)
    for _ in range(2):
        store.put(lambda target: np.copyto(target, picture))
    before, after = unpack(picture, WIDTH, HEIGHT), unpack(store[1], WIDTH, HEIGHT)
    for one, other in ((before.y, after.y), (before.u, after.u), (before.v, after.v)):
        assert np.abs(one.astype(int) - other).mean() < 1.5


def test_at_least_one_is_kept_as_it_is():
    np.testing.assert_array_equal(filled(plain_bytes=0)[0], FRAMES[0])
