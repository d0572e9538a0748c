import dataclasses
from functools import partial
from itertools import pairwise

import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from structlog.testing import capture_logs

from avatars.store import AvatarStore
from streaming.compositor.assets import load_assets
from streaming.compositor.atlas_compositor import AtlasCompositor, StillFace
from streaming.compositor.face import FaceAssets
from streaming.compositor.life import Life, Pose
from streaming.compositor.planes import pack
from streaming.compositor.speaking import SILENT
from streaming.slots import FacePixels, MouthShape
from tests.support.atlas import EYES, MOUTH, small_atlas
from tests.support.drawn import NUMBER, flat_patch, part_with, plain_blend, soft_mask


class Still(Life):
    """A head that does not move by itself."""

    def pose(self, index, speaking=SILENT):
        return Pose(np.zeros(7, np.float32), 0.0, (0.0, 0.0))


def _compositor(life=None):
    return AtlasCompositor(load_assets(small_atlas()), life or Still(0))


BOX = (26.0, 8.0, 102.0, 94.0)
"""Its mask reaches beyond the mouth's rectangle, and up to the eyes."""
SILENCE = FacePixels(0, b"", part=NUMBER)


def _drawing(life=None, box=BOX):
    assets = load_assets(small_atlas())
    face = StillFace(FaceAssets(part_with(np.array([box])), assets.width, assets.height), assets)
    return AtlasCompositor(assets, life or Still(0), face)


def _lumas(compositor, patches, first=0):
    height = compositor.height
    return [
        compositor.compose(index, patch).to_ndarray()[:height].astype(int)
        for index, patch in enumerate(patches, first)
    ]


def test_a_frame_at_rest_is_the_still():
    frame = _compositor().compose(0, None)
    assert (frame.format.name, frame.width, frame.height, frame.pts) == ("yuv420p", 128, 96, None)
    np.testing.assert_array_equal(frame.to_ndarray().reshape(-1), pack(small_atlas().still))
    assert int(frame.color_range) == int(ColorRange.MPEG)


def test_speech_changes_the_mouth_and_nothing_else():
    compositor = _compositor()
    rest = compositor.compose(0, None).to_ndarray()
    spoken = [compositor.compose(index, MouthShape(1.0)).to_ndarray() for index in (1, 2, 3)][-1]
    changed = np.argwhere(rest[:96] != spoken[:96])
    x, y, w, h = MOUTH
    assert len(changed) > w * h / 2
    assert (changed.min(axis=0) >= (y, x)).all() and (changed.max(axis=0) < (y + h, x + w)).all()
    after = [compositor.compose(index, None).to_ndarray() for index in range(4, 10)]
    np.testing.assert_array_equal(after[-1], rest)


def test_a_press_is_shut_in_the_frame_that_asks_for_it():
    compositor = _compositor()
    for index in range(3):
        compositor.compose(index, MouthShape(1.0))
    frame = compositor.compose(3, MouthShape(0.6, press=1.0)).to_ndarray(format="bgr24")
    red = frame[MOUTH[1] + 16, MOUTH[0] + 24]
    assert red[2] > 180 and red[0] < 30 and red[1] < 30


def test_frames_are_buffers_of_their_own():
    compositor = _compositor()
    first = compositor.compose(0, None)
    kept = first.to_ndarray()
    for index in range(1, 6):
        compositor.compose(index, MouthShape(0.9))
    np.testing.assert_array_equal(first.to_ndarray(), kept)


def test_sessions_do_not_disturb_each_other():
    assets = load_assets(small_atlas())
    alone = [AtlasCompositor(assets, Life(1)).compose(0, None).to_ndarray()]
    one, other = AtlasCompositor(assets, Life(1)), AtlasCompositor(assets, Life(2))
    mixed = []
    for index in range(4):
        mixed.append(one.compose(index, None).to_ndarray())
        other.compose(index, MouthShape(1.0, 1.0))
    np.testing.assert_array_equal(mixed[0], alone[0])
    fresh = AtlasCompositor(assets, Life(1))
    for index in range(4):
        np.testing.assert_array_equal(fresh.compose(index, None).to_ndarray(), mixed[index])


def test_idle_frames_depend_on_the_index_alone():
    one, other = _compositor(Life(9)), _compositor(Life(9))
    frames = [one.compose(index, None).to_ndarray() for index in range(200)]
    for index in (199, 30, 131, 0):
        np.testing.assert_array_equal(frames[index], other.compose(index, None).to_ndarray())


def test_a_blink_is_drawn_into_the_eyes():
    life = Life(1)
    shut = next(i for i in range(1000) if life.pose(i).closure == 1)

    class Blinking(Still):
        def pose(self, index, speaking=SILENT):
            return super().pose(index)._replace(closure=life.pose(index).closure)

    compositor = _compositor(Blinking(0))
    still = compositor.compose(shut - 10, None).to_ndarray()[:96]
    closed = compositor.compose(shut, None).to_ndarray()[:96]
    changed = np.argwhere(still != closed)
    x, y, w, h = EYES
    assert (changed.min(axis=0) >= (y, x)).all() and (changed.max(axis=0) < (y + h, x + w)).all()


def test_the_head_hears_the_speech():
    heard = []

    class Listening(Still):
        def pose(self, index, speaking=SILENT):
            heard.append(speaking)
            return super().pose(index)

    compositor = _compositor(Listening(0))
    compositor.compose(0, None)
    for index in range(1, 20):
        compositor.compose(index, MouthShape(energy=1.0))
    assert heard[0] == SILENT and heard[-1].presence > 0.9


@pytest.mark.parametrize("avatar", ["mira", "theo"])
def test_the_built_in_avatars_at_rest_show_their_still(tmp_path, avatar):
    atlas = AvatarStore(tmp_path).get(avatar).atlas()
    frame = AtlasCompositor(load_assets(atlas), Still(0)).compose(0, None)
    shown = cv2.cvtColor(frame.to_ndarray(), cv2.COLOR_YUV2BGR_I420).astype(int)
    assert np.abs((shown - atlas.still).mean(axis=(0, 1))).max() < 0.5
    assert np.abs(shown - atlas.still).mean() < 1.5


def test_a_drawn_mouth_is_blended_into_the_still():
    shown = _lumas(_drawing(), [flat_patch(200)] * 4)[-1]
    still = pack(small_atlas().still)
    planes = [still[: 96 * 128].reshape(96, 128)] + [np.zeros((48, 64), np.uint8)] * 2
    flat = [np.full((152, 224), 200, np.uint8)] + [np.zeros((76, 112), np.uint8)] * 2
    wanted, alpha = plain_blend(tuple(planes), tuple(flat), BOX, soft_mask())
    feather = 8
    assert np.abs(shown - wanted[0])[EYES[1] + EYES[3] + feather :].max() <= 2
    assert (alpha[:, : MOUTH[0]] > 0).any(), "the patch must be wider than the mouth's rectangle"


def test_the_eyes_keep_their_rectangle():
    blinking = _drawing(box=(26.0, -40.0, 102.0, 94.0))
    still = _lumas(_drawing(), [None])[0]
    shown = _lumas(blinking, [flat_patch(250)] * 6)[-1]
    end = EYES[1] + EYES[3]
    np.testing.assert_array_equal(shown[:end], still[:end])
    # What lies below comes in softly.
    middle = np.abs(shown - still)[end:, 60:68].mean(axis=1)
    assert middle[0] < 0.25 * middle[8]
    assert middle[8] > 60


def test_a_drawn_mouth_fades_in_and_out_and_leaves_the_still():
    compositor = _drawing()
    still = _lumas(compositor, [None])[0]
    patches = [flat_patch(235)] * 5 + [SILENCE] * 3 + [None] * 3
    lumas = _lumas(compositor, patches, 1)
    brightness = [float((luma - still)[70, 64]) for luma in lumas]
    full = max(brightness)
    np.testing.assert_allclose(brightness, [full * n / 4 for n in (1, 2, 3, 4, 4, 3, 2, 1, 0, 0, 0)], atol=2)
    np.testing.assert_array_equal(lumas[-1], still)


def test_frames_with_drawn_mouths_depend_on_the_slots_alone():
    def run():
        compositor = _drawing(Life(5))
        compositor.compose(10, None)
        return _lumas(compositor, [flat_patch(90, energy=0.7)] * 3 + [SILENCE] * 2, 11)

    np.testing.assert_array_equal(run(), run())


def test_skipped_slots_are_time_for_the_fade():
    compositor = _drawing()
    compositor.compose(0, None)
    skipped = _lumas(compositor, [flat_patch(200)], 4)[0]
    np.testing.assert_array_equal(skipped, _lumas(_drawing(), [flat_patch(200)] * 4)[-1])


def test_between_atlas_and_drawn_mouths_nothing_jumps():
    compositor = _drawing()
    shapes = [MouthShape(1.0)] * 4
    lumas = _lumas(compositor, [None, *shapes, *[flat_patch(200)] * 6, *shapes, None, None, None, None, None])
    steps = [np.abs(b - a)[60:].max() for a, b in pairwise(lumas)]
    whole = np.abs(lumas[10] - lumas[4])[60:].max()
    assert max(steps) < 0.6 * whole
    np.testing.assert_array_equal(lumas[-1], lumas[0])
    np.testing.assert_array_equal(lumas[10], _lumas(_drawing(), [flat_patch(200)] * 4)[-1])


def test_the_head_hears_drawn_speech():
    heard = []

    class Listening(Still):
        def pose(self, index, speaking=SILENT):
            heard.append(speaking)
            return super().pose(index)

    compositor = _drawing(Listening(0))
    for index in range(20):
        compositor.compose(index, flat_patch(128, energy=1.0))
    assert heard[-1].presence > 0.9


@pytest.mark.parametrize(
    "damaged",
    [FacePixels(0, b"short", part=NUMBER), flat_patch(1, frame=1), flat_patch(1, frame=-1)],
)
def test_a_damaged_patch_shows_the_mouth_at_rest_and_is_told_once(damaged):
    compositor = _drawing()
    still = _lumas(compositor, [None])[0]
    with capture_logs() as logs:
        lumas = _lumas(compositor, [damaged] * 5, 1)
    np.testing.assert_array_equal(lumas[-1], still)
    assert len(logs) == 1 and logs[0]["log_level"] == "warning"
    np.testing.assert_array_equal(
        _lumas(compositor, [flat_patch(200)] * 4, 6)[-1], _lumas(_drawing(), [flat_patch(200)] * 4)[-1]
    )


@pytest.mark.parametrize("make", [_compositor, _drawing])
def test_a_mouth_drawn_for_another_face_is_not_shown_and_the_atlas_speaks_as_loudly(make):
    compositor = make()
    still = _lumas(compositor, [None])[0]
    other = partial(flat_patch, 255, part=NUMBER + 1)
    heard = [0.2, 0.6, 0.9, 0.8, 0.7, 0.6, 0.5, 0.9, 0.9]
    loud = [_lumas(compositor, [other(energy=energy)], n)[0] for n, energy in enumerate(heard, 1)]
    moved = [np.abs(luma - still).mean() for luma in loud]
    assert moved[2] > moved[1] > moved[0] == 0 and moved[6] < moved[2] / 2 < moved[8]
    # It is a mouth of the atlas, and all of it lies where that has one.
    x, y, w, h = MOUTH
    changed = np.abs(loud[2] - still)
    changed[y : y + h, x : x + w] = 0
    assert not changed.any()
    quiet = FacePixels(0, b"", energy=0.9, part=NUMBER + 1)
    np.testing.assert_array_equal(_lumas(compositor, [quiet] * 9, 10)[-1], still)


def test_a_part_that_is_built_anew_is_used_from_its_first_patch_on():
    assets = load_assets(small_atlas())
    mask = np.roll(soft_mask(), -4, axis=1)
    part = dataclasses.replace(part_with(np.array([BOX])), masks=mask[None], fingerprint="another")
    newer = StillFace(FaceAssets(part, assets.width, assets.height), assets)
    asked = []
    built = []

    def renew():
        asked.append(1)
        return built[0] if built else None

    compositor = AtlasCompositor(assets, Still(0), None, renew)
    still = _lumas(compositor, [None] * 2)[-1]
    np.testing.assert_array_equal(_lumas(compositor, [flat_patch(200)] * 3, 2)[-1], still)
    assert len(asked) == 1
    built.append(newer)
    shown = _lumas(compositor, [flat_patch(200, part=newer.number)] * 4, 5)[-1]
    np.testing.assert_array_equal(
        shown,
        _lumas(AtlasCompositor(assets, Still(0), newer), [flat_patch(200, part=newer.number)] * 4)[-1],
    )
    assert len(asked) == 2 and shown.max() > 190
    # What was drawn for the older one is not shown in the newer one's place.
    np.testing.assert_array_equal(_lumas(compositor, [flat_patch(90)] * 4, 9)[-1], still)


def test_sessions_share_a_face_that_none_of_them_writes():
    assets = load_assets(small_atlas())
    face = StillFace(FaceAssets(part_with(np.array([BOX])), assets.width, assets.height), assets)
    assert face.under is not None
    before = face.under.rest.copy()
    one, other = (AtlasCompositor(assets, Still(0), face) for _ in range(2))
    bright = [_lumas(one, [flat_patch(220)], index)[0] for index in range(5)][-1]
    dark = [_lumas(other, [flat_patch(20)], index)[0] for index in range(5)][-1]
    assert bright[70, 64] > 200 and dark[70, 64] < 40
    np.testing.assert_array_equal(face.under.rest, before)
    np.testing.assert_array_equal(assets.still, pack(small_atlas().still))
