import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from av.video.reformatter import ColorRange
from structlog.testing import capture_logs

from avatars.loop import loop_frame
from streaming.compositor.face import FaceAssets
from streaming.compositor.loop import LoopAssets, LoopFrames
from streaming.compositor.loop_compositor import LoopCompositor
from streaming.compositor.loop_mouth_assets import load_loop_mouths
from streaming.slots import FacePixels, MouthShape
from tests.support.atlas import small_atlas
from tests.support.drawn import NUMBER, flat_patch, part_with, plain_blend, soft_mask
from tests.support.heads import small_heads
from tests.support.loops import HEIGHT, STEP, WIDTH, packed_loop

COUNT = 40
BOXES = np.array([(30.2 + 0.3 * n, 6.4, 96.6 + 0.3 * n, 88.1) for n in range(COUNT)])
"""The face moves to the right by less than a pixel per frame."""
MEAN_STEP = STEP * 219 / 255
"""Of luma, from one frame of the loop to the next."""


@pytest.fixture(scope="module")
def loop():
    return LoopAssets(WIDTH, HEIGHT, packed_loop(COUNT))


@pytest.fixture(scope="module")
def face():
    return FaceAssets(part_with(BOXES), WIDTH, HEIGHT)


@pytest.fixture
def compositor(loop, face):
    return LoopCompositor(loop, face)


def _compose(compositor, index, patch=None):
    return compositor.compose(index, patch).to_ndarray().reshape(-1).astype(int)


def _luma(packed):
    return packed[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH)


def _own_patch(loop, n):
    """What a faithful network would draw: the frame's own face (its middle, as one tone)."""
    return flat_patch(round(float(loop.picture(n).y[60:70, 60:70].mean())), n)


def test_idle_plays_the_loop_forwards_and_backwards(compositor, loop):
    for index in [*range(100), 500]:
        frame = compositor.compose(index, None)
        assert (frame.format.name, frame.width, frame.height, frame.pts) == ("yuv420p", WIDTH, HEIGHT, None)
        assert int(frame.color_range) == int(ColorRange.MPEG)
        np.testing.assert_array_equal(
            frame.to_ndarray().reshape(-1), loop.frames[loop_frame(index, COUNT, "mirrored")]
        )
    assert compositor.position == 500


def test_a_drawn_mouth_is_blended_into_the_frame_that_it_was_drawn_for(compositor, loop):
    shown = [_luma(_compose(compositor, index, flat_patch(230, index))) for index in range(30)][-1]
    picture = loop.picture(29)
    chroma = [np.zeros((76, 112), np.uint8)] * 2
    planes = (picture.y, picture.u, picture.v)
    box = tuple(float(np.float32(side)) for side in BOXES[29])
    wanted = plain_blend(planes, (np.full((152, 224), 230, np.uint8), *chroma), box, soft_mask())[0][0]
    assert np.abs(shown - wanted).max() <= 2
    assert np.abs(shown - picture.y).max() > 50


def test_nothing_shared_is_written(compositor, loop):
    before = loop.frames.copy()
    frames = [compositor.compose(index, flat_patch(10, 3 * index % COUNT)) for index in range(8)]
    kept = [frame.to_ndarray() for frame in frames]
    for index in range(8, 30):
        compositor.compose(index, flat_patch(250, index))
    np.testing.assert_array_equal(loop.frames, before)
    for frame, first in zip(frames, kept, strict=True):
        np.testing.assert_array_equal(frame.to_ndarray(), first)


def _steps(lumas):
    """The mean and the largest change of a pixel, from frame to frame."""
    changes = [np.abs(b - a) for a, b in pairwise(lumas)]
    return [c.mean() for c in changes], [c.max() for c in changes]


@pytest.mark.parametrize("ahead", [0, 8, -7])
def test_no_jump_from_idle_to_speech_and_back(compositor, loop, ahead):
    """``ahead``: by how many frames the performer was wrong about where the loop is."""
    lumas = [_luma(_compose(compositor, index)) for index in range(10)]
    for index in range(10, 22):
        n = loop_frame(index + ahead, COUNT, "mirrored")
        lumas.append(_luma(_compose(compositor, index, _own_patch(loop, n))))
    last = loop_frame(21 + ahead, COUNT, "mirrored")
    for index in range(22, 34):
        lumas.append(_luma(_compose(compositor, index)))
    means, most = _steps(lumas)
    own = MEAN_STEP + 1
    # A wrong guess of eight frames takes six to be made good.
    factor = 1 if ahead == 0 else 2.5
    assert max(means) <= factor * own
    # The patch is flat and the frame is not: that much is drawn over in four frames.
    flatness = np.abs(loop.picture(0).y[40:88, 30:100].astype(int) - loop.picture(0).y[65, 65]).max()
    assert max(most) <= factor * own + flatness / 4 + 2
    np.testing.assert_array_equal(lumas[-1], loop.picture(loop_frame(last + 12, COUNT, "mirrored")).y)
    assert compositor.position == 33 + ahead


def test_speech_shows_the_frames_that_it_names(compositor, loop):
    for index in range(5):
        compositor.compose(index, None)
    for n in range(5, 20):
        shown = _luma(_compose(compositor, n, FacePixels(n, b"", part=NUMBER)))
        np.testing.assert_array_equal(shown, loop.picture(n).y)


def test_silence_in_speech_fades_the_mouth_and_keeps_the_frames(compositor, loop):
    for index in range(8):
        compositor.compose(index, flat_patch(230, index))
    heights = []
    for index in range(8, 14):
        shown = _luma(_compose(compositor, index, FacePixels(index, b"", part=NUMBER)))
        heights.append(float((shown - loop.picture(index).y)[60:75, 55:75].mean()))
    assert heights[:5] == sorted(heights[:5], reverse=True)
    assert heights[0] > 50 and heights[3] == heights[4] == 0


def test_shapes_of_an_atlas_let_the_loop_go_on(compositor, loop):
    for index in range(20):
        shown = _compose(compositor, index, MouthShape(0.8, energy=1.0))
        np.testing.assert_array_equal(shown, loop.frames[index])


@pytest.mark.parametrize(
    "damaged",
    [FacePixels(7, b"x" * 99, part=NUMBER), flat_patch(1, COUNT), flat_patch(1, -1)],
)
def test_a_damaged_patch_lets_the_loop_go_on_and_is_told_once(compositor, loop, damaged):
    with capture_logs() as logs:
        shown = [_compose(compositor, index + 2, damaged) for index in range(6)][-1]
    assert len(logs) == 1
    expected = damaged.frame if damaged.frame == 7 else 7
    np.testing.assert_array_equal(shown, loop.frames[expected])


def test_the_loop_goes_on_where_patches_belong_to_another_face_until_its_part_is_found(loop, face):
    parts = []
    compositor = LoopCompositor(loop, None, lambda: parts[0] if parts else None)
    for index in range(6):
        shown = _compose(compositor, index, flat_patch(250, 30))
        np.testing.assert_array_equal(shown, loop.frames[index])
    newer = FaceAssets(dataclasses.replace(part_with(BOXES), fingerprint="newer"), WIDTH, HEIGHT)
    parts.append(newer)
    other = LoopCompositor(loop, newer)
    patches = [flat_patch(250, index, part=newer.number) for index in range(6, 12)]
    shown, expected = ([_compose(c, p.frame, p) for p in patches] for c in (compositor, other))
    np.testing.assert_array_equal(shown, expected)
    assert _luma(shown[-1]).max() > 240


def test_a_part_without_a_mouth_in_sight_draws_nothing(loop):
    part = part_with(BOXES)
    dark = dataclasses.replace(part, masks=np.zeros_like(part.masks))
    compositor = LoopCompositor(loop, FaceAssets(dark, WIDTH, HEIGHT))
    shown = [_compose(compositor, index, flat_patch(250, index)) for index in range(6)][-1]
    np.testing.assert_array_equal(shown, loop.frames[5])


def test_places_that_are_not_kept_are_made_again_the_same(loop, face):
    forgetful = FaceAssets(part_with(BOXES), WIDTH, HEIGHT, kept_bytes=0)
    one, other = LoopCompositor(loop, face), LoopCompositor(loop, forgetful)
    for index in range(8):
        patch = flat_patch(200, index)
        np.testing.assert_array_equal(_compose(one, index, patch), _compose(other, index, patch))
    assert face.place(3) is face.place(3)
    assert forgetful.place(3) is not forgetful.place(3)
    assert forgetful.nbytes < face.nbytes


def test_frames_depend_on_slots_and_patches_alone(loop, face):
    def run(other):
        compositor = LoopCompositor(loop, face)
        made = []
        for index in (0, 1, 4, 5, 6, 7, 12, 13):
            made.append(_compose(compositor, index, flat_patch(99, 20 + index) if index > 3 else None))
            if other is not None:
                other.compose(index, flat_patch(200, index))
        return made

    np.testing.assert_array_equal(run(None), run(LoopCompositor(loop, face)))


class Unfinished(LoopFrames):
    """Frames of which some are not decoded yet."""

    def __init__(self):
        self.frames = packed_loop(COUNT)

    def __len__(self):
        return COUNT

    def __getitem__(self, frame):
        return self.frames[frame]

    @property
    def whole(self):
        return False


def test_a_loop_that_is_still_being_decoded_begins_with_what_is_there():
    compositor = LoopCompositor(LoopAssets(WIDTH, HEIGHT, Unfinished(), "forward"))
    for n, index in enumerate(range(500, 500 + COUNT + 3)):
        np.testing.assert_array_equal(_compose(compositor, index), packed_loop(COUNT)[n % COUNT])
        assert compositor.position == n


@pytest.fixture(scope="module")
def mouths():
    return load_loop_mouths(small_atlas(), small_heads(COUNT, 0.2))


def _blueness(packed):
    """Of the mouth's middle: the loop is grey, and an open mouth of the atlas is blue."""
    blue = packed[WIDTH * HEIGHT : WIDTH * HEIGHT * 5 // 4].reshape(HEIGHT // 2, WIDTH // 2)
    return float(blue[36:38, 30:36].mean()) - 128


def test_shapes_of_an_atlas_for_moving_heads_are_drawn_and_go(loop, mouths):
    compositor = LoopCompositor(loop, mouths=mouths)
    shown = [_compose(compositor, index) for index in range(5)]
    shown += [_compose(compositor, index, MouthShape(1.0, energy=1.0)) for index in range(5, 15)]
    shown += [_compose(compositor, index) for index in range(15, 30)]
    blue = [_blueness(packed) for packed in shown]
    assert blue[5] < blue[6] < min(blue[8:15]) and min(blue[8:15]) > 20
    assert blue[14] > blue[15] > 0
    for index in (*range(5), *range(22, 30)):
        np.testing.assert_array_equal(shown[index], loop.frames[index])


def test_the_mouth_of_the_atlas_opens_for_patches_of_another_face(loop, mouths):
    compositor = LoopCompositor(loop, mouths=mouths)
    loud = [FacePixels(n, b"another face", energy=0.5 + 0.05 * n, part=NUMBER + 1) for n in range(10)]
    assert [_blueness(_compose(compositor, n, patch)) for n, patch in enumerate(loud)][-1] > 6


def test_drawn_patches_lie_over_the_atlas_that_leaves(loop, face, mouths):
    compositor = LoopCompositor(loop, face, mouths=mouths)
    for index in range(10):
        _compose(compositor, index, MouthShape(0.8))
    shown = [_luma(_compose(compositor, index, flat_patch(230, index))) for index in range(10, 30)]
    plain = LoopCompositor(loop, face)
    wanted = [_luma(_compose(plain, index, flat_patch(230, index))) for index in range(30)]
    np.testing.assert_array_equal(shown[-1], wanted[-1])
