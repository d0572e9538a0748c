import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avatars.archive import MEDIA_TYPE
from avatars.manifest import MANIFEST_NAME
from avatars.store import AvatarStore
from server import uploads
from server.fetch import Fetcher
from tests.server.conftest import API_KEY, Still
from tests.support.musetalk_part import part_of
from tests.support.whole_avatars import archive_of, members, whole_bundle, zip_of

KEY = {"X-API-Key": API_KEY}
FILE = {"Content-Type": MEDIA_TYPE}
IMPORT = "/v1/avatars/import"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    root = tmp_path_factory.mktemp("source")
    whole_bundle(root, "ada")
    return archive_of(AvatarStore(root))


def own(server: Still) -> list[str]:
    root = server.state.store.root
    return sorted(os.listdir(root)) if root.exists() else []


@pytest.mark.parametrize("kind", [MEDIA_TYPE, "application/zip", "application/octet-stream", "", "form"])
async def test_an_avatar_is_taken_in_listed_handed_on_and_deleted(still, sound, kind):
    async with still() as server:
        if kind == "form":
            answer = await server.http.post(IMPORT, files={"file": ("../ada.zip", sound)})
        else:
            headers = {"Content-Type": kind} if kind else {}
            answer = await server.http.post(IMPORT, content=sound, headers=headers)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == "/v1/avatars/ada"
        assert answer.json() == (await server.http.get("/v1/avatars/ada")).json()
        assert not answer.json()["builtin"]
        assert (await server.http.get(answer.json()["idle_url"])).status_code == 200

        given = await server.http.get("/v1/avatars/ada/bundle")
        assert given.status_code == 200 and given.content == sound
        assert given.headers["content-type"] == MEDIA_TYPE
        assert given.headers["content-length"] == str(len(sound))
        assert given.headers["content-disposition"] == 'attachment; filename="ada.lipstream"'
        assert given.headers["cache-control"] == "private, no-cache"

        assert (await server.http.post(IMPORT, content=sound, headers=FILE)).json()["code"] == "avatar_exists"
        assert (await server.http.post(f"{IMPORT}?id=eve", content=sound, headers=FILE)).status_code == 201
        assert own(server) == ["ada", "eve"]
        assert (await server.http.delete("/v1/avatars/ada")).status_code == 204
        assert (await server.http.delete("/v1/avatars/ada")).json()["code"] == "avatar_not_found"
        assert own(server) == ["eve"]


async def test_the_etag_is_of_the_contents(still, sound):
    async with still() as server:
        for avatar in ("ada", "eve"):
            await server.http.post(f"{IMPORT}?id={avatar}", content=sound, headers=FILE)
        path = "/v1/avatars/ada/bundle"
        etag = (await server.http.get(path)).headers["etag"]
        for tags in (etag, f'"x", W/{etag}', "*"):
            again = await server.http.get(path, headers={"If-None-Match": tags})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert (await server.http.get("/v1/avatars/eve/bundle")).headers["etag"] != etag
        head = await server.http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert (head.headers["etag"], head.headers["content-length"]) == (etag, str(len(sound)))
        server.state.store.put_musetalk("ada", part_of(server.state.store.get("ada")))
        changed = await server.http.get(path, headers={"If-None-Match": etag})
        assert changed.status_code == 200 and "musetalk.safetensors" in members(changed.content)


async def test_avatars_of_the_program_are_anybodys_and_stay(still):
    async with still(api_key=API_KEY) as server:
        answer = await server.http.get("/v1/avatars/mira/bundle")
        assert answer.status_code == 200 and "atlas.npz" in members(answer.content)
        assert (await server.http.delete("/v1/avatars/mira")).status_code == 401
        refused = await server.http.delete("/v1/avatars/mira", headers=KEY)
        assert (refused.status_code, refused.json()["code"]) == (403, "avatar_read_only")
        copy = await server.http.post(f"{IMPORT}?id=mia", content=answer.content, headers=FILE | KEY)
        assert copy.status_code == 201 and copy.json()["name"] == "Mira"
        taken = await server.http.post(IMPORT, content=answer.content, headers=FILE | KEY)
        assert (taken.status_code, taken.json()["code"]) == (409, "avatar_exists")


async def test_with_an_api_key_nothing_else_is_told_given_or_taken_without_it(still, sound):
    async with still(api_key=API_KEY) as server:
        assert (await server.http.post(IMPORT, content=sound, headers=FILE)).status_code == 401
        for body in ({"url": "https://example.org/x"}, {}):
            assert (await server.http.post(IMPORT, json=body)).status_code == 401
        assert (await server.http.post(IMPORT, content=sound, headers=FILE | KEY)).status_code == 201
        for headers in ({}, {"X-API-Key": "wrong"}):
            for method, rest in (("GET", "/bundle"), ("HEAD", "/bundle"), ("DELETE", "")):
                answers = [
                    await server.http.request(method, f"/v1/avatars/{avatar}{rest}", headers=headers)
                    for avatar in ("ada", "nobody")
                ]
                assert [answer.status_code for answer in answers] == [401, 401]
                assert answers[0].text == answers[1].text
        assert (await server.http.get("/v1/avatars/ada/bundle", headers=KEY)).content == sound
        assert (await server.http.get("/v1/avatars/nobody/bundle", headers=KEY)).status_code == 404
        assert (await server.http.delete("/v1/avatars/ada", headers=KEY)).status_code == 204


async def test_pages_of_other_sites_can_do_none_of_it(still, sound):
    foreign = {"Origin": "https://a.example"}
    async with still() as server:
        form = await server.http.post(IMPORT, files={"file": ("a", sound)}, headers=foreign)
        text = await server.http.post(
            IMPORT, content=b'{"url": "http://localhost/"}', headers=foreign | {"Content-Type": "text/plain"}
        )
        assert (form.status_code, text.status_code) == (403, 403)
        assert (await server.http.delete("/v1/avatars/mira", headers=foreign)).status_code == 403


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"content": b"", "headers": FILE}, 422, "bundle_invalid"),
        ({"content": b"PK\x05\x06" + bytes(18), "headers": FILE}, 422, "bundle_invalid"),
        ({"content": b"x", "headers": {"Content-Type": "image/png"}}, 415, "unsupported_media_type"),
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media_type"),
        ({"data": {"url": "https://example.org"}}, 415, "unsupported_media_type"),
        ({"files": {"a": b"x", "b": b"y"}}, 400, "bad_request"),
        ({"files": {"a": b"x"}, "data": {"id": "eve"}}, 422, "invalid_request"),
        ({"params": {"id": "../eve"}, "content": b"x", "headers": FILE}, 422, "invalid_request"),
        ({"json": {}}, 422, "invalid_request"),
        ({"json": []}, 422, "invalid_request"),
        ({"json": {"url": 5}}, 422, "invalid_request"),
        ({"json": {"url": "x" * 2001}}, 422, "invalid_request"),
        ({"json": {"url": "https://a.example", "path": "/etc/passwd"}}, 422, "invalid_request"),
        ({"json": {"url": "file:///etc/passwd"}}, 422, "fetch_refused"),
        ({"json": {"url": "http://127.0.0.1:8000/x"}}, 422, "fetch_refused"),
        ({"json": {"url": "http://169.254.169.254/latest/meta-data/"}}, 422, "fetch_refused"),
        ({"json": {"url": "http://a:b@a.example/"}}, 422, "fetch_refused"),
        ({"json": {"url": "x" * 20_000}}, 413, "body_too_large"),
        (
            {"content": b"{", "headers": {"Content-Type": "application/json; charset=utf-8"}},
            422,
            "invalid_request",
        ),
    ],
)
async def test_what_is_no_avatar_is_refused_with_a_problem(still, request_, status, code):
    async with still() as server:
        answer = await server.http.post(IMPORT, **request_)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert own(server) == []


async def test_a_damaged_avatar_is_not_handed_on(still, sound):
    async with still() as server:
        await server.http.post(IMPORT, content=sound, headers=FILE)
        (server.state.store.root / "ada" / MANIFEST_NAME).write_text("{}")
        answer = await server.http.get("/v1/avatars/ada/bundle")
        assert (answer.status_code, answer.json()["code"]) == (422, "bundle_invalid")
        assert (await server.http.delete("/v1/avatars/ada")).status_code == 204


async def test_a_file_is_as_large_as_the_settings_let_it_be(still, sound):
    async def unannounced() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(1024)

    async with still(max_avatar_bytes=4096) as server:
        for content in (bytes(40_000), unannounced()):
            answer = await server.http.post(IMPORT, content=content, headers=FILE)
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert (await server.http.post("/v1/avatars/x", content=bytes(9), headers=FILE)).status_code == 405


class FileServer:
    """Gives what it was told, to who asks by name."""

    def __init__(self, data: bytes, status: int = 200) -> None:
        self.data, self.status = data, status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        async def body() -> AsyncIterator[bytes]:
            yield self.data

        return httpx.Response(self.status, content=body())

    @staticmethod
    async def resolve(host: str, port: int) -> Sequence[str]:
        return {"files.example": ["93.184.216.34"]}.get(host, [])


def fetcher(data: bytes, status: int = 200) -> Fetcher:
    transport = httpx.MockTransport(FileServer(data, status))
    return Fetcher(resolve=FileServer.resolve, transport=transport)


async def test_the_server_fetches_what_it_is_told_of(still, sound):
    url = {"url": "https://files.example/ada.lipstream"}
    async with still() as server:
        server.state.fetcher = fetcher(sound)
        answer = await server.http.post(f"{IMPORT}?id=eve", json=url)
        assert answer.status_code == 201, answer.text
        assert own(server) == ["eve"] and answer.json()["id"] == "eve"
        refused = await server.http.post(IMPORT, json={"url": "https://inside.example/"})
        assert (refused.status_code, refused.json()["code"]) == (422, "fetch_refused")
        server.state.fetcher = fetcher(b"<html>")
        assert (await server.http.post(IMPORT, json=url)).json()["code"] == "bundle_invalid"
        server.state.fetcher = fetcher(b"", 500)
        failed = await server.http.post(IMPORT, json=url)
        assert (failed.status_code, failed.json()["code"]) == (502, "fetch_failed")
        assert own(server) == ["eve"]
    async with still(max_avatar_bytes=4096) as server:
        server.state.fetcher = fetcher(bytes(5000))
        assert "4096" in (await server.http.post(IMPORT, json=url)).json()["detail"]


async def test_only_so_many_come_in_at_once(still, sound, monkeypatch):
    held = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield sound[:100]
        await held.wait()
        yield sound[100:]

    monkeypatch.setattr(uploads, "MAX_UPLOADS", 1)
    async with still() as server:
        first = asyncio.create_task(server.http.post(IMPORT, content=slow(), headers=FILE))
        await asyncio.sleep(0.05)
        for body in ({"content": sound, "headers": FILE}, {"json": {"url": "https://files.example/"}}):
            answer = await server.http.post(IMPORT, **body)
            assert (answer.status_code, answer.json()["code"]) == (503, "capacity_reached")
        held.set()
        assert (await first).status_code == 201


async def test_openapi_tells_what_is_taken_and_given(still):
    async with still() as server:
        paths = (await server.http.get("/openapi.json")).json()["paths"]
    taken = paths[IMPORT]["post"]
    assert set(taken["requestBody"]["content"]) == {
        MEDIA_TYPE,
        "application/zip",
        "application/octet-stream",
        "multipart/form-data",
        "application/json",
    }
    assert {"201", "401", "409", "413", "415", "422", "502", "503"} <= taken["responses"].keys()
    assert [one["name"] for one in taken["parameters"]] == ["id"]
    given = paths["/v1/avatars/{avatar}/bundle"]["get"]["responses"]
    assert MEDIA_TYPE in given["200"]["content"] and "application/json" not in given["200"]["content"]
    assert {"204", "401", "403", "404"} <= paths["/v1/avatars/{avatar}"]["delete"]["responses"].keys()


@pytest_asyncio.fixture
async def open_server(still) -> AsyncIterator[Still]:
    async with still() as server:
        yield server


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=30)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
_urls = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}://{}{}".format, st.sampled_from(["http", "https", "file", ""]), st.text(max_size=20), st.text()
    ),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.one_of(_json, st.builds(lambda url: {"url": url}, _urls)))
async def test_no_json_breaks_it(open_server: Still, body: Any):
    open_server.state.fetcher = fetcher(b"")
    answer = await open_server.http.post(
        IMPORT, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {413, 422}, answer.text
    codes = {"invalid_request", "fetch_refused", "body_too_large", "bundle_invalid"}
    assert answer.json()["code"] in codes


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.dictionaries(
        st.sampled_from(["poster.webp", "idle.mp4", MANIFEST_NAME, "../x"]), st.binary(max_size=50)
    ),
    tail=st.binary(max_size=30),
    kind=st.sampled_from(
        [MEDIA_TYPE, "application/zip", "multipart/form-data; boundary=b", "multipart/form-data"]
    ),
)
async def test_no_bytes_break_it(open_server: Still, names, tail, kind):
    content = zip_of(names) + tail
    answer = await open_server.http.post(IMPORT, content=content, headers={"Content-Type": kind})
    assert answer.status_code in {400, 422}, answer.text
    assert own(open_server) == []
