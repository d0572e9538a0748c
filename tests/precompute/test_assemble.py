from datetime import UTC, datetime

import numpy as np
import pytest

from avatars.bundle import BundleWriter, open_bundle
from avatars.errors import BundleInvalid
from avatars.manifest import Provenance
from precompute.assemble import assemble
from tests.support.atlas import small_atlas
from tests.support.clock import ManualClock


def _assemble(root, atlas, steps):
    with BundleWriter(root) as writer:
        return assemble(
            atlas,
            writer,
            "ada",
            "Ada",
            Provenance(source="drawn by a test", licence="CC0-1.0"),
            progress=lambda step, part: steps.append((step, part)),
            idle_seconds=0.4,
            clock=ManualClock(),
        )


def test_a_bundle_has_all_parts_and_says_where_it_comes_from(tmp_path):
    steps = []
    atlas = small_atlas()
    bundle = _assemble(tmp_path, atlas, steps)
    again = open_bundle(bundle.path)
    assert set(again.manifest.parts) == {"atlas.npz", "faces.npz", "idle.mp4", "poster.webp"}
    assert (again.manifest.frames, again.manifest.fps, again.manifest.engines) == (10, 25, ("atlas",))
    assert again.manifest.provenance.source == "drawn by a test"
    assert again.manifest.created == datetime.fromtimestamp(round(ManualClock().wall()), UTC)
    np.testing.assert_array_equal(again.atlas().mouths, atlas.mouths)
    faces = np.load(again.part("faces.npz"), allow_pickle=False)
    np.testing.assert_array_equal(faces["landmarks"][0], atlas.landmarks)
    np.testing.assert_array_equal(faces["boxes"][0, :2], atlas.landmarks.min(axis=0))
    parts = [part for _, part in steps]
    assert parts == sorted(parts) and (parts[0], parts[-1]) == (0, 1)


def test_a_bad_atlas_leaves_nothing(tmp_path):
    with pytest.raises(BundleInvalid, match="lids"):
        _assemble(tmp_path, small_atlas(lids=np.array([0, 1, 0, 1], np.float32)), [])
    assert list(tmp_path.iterdir()) == []
