"""Mouths that are drawn into a film are where the film has them, and look as if they had been said there."""

import dataclasses

import numpy as np
import pytest

from avatars.heads import eye_span, validate
from benchmarks.moving_head import MovingHead
from precompute.errors import AvatarRejected
from precompute.mesh_points import OUTER_LOWER, OUTER_UPPER
from precompute.moving.build import build_moving_mouths
from precompute.moving.fitting import basis
from precompute.moving.looking import MouthSights, choose_reference
from precompute.moving.sheet import moving_sheet, shown_frames
from streaming.compositor.easing import MouthPose
from streaming.compositor.loop_mouth import LoopMouth
from streaming.compositor.loop_mouth_assets import load_loop_mouths
from streaming.compositor.planes import packed_size, unpack
from tests.precompute.moving.conftest import FRAMES, Film, talking
from tests.support.coarse import APERTURES, WIDTHS

LIPS = [*OUTER_UPPER, *OUTER_LOWER]


def _errors(film, heads, unit):
    """(N, n, 2) pixels by which places on the lips are laid beside where they are."""
    reference = int(heads.reference[0])
    origin = heads.centres[reference]
    errors = []
    for n in range(FRAMES):
        places = film.landmarks[n][LIPS]
        laid = basis((places - heads.centres[n]) / unit) @ heads.maps[n].T * unit + origin
        errors.append(laid - film.head.shown_at(reference, film.head.origins(n, places)))
    return np.array(errors)


def _drawn(film, made, frame, pose):
    source = film.planes[frame]
    target = unpack(np.empty(packed_size(512, 512), np.uint8), 512, 512)
    target.put(source)
    LoopMouth(load_loop_mouths(made.atlas, made.heads)).draw(frame, pose, 1.0, source, target)
    return target


def _psnr(one, other, centre):
    x, y = (int(v) for v in centre)
    around = np.s_[y - 45 : y + 75, x - 60 : x + 60]
    return 10 * np.log10(255**2 / np.square(one.y[around].astype(float) - other.y[around]).mean())


def test_lips_are_found_where_they_are_and_do_not_tremble(film, made):
    errors = _errors(film, made.heads, eye_span(made.atlas))
    assert np.sqrt(np.square(errors).sum(axis=-1).mean()) < 0.6
    middles = errors.mean(axis=1)
    assert np.linalg.norm(np.diff(middles, axis=0), axis=1).max() < 0.3


def test_all_fits_together_and_the_reference_is_itself(made):
    validate(made.heads, made.atlas, FRAMES)
    assert made.heads.moves.shape[:2] == (len(APERTURES), len(WIDTHS))
    n = int(made.heads.reference[0])
    np.testing.assert_allclose(made.heads.maps[n][:, :3], [[0, 1, 0], [0, 0, 1]], atol=0.02)
    np.testing.assert_allclose(made.heads.light[n][0], [1, 0, 0], atol=0.03)
    assert made.report["mouth_closed"] == 1 and made.likeness.min() > 0.8
    assert made.report["own_speech"] == 0


@pytest.mark.parametrize("pose", [MouthPose(0.7, 0.0), MouthPose(0.3, 1.0), MouthPose(press=1.0)])
def test_a_drawn_mouth_looks_as_if_it_had_been_said_in_the_film(film, made, pose):
    for frame in (0, 9, FRAMES - 1):
        wanted = film.head.planes(frame, pose)
        drawn = _psnr(_drawn(film, made, frame, pose), wanted, made.heads.centres[frame])
        own = _psnr(film.planes[frame], wanted, made.heads.centres[frame])
        assert drawn > 32
        if pose.aperture > 0.5:
            assert drawn > own + 8


def test_light_is_followed(film, made):
    reference = int(made.heads.reference[0])
    for n in range(0, FRAMES, 5):
        x, y = (int(v) for v in made.heads.centres[n])
        rx, ry = (int(v) for v in made.heads.centres[reference])
        wanted = film.head.light(n)[y, x] / film.head.light(reference)[ry, rx]
        assert made.heads.light[n, 0, 0] == pytest.approx(wanted, abs=0.02)


def test_the_loop_s_own_speech_is_seen_and_covered(mira, finder, coarse):
    film = Film(MovingHead(mira, seed=4, scale=0.5), finder, talking)
    made = build_moving_mouths(lambda: iter(film.pictures), film.landmarks, "mirrored", finder)
    own = np.array([talking(n).aperture for n in range(FRAMES)])
    assert own[int(made.heads.reference[0])] < 0.15
    assert np.corrcoef(made.heads.opened, own)[0, 1] > 0.8
    assert made.report["own_speech"] == pytest.approx((own > 0.1).mean(), abs=0.15)
    widest = int(own.argmax())
    shut = film.head.planes(widest)
    centre = made.heads.centres[widest]
    drawn = _psnr(_drawn(film, made, widest, MouthPose(press=0.001)), shut, centre)
    assert drawn > _psnr(film.planes[widest], shut, centre) + 6


def test_the_sheet_shows_frames_that_differ(film, made):
    chosen = shown_frames(made.heads)
    assert {0, FRAMES - 1} <= set(chosen) and len(chosen) == 5
    sheet = moving_sheet(iter(film.pictures), made.atlas, made.heads)
    assert sheet.shape == (5 * 180, 6 * 180, 3)


def _sights(**changes):
    plain = MouthSights(*(np.full(9, value) for value in (0.03, 0.0, 0.0, 50.0, 120.0)))
    return dataclasses.replace(plain, **changes)


def test_the_reference_has_its_mouth_shut_looks_ahead_and_is_sharp():
    gaps, yaws, details = np.full(9, 0.03), np.full(9, 0.0), np.full(9, 50.0)
    gaps[:3], yaws[3:6], details[6:8] = 0.12, 15, 10
    assert choose_reference(_sights(gaps=gaps, yaws=yaws, details=details)) == 8
    assert choose_reference(_sights(gaps=np.linspace(0.3, 0.1, 9))) == 8


@pytest.mark.parametrize(
    ("changes", "told"), [({"spans": np.full(9, 20.0)}, "small"), ({"yaws": np.full(9, 30.0)}, "ahead")]
)
def test_a_loop_without_any_such_frame_is_refused(changes, told):
    with pytest.raises(AvatarRejected, match=told) as caught:
        choose_reference(_sights(**changes))
    assert caught.value.code == "no_still_mouth"
