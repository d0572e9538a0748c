import numpy as np
import pytest

from avatars.store import AvatarStore
from precompute.order import AvatarOrder
from precompute.stages.base import Desk
from precompute.stages.thumbs import EVERY, SIDE, Thumbs, thumb


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    desk = Desk(folder, AvatarOrder(avatar="anna", kind="video"), AvatarStore(folder / "own"))
    frames = [np.full((540, 960, 3), 10 * n, np.uint8) for n in range(23)]
    thumbs = Thumbs()
    assert all(seen is frame for seen, frame in zip(thumbs.watch(frames), frames, strict=True))
    thumbs.save(desk)
    return desk


@pytest.mark.parametrize(
    ("index", "limits", "shown"),
    [(0, (), 0), (7, (), 5), (8, (), 10), (22, (), 20), (14, (13, 15), 10), (14, (3, 15), 10), (6, (6,), 10)],
)
def test_the_nearest_picture_within_limits_is_shown(desk, index, limits, shown):
    found, picture = thumb(desk, index, *limits)
    assert found == shown and found % EVERY == 0
    assert picture.shape == (270, SIDE, 3) and abs(float(picture.mean()) - 10 * found) < 2
