import numpy as np
import pytest

from precompute.errors import AvatarRejected
from precompute.matting.edges import refine_edges
from precompute.matting.face_inside import face_mask
from precompute.matting.moving import KEY_FRAMES, SteadyMattes
from tests.support.walkers import Gestures, Teller, Walker


def iou(found: np.ndarray, true: np.ndarray) -> float:
    a, b = found > 0.5, true > 0.5
    return (a & b).sum() / (a | b).sum()


def mattes_of(walker: Walker, teller: Teller | None = None) -> list[np.ndarray]:
    steady = SteadyMattes(teller or Teller(walker))
    return [alpha for _, alpha in steady.of(walker.frames(), walker.landmarks())]


def test_every_frame_gets_its_matte_and_the_network_sees_few():
    walker = Walker(30, x=lambda n: 8 * np.sin(n / 6))
    teller = Teller(walker)
    steady = SteadyMattes(teller)

    found = list(steady.of(walker.frames(), walker.landmarks()))

    assert len(found) == 30
    assert all((picture == walker.frame(n)).all() for n, (picture, _) in enumerate(found))
    assert min(iou(alpha, walker.truth(n)) for n, (_, alpha) in enumerate(found)) > 0.97
    assert steady.keys == len(teller.asked) <= 30 // KEY_FRAMES + 2
    assert {alpha.dtype for _, alpha in found} == {np.dtype(np.float32)}


def test_frames_are_given_out_as_they_come():
    walker = Walker(60)
    taken = 0

    def frames():
        nonlocal taken
        for n in range(60):
            taken = n + 1
            yield walker.frame(n)

    steps = SteadyMattes(Teller(walker)).of(frames(), walker.landmarks())
    for done, _ in enumerate(steps):
        assert taken - done <= 5 * KEY_FRAMES


def test_a_mistake_in_one_key_frame_is_outvoted():
    walker = Walker(40)

    def errs(n: int, alpha: np.ndarray) -> np.ndarray:
        if n == 2 * KEY_FRAMES:
            alpha[20:90, 10:60] = 1.0
        return alpha

    found = mattes_of(walker, Teller(walker, errs))

    assert max(float(alpha[20:90, 10:45].max()) for alpha in found) < 0.05


def test_what_comes_leaves_no_ghost_before_and_is_whole_after():
    walker = Gestures(40)

    found = mattes_of(walker)

    inside = np.s_[45:75, 150:175]
    assert max(float(alpha[inside].mean()) for alpha in found[: Gestures.COMES]) < 0.05
    assert min(float(alpha[inside].mean()) for alpha in found[Gestures.COMES :]) > 0.9


def test_noise_does_not_make_edges_tremble():
    walker = Walker(40, noise=6.0)

    steady = np.array(mattes_of(walker))
    single = np.array([refine_edges(walker.frame(n), walker.truth(n)) for n in range(40)])

    assert np.abs(np.diff(steady, axis=0)).mean() < 0.4 * np.abs(np.diff(single, axis=0)).mean()


def test_the_face_is_always_whole():
    walker = Walker(20, x=lambda n: 0.5 * n)

    def errs(n: int, alpha: np.ndarray) -> np.ndarray:
        alpha[50:62, 80:110] = 0.0
        return alpha

    found = mattes_of(walker, Teller(walker, errs))

    for alpha, points in zip(found, walker.landmarks(), strict=True):
        assert alpha[face_mask(points, alpha.shape, -0.1) > 0].min() == 1.0


def test_a_key_frame_without_the_person_is_passed_over():
    walker = Walker(40)
    teller = Teller(walker, lambda n, alpha: alpha * (n != 2 * KEY_FRAMES))
    steady = SteadyMattes(teller)

    found = [alpha for _, alpha in steady.of(walker.frames(), walker.landmarks())]

    assert len(steady.refused) == 1
    assert min(iou(alpha, walker.truth(n)) for n, alpha in enumerate(found)) > 0.97


def test_a_video_without_the_person_is_refused():
    walker = Walker(20)

    with pytest.raises(AvatarRejected) as error:
        mattes_of(walker, Teller(walker, lambda n, alpha: alpha * 0))

    assert error.value.code == "matte_empty"


def test_a_video_of_one_frame_has_one_matte():
    walker = Walker(1)

    (alpha,) = mattes_of(walker)

    assert iou(alpha, walker.truth(0)) > 0.97
    assert not list(SteadyMattes(Teller(walker)).of([], []))
