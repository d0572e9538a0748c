"""Photos of every kind, through the stages that make avatars: a good portrait, or a refusal that helps."""

import re

import cv2
import numpy as np
import pytest
from PIL import features
from skimage.data import chelsea

from avatars.store import AvatarStore
from precompute.create import make_avatar, temporary_desk
from precompute.errors import AvatarRejected
from precompute.heif import is_installed
from precompute.landmarks import FaceMesh
from precompute.mesh_points import UPPER_FACE
from precompute.order import AvatarOrder
from precompute.stages.keeping import AS_TAKEN, load_portrait
from precompute.stages.plan import run_all, stages_of
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.slots import MouthShape
from tests.support import photo_inputs
from tests.support.photo_inputs import TALL, Base

SIZE = 256
FAR = 0.05
"""Mean distance of landmarks from where they must be, over the eye span."""
ASKS = re.compile(r"\b(Send|Turn|Save|Make|Cut)\b")

_NOBODY = Base(np.zeros((80, 80, 3), np.uint8), FaceMesh(np.zeros((468, 3), np.float32), 1.0))
GOODS = list(photo_inputs.goods(_NOBODY, _NOBODY, _NOBODY))
OPTIONAL = list(photo_inputs.hard_to_install(_NOBODY))
REFUSALS = list(photo_inputs.refusals(_NOBODY, _NOBODY, _NOBODY.picture))
WHO = {"astronaut": "astronaut", "large": "astronaut", "theo, leaning": "theo"}
WHO |= dict.fromkeys(("dark", "overexposed in part"), "theo")


@pytest.fixture(scope="module")
def people(closed, smiling, finder) -> dict[str, Base]:
    def base(picture) -> Base:
        return Base(picture, finder.mesh(picture, finder.detect(picture)[0]))

    def tall(picture) -> Base:
        return base(np.asarray(cv2.resize(picture, (TALL, TALL), interpolation=cv2.INTER_AREA), np.uint8))

    from tests.precompute.conftest import SOURCES

    theo = cv2.imread(str(SOURCES / "theo.png"))
    assert theo is not None
    return {"mira": tall(closed), "theo": tall(theo), "astronaut": base(smiling)}


@pytest.fixture
def store(tmp_path):
    return AvatarStore(tmp_path / "own")


def made_portrait(data, store, finder):
    """The portrait that the real stages cut, and what they told."""
    order = AvatarOrder(avatar="somebody", kind="photo", size=SIZE)
    with temporary_desk(order, data, store) as desk:
        desk.faces = finder
        first = [stage for stage in stages_of(order, ()) if stage.name in ("open", "face")]
        run_all(desk, first)
        portrait = load_portrait(desk, AS_TAKEN)
        notes = [note for record in desk.records().values() for note in record.notes]
    return portrait, notes


def check(good, data, base, store, finder):
    portrait, notes = made_portrait(data, store, finder)
    left, top, side = portrait.report.crop
    scale = SIZE / side
    # The face lies where it is in the picture.
    points = base.mesh.points[:, :2].astype(np.float64) @ good.move[:, :2].T + good.move[:, 2]
    wanted = (points - (left, top) + 0.5) * scale - 0.5
    span = float(np.linalg.norm(wanted[263] - wanted[33]))
    away = np.linalg.norm(portrait.landmarks[:, :2] - wanted, axis=1)[list(UPPER_FACE)].mean()
    assert away < FAR * span
    assert 0.14 * SIZE < span < 0.3 * SIZE and side <= min(portrait_size(good))
    # And has its colours.
    low, high = np.ceil(wanted.min(axis=0)).astype(int), np.floor(wanted.max(axis=0)).astype(int)
    part = good.picture[top : top + side, left : left + side]
    seen = np.asarray(cv2.resize(part, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.float64)
    if good.grey:
        seen = np.repeat(cv2.cvtColor(seen.astype(np.uint8), cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2)
    inside = np.s_[low[1] : high[1], low[0] : high[0]]
    off = portrait.frame[inside].mean(axis=(0, 1)) - seen[inside].mean(axis=(0, 1))
    assert np.abs(off).max() < good.colours
    assert np.abs(portrait.frame[inside].astype(np.float64) - seen[inside]).mean() < good.colours + 6
    assert bool(notes) == bool(good.notes) or good.notes == ()
    for word in good.notes:
        assert any(word in note for note in notes)


def portrait_size(good):
    height, width = good.picture.shape[:2]
    return height, width


@pytest.mark.parametrize("name", GOODS)
def test_a_good_photo_gives_a_good_portrait(name, people, store, finder):
    good = photo_inputs.goods(people["mira"], people["theo"], people["astronaut"])[name]()
    check(good, good.encode(good.picture), people[WHO.get(name, "mira")], store, finder)


@pytest.mark.parametrize("name", OPTIONAL)
def test_photos_that_need_a_library_are_read_where_it_is(name, people, store, finder):
    needs, make = photo_inputs.hard_to_install(people["mira"])[name]
    if not (is_installed() if needs == "heif" else features.check("avif")):
        pytest.skip(f"{needs} is not installed")
    good = make()
    data = good.encode(good.picture)
    check(good, data, people["mira"], store, finder)
    with pytest.raises(AvatarRejected) as caught:
        made_portrait(data[: len(data) // 2], store, finder)
    assert caught.value.code == "truncated_image"


@pytest.mark.parametrize("name", REFUSALS)
def test_a_photo_that_will_not_do_is_refused_by_name_and_told_what_to_do(name, people, store, finder):
    cat = np.ascontiguousarray(chelsea()[..., ::-1])
    refused = photo_inputs.refusals(people["mira"], people["theo"], cat)[name]()
    order = AvatarOrder(avatar="somebody", kind="photo", size=SIZE)
    with temporary_desk(order, refused.data, store) as desk, pytest.raises(AvatarRejected) as caught:
        desk.faces = finder
        run_all(desk, stages_of(order, ()))
    error = caught.value
    assert (error.code, refused.says in error.message) == (refused.code, True), error.message
    assert ASKS.search(error.message) and error.message.endswith(".")
    assert not store.exists("somebody") and list(store.root.glob("*")) == []


def test_the_name_of_a_file_does_not_matter(people, store, finder, tmp_path):
    for kind, name in (("JPEG", "photo.png"), ("PNG", "photo.jpg"), ("WEBP", "photo.txt"), ("JPEG", "photo")):
        path = tmp_path / name
        path.write_bytes(photo_inputs.pillow(kind)(people["mira"].picture))
        assert made_portrait(path, store, finder)[0].report.faces == 1
    path.write_bytes(b"no picture, whatever it is called")
    with pytest.raises(AvatarRejected) as caught:
        made_portrait(path, store, finder)
    assert caught.value.code == "not_an_image"


@pytest.mark.parametrize("name", ["cut-out as PNG", "glasses"])
def test_the_whole_way_to_an_avatar_that_speaks_and_blinks(name, people, store):
    mira = people["mira"]
    good = photo_inputs.goods(mira, people["theo"], people["astronaut"])[name]()
    order = AvatarOrder(avatar="somebody", kind="photo", size=128)
    made = make_avatar(order, good.encode(good.picture), store)
    assert made.bundle.manifest.engines == ("atlas",)
    compositor = AvatarCompositorFactory(store).open("somebody")
    wide = MouthShape(aperture=0.9, width=0.0, energy=0.5)
    shown = [compositor.compose(n, wide if n else None).to_ndarray(format="bgr24") for n in range(12)]
    still, spoken = shown[0].astype(int), shown[-1].astype(int)
    atlas = store.get("somebody").atlas()
    x, y, w, h = (int(n) for n in atlas.mouth_rect)
    assert np.abs(spoken - still)[y : y + h, x : x + w].mean() > 3
    # Both eyes close, and nothing happens to what is around them.
    closed = np.abs(atlas.eyes[-1, 0].astype(int) - atlas.eyes[0, 0])
    assert closed.mean() > 1 and closed[:, 0].max() == 0 and closed[0].max() == 0
    if name.startswith("cut-out"):
        assert np.abs(still[3:9, 3:9].mean(axis=(0, 1)) - (238, 235, 233)).max() < 4
