"""Photos whose background is taken away, or is a film."""

import av
import cv2
import numpy as np
import pytest

from avatars.store import BUILTIN_ROOT, AvatarStore
from precompute.clear import GREY
from precompute.errors import AvatarRejected
from precompute.order import AvatarOrder
from precompute.stages.base import Desk
from precompute.stages.plan import run_all, stages_of
from tests.support.atlas import atlas_on
from tests.support.desk_child import set_desk_up
from tests.support.mattes import KnownMatter, Painter
from tests.support.videos import write_video

THEO = BUILTIN_ROOT / "sources" / "theo.png"


@pytest.fixture
def drawn(monkeypatch):
    """The portraits that were to be drawn on."""
    seen = []

    def draw(portrait, progress):
        seen.append(portrait)
        return atlas_on(portrait.frame, portrait.landmarks[:, :2])

    monkeypatch.setattr("precompute.stages.mouths.build_portrait_atlas", draw)
    return seen


@pytest.fixture
def sit(tmp_path, finder):
    pytest.importorskip("pymatting")
    matte = np.zeros((512, 512), np.float32)
    cv2.ellipse(matte, (256, 300), (150, 230), 0, 0, 360, 1.0, -1)

    def make(background: str) -> Desk:
        order = AvatarOrder(avatar="anna", kind="photo", background=background, repair="opencv")
        folder = set_desk_up(tmp_path / "desk", THEO)
        store = AvatarStore(tmp_path / "own")
        return Desk(folder, order, store, faces=finder, matter=KnownMatter(matte), inpainter=Painter())

    return make


def test_a_person_without_a_background_has_a_matte_and_whole_colours(sit, drawn):
    desk = sit("transparent")
    run_all(desk, stages_of(desk.order))
    bundle = desk.store.get("anna")
    assert bundle.manifest.background == "transparent"
    alpha = cv2.imread(str(bundle.part("alpha.png")), cv2.IMREAD_UNCHANGED)
    assert alpha is not None and alpha.shape == (512, 512)
    frame = drawn[0].frame
    assert (frame[:40, :40] == GREY).all()
    poster = cv2.imread(str(bundle.part("poster.webp")))
    assert poster is not None and np.abs(poster[5, 5].astype(int) - GREY).max() < 4
    assert "Background removed" in desk.record("background").notes[0]


def test_a_film_goes_behind_the_person(sit, drawn, tmp_path):
    desk = sit("video")
    film = write_video(tmp_path / "film.mp4", [np.full((120, 160, 3), (200, 30, 30), np.uint8)] * 60)
    film.rename(desk.folder / "backdrop")
    run_all(desk, stages_of(desk.order))
    bundle = desk.store.get("anna")
    assert bundle.manifest.background == "video"
    with av.open(str(bundle.part("backdrop.mp4"))) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (512, 512)
    poster = cv2.imread(str(bundle.part("poster.webp")))
    assert poster is not None and np.abs(poster[5, 5].astype(int) - (200, 30, 30)).max() < 12
    assert "Behind the person" in desk.record("film").notes[0]


def test_a_film_that_is_none_is_refused_and_makes_no_avatar(sit, drawn):
    desk = sit("video")
    (desk.folder / "backdrop").write_bytes(b"no film" * 99)
    with pytest.raises(AvatarRejected, match="The film behind the person"):
        run_all(desk, stages_of(desk.order))
    assert not desk.store.exists("anna") and drawn == []


def test_a_picture_lies_beside_the_photo(sit, drawn):
    desk = sit("picture")
    cv2.imwrite(str(desk.folder / "backdrop.png"), np.full((120, 160, 3), (0, 0, 200), np.uint8))
    (desk.folder / "backdrop.png").rename(desk.folder / "backdrop")
    run_all(desk, stages_of(desk.order))
    assert drawn[0].frame[2, 2].tolist() == [0, 0, 200]
    assert desk.store.get("anna").manifest.background == "own"
