from pathlib import Path

import numpy as np
import pytest

from precompute.clear import GREY
from precompute.matting.background import Blurred, Plain
from precompute.matting.foreground import own_colours
from precompute.matting.scene import MatteWriter, SteadyColours, dressed, read_mattes
from tests.support.walkers import SIDE, Walker

GREEN = (40, 160, 40)


def walker(count: int = 3) -> Walker:
    return Walker(count, x=lambda n: 3.0 * n)


def truths(person: Walker) -> list[np.ndarray]:
    return [person.truth(n).astype(np.float32) for n in range(person.count)]


def test_a_colour_is_behind_every_frame():
    person = walker()

    shown = list(dressed(person.frames(), truths(person), Plain(GREEN)))

    for n, picture in enumerate(shown):
        assert (picture[person.truth(n) == 0] == GREEN).all()
        inside = person.truth(n) == 1
        assert (picture[inside] == person.frame(n)[inside]).all()


def test_without_a_background_there_is_grey_and_no_old_wall_in_the_rim():
    person = walker(1)

    (picture,) = dressed(person.frames(), truths(person), None)

    assert (picture[:10, :10] == GREY).all()
    rim = (person.truth(0) > 0.2) & (person.truth(0) < 0.8)
    wall = person.frame(0)[:10, :10].reshape(-1, 3).mean(axis=0)
    before = np.abs(person.frame(0)[rim] - wall).mean()
    assert np.abs(picture[rim] - wall).mean() > 1.3 * before


def test_a_blurred_background_is_that_of_each_frame():
    person = walker(2)
    frames = list(person.frames())
    frames[1] = np.where(person.truth(1)[..., None] > 0, frames[1], 255 - frames[1]).astype(np.uint8)

    first, second = dressed(frames, truths(person), Blurred())

    assert np.abs(first[:20].astype(int) - second[:20]).mean() > 20


def test_colours_along_the_outline_do_not_shimmer():
    person = Walker(16, noise=8.0)
    steady = SteadyColours()
    rim = (person.truth(0) > 0.1) & (person.truth(0) < 0.6)

    alpha = person.truth(0).astype(np.float32)
    calm = np.array([steady.of(picture, alpha)[rim] for picture in person.frames()], float)
    each = np.array([own_colours(picture, alpha)[rim] for picture in person.frames()], float)

    assert np.abs(np.diff(calm[5:], axis=0)).mean() < 0.6 * np.abs(np.diff(each[5:], axis=0)).mean()
    assert np.abs(calm[5:].mean(axis=0) - each[5:].mean(axis=0)).mean() < 8


def test_colours_inside_are_the_pictures_own():
    person = walker(3)
    steady = SteadyColours()

    for n, picture in enumerate(person.frames()):
        inside = person.truth(n) == 1
        assert (steady.of(picture, person.truth(n).astype(np.float32))[inside] == picture[inside]).all()


def test_more_frames_than_mattes_are_an_error():
    person = walker()

    with pytest.raises(ValueError):
        list(dressed(person.frames(), truths(person)[:2], Plain(GREEN)))


def test_mattes_are_read_as_they_are_shown(tmp_path: Path):
    person = walker()
    path = tmp_path / "alpha.mp4"

    with MatteWriter(path, SIDE) as film:
        for alpha in truths(person):
            film.put_matte(alpha)

    found = list(read_mattes(path))
    assert len(found) == person.count
    for alpha, true in zip(found, truths(person), strict=True):
        assert np.abs(alpha - true).mean() < 0.004
        # Nothing of what coding does to a matte is left far from the outline.
        assert (alpha[:20, :20] == 0).all() and (alpha[-10:, 90:100] == 1).all()
