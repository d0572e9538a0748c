"""Videos before other backgrounds, from the file that was sent to the files of the bundle."""

import shutil
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from avatars.store import BUILTIN_ROOT, AvatarStore
from precompute.clear import GREY
from precompute.order import AvatarOrder
from precompute.stages.base import BACKDROP, SOURCE, Desk
from precompute.stages.plan import run_all, stages_of
from precompute.stages.video_choice import LOOP
from precompute.stages.video_look import LOOK
from tests.support.clock import ManualClock
from tests.support.videos import numbered, swaying, write_video

pytestmark = pytest.mark.timeout(300)
"""Some of it takes long on a machine that has much else to do."""
SIZE = 128
GREEN = (0, 255, 0)


class Ellipse:
    """Says that the middle is the person, whatever it sees."""

    name = "ellipse"

    def matte(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        alpha = np.zeros((height, width), np.float32)
        cv2.ellipse(alpha, (width // 2, height * 5 // 8), (width * 2 // 5, height // 2), 0, 0, 360, 1.0, -1)
        return alpha


def order_of(background: str, **changes) -> AvatarOrder:
    fields = {"avatar": "anna", "kind": "video", "background": background, "size": SIZE}
    return AvatarOrder.model_validate(fields | {"loop_only": True} | changes)


def desk_of(folder: Path, order: AvatarOrder, finder) -> Desk:
    store = AvatarStore(folder / "store")
    return Desk(folder, order, store, clock=ManualClock(), matter=Ellipse(), faces=finder)


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory, finder) -> Path:
    """A desk at which the loop has been chosen, whatever is to be behind the person."""
    folder = tmp_path_factory.mktemp("video")
    still = cv2.imread(str(BUILTIN_ROOT / "sources" / "mira.png"))
    assert still is not None
    pictures = swaying(np.asarray(still, np.uint8), 3.1, width=420, height=320)
    write_video(folder / "in.mp4", pictures).rename(folder / SOURCE)
    desk = desk_of(folder, order_of("keep"), finder)
    for stage in (LOOK, LOOP):
        desk.run(stage)
    return folder


@pytest.fixture
def made(tmp_path: Path, looked: Path, finder):
    """Makes the avatar of an order."""

    def make(background: str, **changes) -> tuple[Desk, Path]:
        shutil.copytree(looked, tmp_path, dirs_exist_ok=True)
        desk = desk_of(tmp_path, order_of(background, **changes), finder)
        run_all(desk, stages_of(desk.order))
        return desk, desk.store.get("anna").path

    return make


def film(path: Path, kind: str = "bgr24") -> np.ndarray:
    with av.open(str(path)) as container:
        return np.array([frame.to_ndarray(format=kind) for frame in container.decode(video=0)])


def corner(pictures: np.ndarray) -> np.ndarray:
    return pictures[:, 2:12, 2:12].reshape(-1, 3).mean(axis=0)


def test_a_colour_is_behind_the_person_in_every_frame(made):
    desk, folder = made("#00ff00")

    loop, mattes = film(folder / "idle.mp4"), film(folder / "alpha.mp4", "gray")
    manifest = desk.store.get("anna").manifest
    assert len(loop) == len(mattes) == manifest.frames >= 75
    assert np.abs(corner(loop) - GREEN).max() < 4
    assert mattes[:, 2:12, 2:12].max() < 4 and mattes[:, 70:90, 54:74].min() > 251
    assert np.abs(loop[:, 70:90, 54:74].mean(axis=(0, 1, 2)) - GREEN).max() > 60
    assert manifest.background == "own"
    assert "ellipse" in manifest.provenance.tools
    record = desk.record("matting")
    assert record.report["key_frames"] >= 9
    assert 0.3 < record.report["person"] < 0.8
    assert record.report["clothing"]["frames"] == record.report["key_frames"]
    assert any("ellipse" in note for note in record.notes)
    assert desk.preview_path("matting").exists()


def test_without_a_background_own_colours_lie_over_grey(made):
    desk, folder = made("transparent", repair="off")

    assert desk.store.get("anna").manifest.background == "transparent"
    assert np.abs(corner(film(folder / "idle.mp4")) - GREY).max() < 4
    assert (folder / "alpha.mp4").exists()
    assert "clothing" not in desk.record("matting").report


def test_a_film_goes_with_the_avatar(made, tmp_path: Path):
    write_video(tmp_path / "film.mp4", (numbered(n) for n in range(30)))
    (tmp_path / "film.mp4").rename(tmp_path / BACKDROP)

    desk, folder = made("video")

    assert desk.store.get("anna").manifest.background == "video"
    backdrop = film(folder / "backdrop.mp4")
    assert backdrop.shape[1:] == (SIZE, SIZE, 3) and len(backdrop) == 20
    assert (folder / "alpha.mp4").exists()


def test_a_video_that_keeps_its_background_has_no_matte(made):
    desk, folder = made("keep")

    assert not (folder / "alpha.mp4").exists()
    assert not desk.finished("matting")
