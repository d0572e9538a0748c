import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from avatars.manifest import AvatarDetails, Provenance
from avatars.store import AvatarStore
from tests.server.conftest import API_KEY
from tests.support.whole_avatars import whole_bundle

REPORT = {"face": {"width": 300}}
SHEET = cv2.imencode(".webp", np.full((64, 64, 3), 90, np.uint8))[1].tobytes()
MADE_FROM = Provenance(
    source="me.jpg", author="Jane", licence="CC0-1.0", consent="This is me.", tools=("one", "two")
)


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A data folder with an avatar that knows how it was made, and one that does not."""
    root = tmp_path / "avatars"
    plain = whole_bundle(root, "plain")
    with AvatarStore(root).writer("told") as writer:
        for name in plain.manifest.parts:
            shutil.copyfile(plain.path / name, writer.path(name))
        writer.path("steps.webp").write_bytes(SHEET)
        writer.path("report.json").write_text(json.dumps(REPORT))
        details = plain.manifest.model_dump(include=set(AvatarDetails.model_fields))
        changes = {"id": "told", "provenance": MADE_FROM, "loop": "forward", "background": "own"}
        writer.commit(AvatarDetails.model_validate(details | changes))
    return tmp_path


async def test_all_is_told_of_one_avatar(still, told):
    async with still() as server:
        found = (await server.http.get("/v1/avatars/told")).json()
        listed = (await server.http.get("/v1/avatars")).json()["avatars"]
        report = await server.http.get(found["report_url"])
        steps = await server.http.get(found["steps_url"])
    assert (found["source"], found["author"], found["licence"]) == ("me.jpg", "Jane", "CC0-1.0")
    assert (found["consent"], found["tools"]) == ("This is me.", ["one", "two"])
    assert (found["loop"], found["background"], found["frames"], found["fps"]) == ("forward", "own", 2, 25)
    assert found["created"].startswith("20") and found["created"].endswith("Z")
    assert report.json() == REPORT and report.headers["content-type"] == "application/json"
    assert steps.content == SHEET and steps.headers["content-type"] == "image/webp"
    assert "immutable" in steps.headers["cache-control"]
    (short,) = (one for one in listed if one["id"] == "told")
    assert short.items() <= found.items() and "consent" not in short and short["background"] == "own"


async def test_an_avatar_of_old_says_that_nothing_was_recorded(still, told):
    async with still() as server:
        found = (await server.http.get("/v1/avatars/plain")).json()
        assert found["report_url"] is None and found["steps_url"] is None
        for name in ("steps.webp", "report.json"):
            answer = await server.http.get(f"/v1/avatars/plain/{name}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_recorded")


async def test_how_somebody_was_made_is_closed_without_the_key(still, told):
    async with still(api_key=API_KEY) as server:
        for path in ("told", "told/steps.webp", "told/report.json", "plain/steps.webp", "nobody/steps.webp"):
            assert (await server.http.get(f"/v1/avatars/{path}?v=1")).status_code == 401
        key = {"X-API-Key": API_KEY}
        found = (await server.http.get("/v1/avatars/told", headers=key)).json()
        assert (await server.http.get(found["steps_url"])).content == SHEET, (
            "who knows its address may see it"
        )
        assert (await server.http.get("/v1/avatars/plain/steps.webp", headers=key)).status_code == 404


async def test_the_matte_of_an_avatar_without_a_background_is_told(still, told):
    store = AvatarStore(told / "avatars")
    made = store.get("plain")
    matte = cv2.imencode(".png", np.zeros((made.manifest.height, made.manifest.width), np.uint8))[1].tobytes()
    with store.writer("clear") as writer:
        for name in made.manifest.parts:
            shutil.copyfile(made.path / name, writer.path(name))
        writer.path("alpha.png").write_bytes(matte)
        details = made.manifest.model_dump(include=set(AvatarDetails.model_fields))
        writer.commit(AvatarDetails.model_validate(details | {"id": "clear", "background": "transparent"}))
    async with still() as server:
        found = {one["id"]: one for one in (await server.http.get("/v1/avatars")).json()["avatars"]}
        sent = await server.http.get(found["clear"]["alpha_url"])
        missing = await server.http.get("/v1/avatars/plain/alpha.png")
    assert found["plain"]["alpha_url"] is None and found["mira"]["alpha_url"] is None
    assert sent.content == matte and sent.headers["content-type"] == "image/png"
    assert (missing.status_code, missing.json()["code"]) == (404, "not_recorded")


async def test_how_large_files_may_be_is_told(still):
    async with still(max_source_bytes=5_000_000, max_avatar_bytes=6_000_000) as server:
        limits = (await server.http.get("/v1/avatars")).json()["limits"]
    assert limits == {"photo_bytes": 5_000_000, "source_bytes": 5_000_000, "avatar_bytes": 6_000_000}
