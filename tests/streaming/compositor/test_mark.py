import av
import cv2
import numpy as np
import pytest

from streaming.compositor.mark import can_be_drawn, mark_of
from streaming.compositor.marked import MarkedCompositors, marked
from streaming.compositor.planes import frame_planes, pack, unpack
from streaming.sinks.planes import to_bgra
from tests.support.engines import FlatCompositors

WIDTH, HEIGHT = 256, 192


def _frame(bgr: tuple[int, int, int]) -> av.VideoFrame:
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    frame_planes(frame).put(unpack(pack(np.full((HEIGHT, WIDTH, 3), bgr, np.uint8)), WIDTH, HEIGHT))
    return frame


def _shown(frame: av.VideoFrame) -> np.ndarray:
    return to_bgra(frame, None)


@pytest.mark.parametrize("bgr", [(255, 255, 255), (0, 0, 0), (40, 90, 220)])
def test_the_text_can_be_read_on_any_picture(bgr):
    frame = _frame(bgr)
    mark = mark_of("AI-generated", WIDTH, HEIGHT)
    mark.draw(frame_planes(frame))
    x, y, w, h = mark.rect
    box = _shown(frame)[y : y + h, x : x + w].max(axis=2).astype(int)
    letters, around = mark.opacity > 0.9, mark.opacity < 0.51
    assert letters.sum() > 60
    assert box[letters].mean() - box[around].mean() > 90
    assert x + w <= WIDTH - 4 and y + h <= HEIGHT - 4 and x > WIDTH / 4, "in the corner, and small"


def test_nothing_but_its_box_is_touched():
    frame = _frame((40, 90, 220))
    before = frame.to_ndarray()
    mark = mark_of("AI-generated", WIDTH, HEIGHT)
    mark.draw(frame_planes(frame))
    changed = frame.to_ndarray()[:HEIGHT] != before[:HEIGHT]
    x, y, w, h = mark.rect
    changed[y : y + h, x : x + w] = False
    assert not changed.any()
    assert all(n % 2 == 0 for n in mark.rect)


def test_long_texts_get_smaller_and_stay_inside():
    for width, height in ((64, 64), (320, 180), (1920, 1080)):
        x, y, w, h = mark_of("W" * 40, width, height).rect
        assert 0 <= x and 0 <= y and x + w <= width and y + h <= height


@pytest.mark.parametrize("behind", [(0, 255, 0), (255, 255, 255), (0, 0, 0)])
def test_alone_it_looks_the_same_over_any_background(behind):
    """Half of the mark is over the person, half over nothing."""
    mark = mark_of("AI-generated", WIDTH, HEIGHT)
    x, _, w, _ = mark.rect
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[:, : (x + w // 2) // 2 * 2] = 255
    person = (40, 90, 220)
    layer, whole = _frame(person), _frame(behind)
    frame_planes(whole).window(0, 0, (x + w // 2) // 2 * 2, HEIGHT).put(
        frame_planes(_frame(person)).window(0, 0, (x + w // 2) // 2 * 2, HEIGHT)
    )
    mark.draw(frame_planes(whole))
    mark.draw_alone(frame_planes(layer), alpha)
    seen = to_bgra(layer, alpha)
    share = seen[..., 3:] / 255
    over = seen[..., :3] * share + np.array(behind) * (1 - share)
    difference = np.abs(over - _shown(whole)).max(axis=2)
    # Around letters chroma is coarser than alpha.
    assert cv2.blur(difference, (5, 5)).max() < 40
    assert difference[mark.rect[1] : mark.rect[1] + mark.rect[3], x : x + w].mean() < 8


def test_letters_that_the_font_lacks_are_known():
    assert can_be_drawn("AI-generated (c) 2026!")
    assert not can_be_drawn("合成")
    assert not can_be_drawn("a\nb") and not can_be_drawn("a\u202eb")
    with pytest.raises(OSError):
        can_be_drawn("x", "/no/such/font.ttf")


def test_frames_of_marked_compositors_have_it_and_others_do_not():
    plain = FlatCompositors()
    assert marked(plain, "") is plain
    compositor = MarkedCompositors(plain, "AI").open("wide", 3)
    assert (compositor.width, compositor.height, compositor.position) == (96, 64, 0)
    one = compositor.compose(0, None).to_ndarray()
    assert not np.array_equal(one, plain.open("wide").compose(0, None).to_ndarray())
    assert MarkedCompositors(plain, "AI").credits("mira") == plain.credits("mira")
