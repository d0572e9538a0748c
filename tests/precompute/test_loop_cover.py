"""What comes before a mouth is found, and what a face does itself is not taken for it."""

import cv2
import numpy as np
import pytest

from avatars.store import AvatarStore
from precompute.loop_cover import GAP, MARGIN, Unwrapped, covered
from precompute.loop_track import COVERED, NO_FACE, look
from precompute.mesh_points import LIP_LOWER_INNER, LIP_UPPER_INNER
from streaming.compositor.assets import load_assets
from streaming.compositor.atlas_compositor import AtlasCompositor
from streaming.compositor.life import Life
from streaming.slots import MouthShape
from tests.support.occluders import cup, hand, microphone, passing, telephone
from tests.support.videos import swaying

SECONDS = 3.0
BEGIN, END = 30, 48
"""Frames in which a thing stays before the mouth."""
SKIN = (150, 172, 212)


@pytest.fixture(scope="module")
def calm(closed):
    return list(swaying(closed, SECONDS, width=320, height=240))


@pytest.fixture(scope="module")
def seen(calm, finder):
    return look(calm, finder, lambda done: None)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    """Mira speaks with wide lips, nods and blinks."""
    store = AvatarStore(tmp_path_factory.mktemp("none"))
    assets = load_assets(store.get("mira").atlas())
    compositor = AtlasCompositor(assets, Life(3, assets.eye_span))
    frames = []
    for index in range(100):
        speaks = abs(np.sin(index * 0.55)) if 15 < index < 85 else 0.0
        shape = MouthShape(aperture=speaks, width=float(np.sin(index * 0.2)), energy=speaks)
        frame = compositor.compose(index, shape).to_ndarray(format="bgr24")
        frames.append(np.asarray(cv2.resize(frame, (320, 320), interpolation=cv2.INTER_AREA), np.uint8))
    return frames


def mouths_of(sights):
    return sights.meshes[:, [LIP_UPPER_INNER, LIP_LOWER_INNER]].mean(axis=1)


def width_of(sights):
    return float(np.median(np.ptp(sights.meshes[..., 0], axis=1)))


@pytest.mark.parametrize(
    ("thing", "size"),
    [(hand(SKIN), 1.3), (hand((120, 150, 200)), 1.0), (cup(), 0.9), (microphone(), 0.9), (telephone(), 1.0)],
)
def test_hands_and_things_before_the_mouth_are_found(thing, size, calm, seen, finder):
    frames = passing(calm, thing, mouths_of(seen), size * width_of(seen), BEGIN, END)
    problems = look(frames, finder, lambda done: None).problems
    assert set(problems[BEGIN:END]) <= {COVERED, NO_FACE} and COVERED in problems
    assert set(problems[: BEGIN - 8 - MARGIN] + problems[END + 8 + MARGIN :]) == {""}


@pytest.mark.parametrize("thing", [microphone(), cup(), hand(SKIN)])
@pytest.mark.parametrize(("begin", "end"), [(20, 72), (24, 46)])
def test_who_covers_the_mouth_for_long_is_told_when(thing, begin, end, calm, seen, finder):
    frames = passing(calm, thing, mouths_of(seen), 0.9 * width_of(seen), begin, end)
    problems = look(frames, finder, lambda done: None).problems
    assert set(problems[begin:end]) <= {COVERED, NO_FACE} and set(problems[:6]) == {""}


def test_a_hand_over_speech_is_found_and_speech_is_not(spoken, finder):
    sights = look(spoken, finder, lambda done: None)
    assert set(sights.problems) == {""} and sights.mouths.max() > 0.15
    frames = passing(spoken, hand(SKIN), mouths_of(sights), 1.2 * width_of(sights), 40, 60)
    problems = look(frames, finder, lambda done: None).problems
    assert set(problems[40:60]) <= {COVERED, NO_FACE} and COVERED in problems
    assert set(problems[:25] + problems[75:]) == {""}


@pytest.mark.parametrize("colour", [True, False])
def test_light_that_changes_and_heads_that_turn_are_no_hands(calm, finder, colour):
    shown = []
    for index, frame in enumerate(calm):
        light = 1 + 0.35 * np.sin(index / 9) + np.linspace(-0.15, 0.15, frame.shape[1])[None, :, None]
        tint = np.array([1 + 0.08 * np.sin(index / 13), 1.0, 1 - 0.05 * np.sin(index / 13)])
        lit = np.clip(frame * light * tint, 0, 255).astype(np.uint8)
        narrower = 1 - 0.12 * abs(np.sin(index / 15))
        squeeze = np.array([[narrower, 0, 160 * (1 - narrower)], [0, 1, 0]])
        turned = cv2.warpAffine(lit, squeeze, frame.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        grey = np.repeat(turned.mean(axis=2, keepdims=True), 3, axis=2)
        shown.append(turned if colour else grey.astype(np.uint8))
    assert set(look(shown, finder, lambda done: None).problems) == {""}


def test_things_are_found_in_black_and_white_too(calm, seen, finder):
    frames = passing(calm, hand(SKIN), mouths_of(seen), 1.2 * width_of(seen), BEGIN, END)
    grey = [np.repeat(frame.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8) for frame in frames]
    problems = look(grey, finder, lambda done: None).problems
    assert set(problems[BEGIN:END]) <= {COVERED, NO_FACE}


def test_few_or_no_faces_are_not_judged(calm, seen):
    nothing = Unwrapped()
    for _ in range(20):
        nothing.add(calm[0], None, False)
    assert not covered(nothing, np.zeros(20, bool)).any()
    few = Unwrapped()
    for index in range(5):
        few.add(calm[index], seen.meshes[index], True)
    assert not covered(few, np.ones(5, bool)).any()


def test_a_short_gap_is_left_out_too(calm, seen):
    unwrapped = Unwrapped()
    black = np.zeros_like(calm[0])
    dark = {*range(20, 25), *range(25 + GAP // 2, 32 + GAP // 2)}
    for index, frame in enumerate(calm):
        unwrapped.add(black if index in dark else frame, seen.meshes[index], True)
    found = np.flatnonzero(covered(unwrapped, np.ones(len(calm), bool)))
    assert found.tolist() == list(range(20 - MARGIN, 32 + GAP // 2 + MARGIN))
