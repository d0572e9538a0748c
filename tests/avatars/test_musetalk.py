"""The part of an avatar that MuseTalk uses."""

import numpy as np
import pytest

from avatars.errors import BundleInvalid
from avatars.musetalk import fingerprint, frames_of, is_current, source_part, validate
from tests.support.bundles import small_bundle
from tests.support.musetalk_part import small_part


def test_a_sound_part_is_accepted():
    validate(small_part(3), 128, 96, 3)


NAN = np.float32("nan")


def _with(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda p: {"latents": _with(p.latents, (1, 4, 3, 2), NAN)}, "latents"),
        (lambda p: {"latents": _with(p.latents, (0, 0, 0, 0), -np.inf)}, "latents"),
        (lambda p: {"latents": p.latents.astype(np.float32)}, "latents"),
        (lambda p: {"latents": p.latents[:, :4]}, "latents"),
        (lambda p: {"boxes": _with(p.boxes, (1, 2), 128.01)}, "leaves"),
        (lambda p: {"boxes": _with(p.boxes, (1, 0), -0.01)}, "leaves"),
        (lambda p: {"boxes": _with(p.boxes, (1, 3), NAN)}, "leaves"),
        (lambda p: {"boxes": _with(p.boxes, (1, 3), p.boxes[1, 1])}, "small"),
        (lambda p: {"boxes": p.boxes[:, [2, 1, 0, 3]]}, "small"),
        (lambda p: {"masks": p.masks[:, :64]}, "masks"),
        (lambda p: {"masks": _with(p.masks, (1, 127, 127), 1)}, "outside"),
        (lambda p: {"masks": _with(p.masks, (1, 60, 23), 1)}, "outside"),
        (lambda p: {"patch_rect": np.array([47, 96, 160, 144], np.int32)}, "even"),
        (lambda p: {"patch_rect": np.array([98, 96, 160, 144], np.int32)}, "leaves"),
        (lambda p: {"patch_rect": np.array([48, 96, 0, 144], np.int32)}, "leaves"),
        (lambda p: {"patch_rect": np.array([48, -2, 160, 144], np.int32)}, "leaves"),
    ],
)
def test_what_does_not_fit_is_named(change, complaint):
    part = small_part(2)
    with pytest.raises(BundleInvalid, match=complaint):
        validate(small_part(2, **change(part)), 128, 96, 2)


def test_a_part_of_other_frames_is_refused():
    with pytest.raises(BundleInvalid, match="frames"):
        validate(small_part(2), 128, 96, 3)


def test_the_fingerprint_tells_what_the_part_was_made_from(tmp_path):
    manifest = small_bundle(tmp_path).manifest
    assert source_part(manifest) == "atlas.npz" and frames_of(manifest) == 1
    mark = fingerprint(manifest, "jaw")
    assert is_current(mark, manifest) and is_current(fingerprint(manifest, "raw"), manifest)
    assert fingerprint(manifest, "raw") != mark

    loop = manifest.model_copy(update={"parts": {"idle.mp4": manifest.parts["poster.webp"]}, "frames": 40})
    assert source_part(loop) == "idle.mp4" and frames_of(loop) == 40
    assert not is_current(mark, loop)
    assert not is_current(fingerprint(loop, "jaw"), loop.model_copy(update={"loop": "forward"}))
    with pytest.raises(BundleInvalid, match="no pictures"):
        source_part(manifest.model_copy(update={"parts": {}}))


def test_another_version_of_the_builder_outdates_a_part(tmp_path, monkeypatch):
    manifest = small_bundle(tmp_path).manifest
    mark = fingerprint(manifest, "jaw")
    monkeypatch.setattr("avatars.musetalk.PART_VERSION", 2)
    assert not is_current(mark, manifest)
