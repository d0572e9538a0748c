import numpy as np
import pytest

from streaming.compositor.drawn_mouth import FADE_FRAMES, DrawnMouth
from streaming.slots import FacePixels, MouthShape
from tests.support.drawn import PATCH, flat_patch

SIZE = PATCH[2:]


def _weights(mouth, patches, first=0):
    return [mouth.follow(index, patch)[1] for index, patch in enumerate(patches, first)]


def test_it_comes_and_goes_in_equal_steps():
    mouth = DrawnMouth(SIZE, 1)
    spoken = _weights(mouth, [None, *[flat_patch(9)] * 6])
    assert spoken == [0, 0.25, 0.5, 0.75, 1, 1, 1]
    assert _weights(mouth, [FacePixels(0, b"")] * 5, 7) == [0.75, 0.5, 0.25, 0, 0]


def test_a_fade_that_is_interrupted_turns_round_where_it_is():
    mouth = DrawnMouth(SIZE, 1)
    patches = [flat_patch(9)] * 3 + [None, None] + [flat_patch(9)] * 2
    assert _weights(mouth, patches) == [0.25, 0.5, 0.75, 0.5, 0.25, 0.5, 0.75]


def test_the_last_pixels_are_what_fades_out():
    mouth = DrawnMouth(SIZE, 1)
    mouth.follow(0, flat_patch(9))
    mouth.follow(1, flat_patch(77, chroma=(10, 20)))
    shown, weight = mouth.follow(2, MouthShape(0.5))
    assert shown is not None and weight == 0.25
    assert (shown.y == 77).all() and (shown.u == 10).all() and (shown.v == 20).all()
    assert shown.y.shape == (SIZE[1], SIZE[0]) and shown.v.shape == (SIZE[1] // 2, SIZE[0] // 2)
    assert mouth.follow(3, None) == (None, 0)


def test_skipped_slots_count():
    mouth = DrawnMouth(SIZE, 1)
    mouth.follow(0, None)
    assert mouth.follow(3, flat_patch(9))[1] == 3 / FADE_FRAMES
    assert mouth.follow(99, None) == (None, 0)


def test_pixels_are_not_copied():
    patch = flat_patch(5)
    shown, _ = DrawnMouth(SIZE, 1).follow(0, patch)
    assert shown is not None
    assert np.shares_memory(shown.y, np.frombuffer(patch.pixels, np.uint8))


@pytest.mark.parametrize("size", [None, (SIZE[0], SIZE[1] - 2)])
def test_a_patch_that_does_not_fit_is_silence(size):
    mouth = DrawnMouth(size, 1)
    assert [mouth.follow(index, flat_patch(9)) for index in range(3)] == [(None, 0)] * 3
