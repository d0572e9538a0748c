import io
import json

import numpy as np
import pytest
from PIL import Image

from avatars.manifest import Provenance
from avatars.store import AvatarStore
from precompute.order import AvatarOrder
from precompute.stages.base import Desk, Stage
from precompute.stages.report import (
    STEPS_BYTES,
    details_of,
    provenance_of,
    report_of,
    report_text,
    steps_sheet,
)


@pytest.fixture
def desk(tmp_path):
    given = Provenance(source="a photo", tools=("a camera", "a tool"))
    order = AvatarOrder(avatar="anna", kind="photo", provenance=given)
    return Desk(tmp_path, order, AvatarStore(tmp_path / "own"))


def _stage(name, *, shape=(300, 400), noise=0, **said):
    def run(desk):
        rng = np.random.default_rng(1)
        picture = rng.integers(128 - noise, 129 + noise, (*shape, 3)) if noise else np.full((*shape, 3), 90)
        desk.preview(picture.astype(np.uint8))
        desk.report(said.get("report", {}))
        desk.detail(**said.get("details", {}))
        for tool in said.get("tools", ()):
            desk.used(tool)
        for note in said.get("notes", ()):
            desk.note(note)

    return Stage(name, name.title(), 1, run)


def test_what_stages_said_is_put_together_in_their_order(desk):
    desk.run(_stage("one", report={"a": 1}, details={"loop": "forward", "background": "transparent"}))
    desk.run(_stage("two", notes=["Well."], details={"background": "video"}, tools=["a tool", "x"]))
    assert report_of(desk) == {
        "version": 1,
        "kind": "photo",
        "steps": {"one": {"a": 1}},
        "notes": {"two": ["Well."]},
    }
    assert json.loads(report_text(desk))["mark"] == desk.mark
    assert details_of(desk) == {"loop": "forward", "background": "video"}
    made = provenance_of(desk, "0" * 64)
    assert made.source == "a photo" and made.sha256 == "0" * 64
    assert made.tools[:2] == ("a camera", "a tool") and made.tools[3] == "x" and len(made.tools) == 4


def test_the_sheet_of_steps_shows_them_all_and_is_small(desk):
    assert steps_sheet(desk) is None
    for number in range(7):
        desk.run(_stage("abcdefg"[number], shape=(700, 900), noise=110))
    data = steps_sheet(desk)
    assert data is not None and len(data) <= STEPS_BYTES
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "WEBP" and picture.size[0] == 3 * 492
        columns = np.asarray(picture.convert("L")).std(axis=0)
    assert (columns[100:400] > 5).all() and (columns[1100:1300] > 5).all()
