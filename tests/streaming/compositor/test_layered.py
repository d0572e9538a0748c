import av
import numpy as np
import pytest

from streaming.compositor.behind import Film, Plain
from streaming.compositor.layered import BackedCompositor, TransparentCompositor
from streaming.compositor.planes import frame_planes, packed_size, unpack

WIDTH, HEIGHT = 96, 64
RANDOM = np.random.default_rng(3)
PERSON = RANDOM.integers(16, 236, packed_size(WIDTH, HEIGHT)).astype(np.uint8)
ALPHA = np.uint8(np.repeat(np.linspace(0, 255, WIDTH).round()[None], HEIGHT, axis=0))


class Person:
    width, height, position = WIDTH, HEIGHT, 7

    def __init__(self):
        self.asked = []

    def compose(self, index, patch):
        self.asked.append((index, patch))
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        frame_planes(frame).put(unpack(PERSON, WIDTH, HEIGHT))
        return frame


class Flat:
    def __init__(self, alpha):
        self.alpha = alpha

    def draw(self, target):
        target[:] = self.alpha


def _film(count):
    frames = RANDOM.integers(16, 236, (count, packed_size(WIDTH, HEIGHT))).astype(np.uint8)
    return Film(WIDTH, HEIGHT, frames)


def _over(behind, alpha=ALPHA):
    """What it should be, in floats."""
    person = unpack(PERSON, WIDTH, HEIGHT)
    half = alpha.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean(axis=(1, 3))
    planes = []
    for plane, under, share in (
        (person.y, behind[0], alpha),
        (person.u, behind[1], half),
        (person.v, behind[2], half),
    ):
        planes.append(plane * (share / 255) + under * (1 - share / 255))
    return planes


def _difference(frame, wanted):
    planes = frame_planes(frame)
    pairs = zip((planes.y, planes.u, planes.v), wanted, strict=True)
    return max(float(np.abs(shown - should).max()) for shown, should in pairs)


@pytest.mark.parametrize("yuv", [(16, 128, 128), (235, 16, 240), (81, 90, 240)])
def test_the_person_stands_before_a_colour(yuv):
    compositor = BackedCompositor(Person(), Flat(ALPHA), Plain(yuv))
    assert _difference(compositor.compose(0, None), _over(yuv)) <= 1.3
    assert (compositor.width, compositor.height, compositor.position) == (WIDTH, HEIGHT, 7)


def test_the_person_stands_before_the_film_of_the_slot():
    film = _film(3)
    compositor = BackedCompositor(Person(), Flat(ALPHA), film)
    for index in (0, 1, 5, 100):
        under = unpack(film.frames[index % 3], WIDTH, HEIGHT)
        wanted = _over((under.y, under.u, under.v))
        assert _difference(compositor.compose(index, None), wanted) <= 1.3


def test_all_of_the_person_and_nothing_are_exact():
    film = _film(1)
    for alpha, shown in ((255, PERSON), (0, film.frames[0])):
        frame = BackedCompositor(Person(), Flat(alpha), film).compose(0, None)
        np.testing.assert_array_equal(frame.to_ndarray().reshape(-1), shown)
    frame = BackedCompositor(Person(), Flat(0), Plain((10, 250, 3))).compose(0, None)
    planes = frame_planes(frame)
    assert {int(planes.y.min()), int(planes.y.max())} == {10}
    assert {int(planes.u.max()), int(planes.v.min())} == {250, 3}


def test_a_film_that_is_still_decoded_begins_at_its_beginning(monkeypatch):
    film = _film(4)
    monkeypatch.setattr(Film, "whole", False)
    compositor = BackedCompositor(Person(), Flat(0), film)
    for index, frame in ((101, 0), (102, 1), (105, 0)):
        shown = compositor.compose(index, None).to_ndarray().reshape(-1)
        np.testing.assert_array_equal(shown, film.frames[frame])


def test_the_person_alone_has_the_colours_as_they_were_and_a_matte_of_its_own():
    person = Person()
    compositor = TransparentCompositor(person, Flat(ALPHA), Plain((200, 128, 128)))
    layers = compositor.compose_layers(4, None)
    compositor.compose_layers(5, None)
    np.testing.assert_array_equal(layers.frame.to_ndarray().reshape(-1), PERSON)
    np.testing.assert_array_equal(layers.alpha, ALPHA)
    assert person.asked == [(4, None), (5, None)]


def test_what_is_shared_is_not_written():
    film = _film(2)
    before = np.array(film.frames[1])
    BackedCompositor(Person(), Flat(ALPHA), film).compose(1, None)
    np.testing.assert_array_equal(film.frames[1], before)
