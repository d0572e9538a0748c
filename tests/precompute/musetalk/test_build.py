import numpy as np
import pytest

from avatars.errors import BundleInvalid
from avatars.musetalk import MASK_SIDE, is_current, validate
from avatars.store import AvatarStore
from precompute.errors import AvatarRejected
from precompute.musetalk import build
from precompute.musetalk.build import BATCH, BuildOptions, build_part
from precompute.musetalk.crops import face_crop
from precompute.musetalk.parsing import PARSE_SIDE, MeshParser, Regions
from tests.support.musetalk_part import PoolingEncoder, loop_bundle

FRAMES = 2 * BATCH + 3


class Steps(list):
    def __call__(self, step, done):
        self.append((step, done))


def _build(bundle, finder, encoder=None, parser=None, **options):
    steps = Steps()
    part = build_part(
        bundle, encoder or PoolingEncoder(), parser or MeshParser(), lambda: finder, BuildOptions(**options),
        "a method", steps,
    )  # fmt: skip
    return part, steps


@pytest.fixture(scope="module")
def loop(walk, finder, tmp_path_factory):
    frames, shifts = walk(FRAMES)
    bundle = loop_bundle(tmp_path_factory.mktemp("loop"), frames)
    encoder = PoolingEncoder()
    part, steps = _build(bundle, finder, encoder)
    return bundle, frames, shifts, encoder, part, steps


def test_every_frame_of_a_loop_gets_its_latents_box_and_mask(loop):
    bundle, frames, shifts, _, part, _ = loop
    manifest = bundle.manifest
    validate(part, 256, 256, FRAMES)
    assert is_current(part.fingerprint, manifest) and part.mask_mode == "jaw"
    for index in (0, BATCH - 1, BATCH, FRAMES - 1):
        expected = PoolingEncoder().encode(face_crop(frames[index], part.boxes[index])[None])[0]
        assert np.abs(part.latents[index].astype(float) - expected).mean() < 0.03
        assert (part.latents[index, :4, 16:] == -1).all()
    middle = part.boxes.reshape(-1, 2, 2).mean(axis=1)
    inner = slice(3, -3)
    assert np.abs((middle - middle[8]) - (shifts - shifts[8]))[inner].max() < 1
    assert part.masks[:, 96, 64].min() > 250 and not part.masks[:, :50].any()


def test_frames_are_encoded_a_few_at_a_time(loop):
    assert loop[3].batches == [BATCH, BATCH, 3]


def test_progress_rises_to_the_end(loop):
    steps = loop[5]
    done = [part for _, part in steps]
    assert done == sorted(done) and done[0] == 0 and done[-1] == 1
    assert len({step for step, _ in steps}) >= 3


@pytest.mark.parametrize("avatar", ["mira", "theo"])
def test_an_avatar_with_an_atlas_gets_one_frame_its_still(tmp_path, avatar):
    bundle = AvatarStore(tmp_path).get(avatar)

    def needless():
        raise AssertionError("the mesh of a still is known")

    part, _ = _build(bundle, None)
    again = build_part(
        bundle, PoolingEncoder(), MeshParser(), needless, BuildOptions(), "a method", lambda *_: None
    )
    validate(part, 512, 512, 1)
    np.testing.assert_array_equal(again.masks, part.masks)
    still = bundle.atlas().still
    np.testing.assert_array_equal(
        part.latents[0], PoolingEncoder().encode(face_crop(still, part.boxes[0])[None])[0]
    )
    x, y, w, h = part.patch_rect
    assert y >= 104 and x + w <= 256 and h <= 152 and part.masks[0, 96, 64] == 255


def test_options_move_the_box_and_choose_the_mask(tmp_path):
    bundle = AvatarStore(tmp_path).get("mira")
    plain, _ = _build(bundle, None)
    moved, _ = _build(bundle, None, mode="raw", margin=20.0, shift=3.0)
    np.testing.assert_allclose(moved.boxes - plain.boxes, [[0, 6, 0, 10]], atol=1e-3)
    assert moved.mask_mode == "raw" and (moved.masks != plain.masks).any()


def test_a_loop_with_frames_that_show_no_face_is_refused_with_their_numbers(walk, finder, tmp_path):
    frames, _ = walk(7)
    frames[4] = frames[5] = np.full_like(frames[0], 90)
    encoder = PoolingEncoder()
    with pytest.raises(AvatarRejected, match="frames 4-5 show no face"):
        _build(loop_bundle(tmp_path, frames), finder, encoder)
    assert encoder.batches == []


def test_a_loop_that_is_too_long_is_refused_before_any_work(walk, tmp_path, monkeypatch):
    monkeypatch.setattr(build, "MAX_FRAMES", 4)
    frames, _ = walk(5)
    with pytest.raises(BundleInvalid, match="shorter"):
        _build(loop_bundle(tmp_path, frames), None)


def test_landmarks_that_are_no_face_are_said_to_be_none(tmp_path):
    from tests.support.bundles import small_bundle

    bundle = small_bundle(tmp_path, landmarks=np.full((468, 2), 50, np.float32))
    with pytest.raises(BundleInvalid, match="no face"):
        _build(bundle, None)


class Flickering:
    """A parser that sees skin in every other frame only."""

    identity = "flickering"

    def __init__(self):
        self.count = 0

    def parse(self, frame, square, mesh):
        self.count += 1
        skin = np.full((PARSE_SIDE, PARSE_SIDE), self.count % 2 == 0)
        return Regions(skin, skin, ~skin & False, ~skin & False)


def test_masks_do_not_flicker(walk, finder, tmp_path):
    part, _ = _build(loop_bundle(tmp_path, walk(10)[0]), finder, parser=Flickering())
    middle = part.masks[:, 90, MASK_SIDE // 2].astype(int)
    assert np.abs(np.diff(middle)).max() < 60
