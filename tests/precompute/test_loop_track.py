"""What is seen in real pictures."""

from itertools import chain

import cv2
import numpy as np
import pytest

from precompute.loop_track import CUT_OFF, NO_FACE, TWO_FACES, look
from tests.support.videos import swaying


def seen(frames, finder):
    done = []
    sights = look(frames, finder, done.append)
    assert done == list(range(1, len(sights.problems) + 1))
    return sights


def test_one_calm_face_is_followed_and_measured(closed, finder):
    sights = seen(swaying(closed, 1.6, width=480, height=360), finder)
    assert sights.problems == [""] * 40 and sights.meshes.shape == (40, 468, 2)
    assert 0 < sights.changes[1:].min() and sights.changes.max() < 3
    assert sights.mouths.max() < 0.08 and 0.05 < sights.eyes.min()
    middles = sights.meshes.mean(axis=1)
    assert np.abs(np.diff(middles, axis=0)).max() < 3 and np.ptp(middles[:, 0]) > 3


def test_gaps_and_walls_show_no_face_and_it_is_found_again(closed, finder):
    wall = np.full((360, 480, 3), 180, np.uint8)
    calm = list(swaying(closed, 0.5, width=480, height=360))
    sights = seen(chain(calm, [wall] * 6, calm), finder)
    assert [bool(problem) for problem in sights.problems] == [False] * 12 + [True] * 6 + [False] * 12
    assert set(sights.problems) == {"", NO_FACE} and np.isnan(sights.meshes[12:18]).all()
    assert sights.changes[12] > 20 and sights.changes[13] == 0


def test_a_second_person_is_seen_though_not_at_once(closed, smiling, finder):
    one = list(swaying(closed, 0.8, width=640, height=360, face=0.6))
    other = cv2.resize(smiling[:300, 80:380], (250, 250), interpolation=cv2.INTER_AREA)
    for frame in one[8:]:
        frame[100:350, :250] = other
    sights = seen(one, finder)
    assert sights.problems[:4] == [""] * 4 and sights.problems[10:] == [TWO_FACES] * 10
    assert np.ptp(sights.meshes.mean(axis=(1, 2))) < 15, "still the same face"


def test_a_face_that_leaves_the_picture_is_cut_off(closed, finder):
    wide = np.asarray(cv2.resize(closed, (360, 360), interpolation=cv2.INTER_AREA), np.uint8)
    frames = [np.ascontiguousarray(wide[:, left:]) for left in (0, 60, 120, 150)]
    frames = [cv2.copyMakeBorder(f, 0, 0, 0, 360 - f.shape[1], cv2.BORDER_REPLICATE) for f in frames]
    problems = seen((np.asarray(frame, np.uint8) for frame in frames), finder).problems
    assert problems[0] == "" and problems[-1] in (CUT_OFF, NO_FACE)


def test_a_frame_that_is_shown_on_is_looked_at_once(closed, finder, monkeypatch):
    frames = list(swaying(closed, 0.2, width=480, height=360))
    calls = []
    run = finder.mesh_once
    monkeypatch.setattr(finder, "mesh_once", lambda *arguments: calls.append(1) or run(*arguments))
    sights = seen([frame for frame in frames for _ in range(4)], finder)
    assert len(sights.problems) == 20 and len(calls) < 12
    assert (sights.changes[1:4] == 0).all() and sights.changes[4] > 0
    assert (sights.meshes[0] == sights.meshes[3]).all()


def test_after_a_cut_the_face_is_looked_for_anew(closed, finder):
    left = list(swaying(closed, 0.4, width=640, height=360, face=0.7))
    right = [np.ascontiguousarray(np.roll(frame, 130, axis=1)) for frame in left]
    for frame in right:
        frame[:, :130] = (200, 160, 90)
    sights = seen(chain(left, right), finder)
    assert sights.problems == [""] * 20
    places = sights.meshes.mean(axis=1)[:, 0]
    assert places[10] - places[9] == pytest.approx(130, abs=8) and abs(places[11] - places[10]) < 3


def test_nothing_is_nothing(finder):
    assert seen(iter(()), finder).meshes.shape == (0, 468, 2)


def test_small_faces_of_other_people_do_not_count(closed, smiling, finder):
    frames = list(swaying(closed, 0.3, width=640, height=360))
    small = cv2.resize(smiling, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    for frame in frames:
        frame[: small.shape[0], : small.shape[1]] = small
    assert set(seen(frames, finder).problems) == {""}
