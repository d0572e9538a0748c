"""Which stretch of a video becomes the loop: made-up sights."""

import dataclasses

import numpy as np
import pytest

from precompute.errors import AvatarRejected
from precompute.loop import CUT, FROZEN, UNUSED, LeftOut, choose_stretch
from precompute.loop_match import FADE
from precompute.loop_track import COVERED, DISSOLVE, NO_FACE, TURNED, TWO_FACES, Sights
from precompute.mesh_points import UPPER_FACE

WIDTH = 100.0


def sights(seconds: float, speed: np.ndarray | float = 0.05, **changes) -> Sights:
    """A head that goes in circles at a speed (widths of the face per second), and so never turns back."""
    count = round(seconds * 25)
    rng = np.random.default_rng(4)
    face = rng.uniform(0, WIDTH, (468, 2)).astype(np.float32)
    face[0], face[1] = (0, 0), (WIDTH, WIDTH)
    turned = np.cumsum(np.broadcast_to(np.asarray(speed, float), count) / 25)
    circle = WIDTH * np.column_stack([np.cos(turned), np.sin(turned)])
    meshes = face[None] + 300 + circle[:, None].astype(np.float32)
    fields = {
        "problems": [""] * count,
        "meshes": meshes.astype(np.float32),
        "changes": np.full(count, 0.8),
        "mouths": np.full(count, 0.03),
        "eyes": np.full(count, 0.1),
        "yaws": np.zeros(count),
        "thumbs": np.zeros((count, 36, 64), np.uint8),
    }
    return Sights(**(fields | changes))


def problems(count: int, *which: tuple[int, int, str]) -> list[str]:
    found = [""] * count
    for begin, end, reason in which:
        found[begin:end] = [reason] * (end - begin)
    return found


def test_a_calm_video_is_taken_nearly_whole():
    stretch = choose_stretch(sights(10))
    assert stretch.end - stretch.begin > 225 and stretch.speaking == 0


def test_what_cannot_be_used_is_left_out_with_its_times():
    found = problems(500, (0, 20, NO_FACE), (200, 225, TWO_FACES), (300, 301, TURNED))
    stretch = choose_stretch(sights(20, problems=found))
    assert (301 <= stretch.begin and stretch.end <= 500) or (stretch.begin >= 20 and stretch.end <= 200)
    said = {str(part) for part in stretch.left_out}
    assert {"0.0-0.8 s: no face", "8.0-9.0 s: two faces", "12.00-12.04 s: the face is turned away"} <= said
    covered = sum(part.end - part.begin for part in stretch.left_out) + (stretch.end - stretch.begin) / 25
    assert covered == pytest.approx(20)


def test_cuts_end_a_stretch_and_quick_heads_do_not():
    changes = np.full(500, 0.8)
    changes[300] = 30
    stretch = choose_stretch(sights(20, changes=changes))
    assert stretch.end <= 300
    assert any(part.reason == CUT and part.begin == 12 for part in stretch.left_out)
    # Somebody who swings about in front of a wild wallpaper.
    lively = choose_stretch(sights(20, changes=np.random.default_rng(0).uniform(6, 12, 500)))
    assert lively.end - lively.begin > 400


def test_a_face_that_jumps_is_a_cut_even_where_the_wall_is_the_same():
    material = sights(10)
    material.meshes[150:] += 60
    stretch = choose_stretch(material)
    assert stretch.end <= 150


def test_a_jump_while_a_picture_is_shown_on_is_no_cut():
    material = sights(8)
    for group in range(0, 200, 5):
        material.meshes[group : group + 5] = material.meshes[group] + group * 5.0
        material.changes[group + 1 : group + 5] = 0
    stretch = choose_stretch(material)
    assert not any(part.reason == CUT for part in stretch.left_out)


def test_it_turns_round_where_the_head_is_at_rest():
    speed = np.full(300, 0.6)
    speed[40:60] = speed[240:262] = 0.0
    stretch = choose_stretch(sights(12, speed))
    assert 40 <= stretch.begin <= 60 and 240 <= stretch.end - 1 <= 262
    assert max(stretch.speeds) < 0.1


def test_a_closed_mouth_is_worth_a_shorter_loop_but_not_any():
    mouths = np.full(500, 0.03)
    mouths[:260] = 0.3
    stretch = choose_stretch(sights(20, mouths=mouths))
    assert stretch.begin > 240 and stretch.speaking < 0.1
    mouths[:420] = 0.3
    assert choose_stretch(sights(20, mouths=mouths)).begin < 200


def test_standstill_is_left_out():
    changes = np.full(300, 0.8)
    changes[100:150] = 0
    stretch = choose_stretch(sights(12, changes=changes))
    assert stretch.begin >= 150
    assert any(part.reason == FROZEN and part.begin == 4 for part in stretch.left_out)
    # At 10 frames per second, most frames are shown on.
    slow = np.where(np.arange(300) % 3, 0, 0.8)
    assert choose_stretch(sights(12, changes=slow)).end > 250


def test_the_loop_is_no_longer_than_can_be_played():
    stretch = choose_stretch(sights(60))
    assert stretch.end - stretch.begin <= 750
    assert {part.reason for part in stretch.left_out} == {UNUSED}


@pytest.mark.parametrize(
    ("material", "code", "says"),
    [
        ({"problems": problems(250, (0, 200, NO_FACE))}, "no_face", "0.0-8.0 s: no face"),
        ({"problems": problems(250, (60, 250, TWO_FACES))}, "several_faces", "only one person"),
        ({"problems": problems(250, (20, 240, COVERED))}, "mouth_covered", "no hand"),
        ({"problems": problems(250, (20, 240, DISSOLVE))}, "no_steady_stretch", "without dissolves"),
        ({"changes": np.zeros(250)}, "frozen_video", "a photo"),
        (
            {"problems": problems(250, *((n, n + 1, TURNED) for n in range(0, 250, 40)))},
            "no_steady_stretch",
            "0.00-0.04 s: the face is turned away",
        ),
    ],
)
def test_videos_without_any_stretch_are_refused_with_times(material, code, says):
    with pytest.raises(AvatarRejected) as caught:
        choose_stretch(sights(10, **material))
    assert caught.value.code == code and says in caught.value.message


def test_a_short_video_is_told_to_be_short():
    with pytest.raises(AvatarRejected) as caught:
        choose_stretch(sights(2.5))
    assert caught.value.code == "video_too_short"


def test_long_lists_are_cut():
    found = problems(1000, *((n, n + 10, NO_FACE) for n in range(0, 1000, 40)))
    with pytest.raises(AvatarRejected, match="and 17 more"):
        choose_stretch(sights(40, problems=found))


def test_the_points_that_tell_speed_are_those_that_a_mouth_does_not_move():
    material = sights(6, 0.0)
    talking = material.meshes.copy()
    others = [n for n in range(468) if n not in UPPER_FACE]
    talking[:, others] += np.random.default_rng(0).uniform(-3, 3, (150, len(others), 2))
    spoken = choose_stretch(dataclasses.replace(material, meshes=talking))
    assert max(spoken.speeds) < 0.01


def circling(seconds: float, period: float = 5.0, reach: float = 12.0, **changes) -> Sights:
    """A head that goes in an ellipse, and comes by the same places every ``period`` seconds."""
    material = sights(seconds, 0.0)
    turn = 2 * np.pi * np.arange(len(material.problems)) / 25 / period
    path = np.column_stack([reach * np.cos(turn), reach / 2 * np.sin(turn)])
    meshes = material.meshes[:1] + path[:, None].astype(np.float32)
    return dataclasses.replace(material, meshes=meshes, **changes)


def test_a_loop_whose_end_meets_its_beginning_goes_forward():
    stretch = choose_stretch(circling(17))
    assert stretch.kind == "forward" and stretch.fade == FADE
    length = stretch.end - stretch.begin
    assert length == 375 and stretch.begin >= FADE and stretch.seam < 0.002
    assert stretch.speeds == (0, 0)


def test_a_head_that_comes_by_in_the_other_direction_does_not_meet_itself():
    material = circling(12, period=12.0, reach=25.0)
    # There and back on one line: it comes by where it was, but goes the other way.
    swing = np.abs(np.arange(300.0) - 150)
    meshes = material.meshes[:1] + np.column_stack([swing, 0 * swing])[:, None].astype(np.float32)
    stretch = choose_stretch(dataclasses.replace(material, meshes=meshes))
    assert stretch.kind == "mirrored" and stretch.fade == 0


@pytest.mark.parametrize("what", ["thumbs", "eyes", "mouths"])
def test_what_else_differs_keeps_a_loop_from_going_forward(what):
    material = circling(12, period=100.0, reach=0.5)
    drift = np.linspace(0, 1, 300)
    values = {
        "thumbs": np.repeat((60 * drift[:, None] + np.arange(2304) * drift[:, None] / 30), 1, axis=1),
        "eyes": 0.1 + 0.3 * drift,
        "mouths": 0.05 + 0.9 * drift,
    }[what]
    shaped = values.reshape(300, 36, 64).astype(np.uint8) if what == "thumbs" else values
    assert choose_stretch(material).kind == "forward"
    changed = choose_stretch(dataclasses.replace(material, **{what: shaped}))
    assert changed.kind == "mirrored" or changed.end - changed.begin < 150


def test_a_much_longer_mirrored_loop_is_worth_more():
    # For the first 4.5 seconds it circles, and then it drifts, nearly at rest.
    material = circling(30, period=4.2)
    rest = material.meshes[113:114] + np.linspace(0, 60, 750 - 113)[:, None, None]
    meshes = np.concatenate([material.meshes[:113], rest]).astype(np.float32)
    stretch = choose_stretch(dataclasses.replace(material, meshes=meshes))
    assert stretch.kind == "mirrored" and stretch.end - stretch.begin > 500


def test_a_forward_loop_needs_frames_before_its_beginning():
    found = problems(425, (0, 30, NO_FACE))
    stretch = choose_stretch(circling(17, problems=found))
    assert stretch.kind == "forward" and stretch.begin - stretch.fade >= 30


def test_a_part_of_a_frame_or_two_does_not_end_where_it_begins():
    assert str(LeftOut(5.96, 6.0, UNUSED)) == "5.96-6.00 s: not needed"
    assert str(LeftOut(0.0, 1.96, UNUSED)) == "0.0-2.0 s: not needed"
    assert str(LeftOut(2.0, 2.0, CUT)) == "2.0 s: a cut"
