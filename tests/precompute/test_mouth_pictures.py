"""What a viewer sees of lips, teeth and tongue, measured on pictures of a photo's and of built-in avatars."""

import numpy as np
import pytest

from avatars.store import AvatarStore
from tests.support.mouths import MouthJudge


@pytest.fixture(scope="module", params=["photo", "mira", "theo"])
def judge(request, finder, tmp_path_factory):
    if request.param == "photo":
        atlas = request.getfixturevalue("smiling_atlas")
    else:
        atlas = AvatarStore(tmp_path_factory.mktemp("store")).get(request.param).atlas()
    return MouthJudge(atlas, finder)


@pytest.mark.parametrize("aperture", [0.17, 0.32])
def test_round_lips_are_narrower_and_fuller(judge, aperture):
    neutral, rounded = (judge.lips(judge.frame(aperture, width)) for width in (0.0, -1.0))
    assert rounded.width < 0.93 * neutral.width
    assert rounded.thickness > 1.03 * neutral.thickness
    assert rounded.thickness > 1.05 * judge.lips(judge.atlas.still).thickness


def test_round_lips_push_forward_into_the_light(judge):
    """The lower lip's front is lit, the hollow under it lies in shade."""
    front, hollow = judge.lower_lip_light(judge.frame(0.17, -1.0))
    rest_front, rest_hollow = judge.lower_lip_light(judge.atlas.still)
    assert front - hollow > rest_front - rest_hollow + 3


def test_round_mouths_open_in_a_small_hole_instead_of_a_slit(judge):
    across, down = judge.dark_hole(judge.frame(0.32, -1.0))
    assert 0.02 < down and across < 3.2 * down
    assert across < 0.6 * judge.dark_hole(judge.frame(0.32, 0.0))[0]


def test_teeth_show_in_spread_and_open_mouths_only(judge):
    spread, opened = judge.teeth(judge.frame(0.24, 1.0)), judge.teeth(judge.frame(0.87, 0.0))
    assert spread > 1.5 and opened > 1.0
    for hidden in ((0.11, 0.0), (0.17, -1.0), (0.32, -1.0), (0.51, -0.5)):
        assert judge.teeth(judge.frame(*hidden)) < 0.3 * spread


def test_teeth_are_no_denture(judge):
    """An open mouth shows less tooth than hole and tongue."""
    frame = judge.frame(0.87, 0.0)
    assert judge.teeth(frame) < 0.4 * judge.opening(frame)


def test_the_tongue_shows_for_l_and_more_for_th(judge):
    atlas = judge.atlas
    plain = judge.frame(float(atlas.tongue_aperture[0]), 0.0)
    light, full = (judge.tongue(judge.on_still(atlas.tongue[k]), plain) for k in (0, -1))
    assert light > 1.5 and full > 1.1 * light


def test_pressed_lips_are_shut_and_thin(judge):
    atlas = judge.atlas
    rest = judge.lips(atlas.still)
    middle = atlas.press[-1, int(np.abs(atlas.press_widths).argmin())]
    pressed = judge.lips(judge.on_still(middle))
    assert pressed.gap < rest.gap - 0.005
    assert pressed.thickness < rest.thickness
    for width, picture in zip(atlas.press_widths, atlas.press[-1], strict=True):
        assert judge.lips(judge.on_still(picture)).gap < judge.lips(judge.frame(0.0, width)).gap


def test_a_bitten_lip_shows_the_edge_of_the_teeth(judge):
    atlas = judge.atlas
    bitten = judge.on_still(atlas.bite[-1, int(np.abs(atlas.bite_widths).argmin())])
    assert judge.pale(bitten, judge.atlas.still) > 0.4
