"""Renders in every format, with the real compositors."""

from pathlib import Path

import numpy as np
import pytest

from avatars.store import AvatarStore
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.errors import BackgroundRejected
from streaming.render import RenderRequest, render
from streaming.sinks.formats import FORMATS, FilmFormat
from tests.support.engines import DirectPerformer
from tests.support.films import Seen, watch
from tests.support.transparent import disc, photo_bundle, video_bundle

WITH_ALPHA: list[FilmFormat] = ["webm", "mov", "png"]


@pytest.fixture
def compositors(tmp_path: Path) -> AvatarCompositorFactory:
    root = tmp_path / "avatars"
    photo_bundle(root, "tess")
    photo_bundle(root, "fred", "video")
    video_bundle(root, "vito")
    return AvatarCompositorFactory(AvatarStore(root, tmp_path / "builtin"))


async def _film(
    compositors, folder: Path, name: FilmFormat, avatar: str, background: str | None = None
) -> Seen:
    path = folder / f"film{FORMATS[name].suffix}"
    request = RenderRequest("hello there", avatar, format=name, background=background)
    result = await render(DirectPerformer(), compositors, request, path)
    seen = watch(path)
    assert len(seen.pictures) == result.frames > 5
    return seen


@pytest.mark.parametrize("name", WITH_ALPHA)
@pytest.mark.parametrize("avatar", ["tess", "vito"])
async def test_a_person_without_a_background_is_exported_without_one(compositors, tmp_path, name, avatar):
    seen = await _film(compositors, tmp_path, name, avatar)
    alpha = seen.pictures[..., 3]
    assert (alpha[:, :8, :8] == 0).all() and (alpha[:, 60:, 60:68] == 255).all()
    if avatar == "tess":
        assert np.abs(alpha[0].astype(int) - disc()).mean() < 4
    else:
        where = [np.flatnonzero(plane[70] > 127).mean() for plane in alpha[:6]]
        np.testing.assert_allclose(np.diff(where), 2, atol=0.6)
    assert seen.metadata["title"] == f"{avatar.title()} speaks"


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize(("avatar", "background", "grey"), [("tess", "#808080", 128), ("fred", None, 40)])
async def test_before_something_it_is_opaque(compositors, tmp_path, name, avatar, background, grey):
    seen = await _film(compositors, tmp_path, name, avatar, background)
    assert (seen.pictures[..., 3] == 255).all()
    assert np.abs(seen.pictures[0, 2, 2, :3].astype(int) - grey).max() < 6


async def test_mp4_shows_light_grey_behind_a_person_without_a_background(compositors, tmp_path):
    seen = await _film(compositors, tmp_path, "mp4", "tess")
    assert np.abs(seen.pictures[0, 2, 2, :3].astype(int) - (233, 235, 238)).max() < 6


async def test_a_background_that_cannot_be_shown_leaves_no_film(compositors, tmp_path):
    for avatar, background in (("fred", "white"), ("tess", "whitish")):
        with pytest.raises(BackgroundRejected):
            await _film(compositors, tmp_path, "webm", avatar, background)
    assert not list(tmp_path.glob("*film*"))
