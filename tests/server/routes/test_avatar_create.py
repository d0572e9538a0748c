import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from precompute.photo import MAX_BYTES
from server import uploads
from server.fetch import Fetcher
from server.job_models import AvatarWish
from tests.server.conftest import API_KEY, Still
from tests.support.job_shelf import JobShelf

AVATARS = "/v1/avatars"
JPEG = b"\xff\xd8\xff\xe0 a photo"
PNG = b"\x89PNG\r\n\x1a\n a picture"
MP4 = b"\0\0\0\x18ftypisom a video"
CONSENT = {"consent": "This is me."}


@dataclass
class Door(Still):
    """A server whose jobs lie in memory."""

    shelf: JobShelf

    @property
    def jobs(self) -> list[Any]:
        return self.shelf.all()


@pytest.fixture
def door(still, tmp_path):
    @asynccontextmanager
    async def make(room: int = 100, **settings: Any) -> AsyncIterator[Door]:
        async with still(**settings) as server:
            server.state.jobs = shelf = JobShelf(tmp_path / "shelf", room)
            yield Door(server.http, server.state, shelf)

    return make


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_a_form_becomes_a_job(door):
    async with door() as server:
        answer = await server.http.post(
            AVATARS,
            files={"file": ("../../me.jpg", JPEG), "backdrop": ("office.png", PNG)},
            data=CONSENT | {"name": "Anna", "licence": "CC0", "matting": "", "author": "Jane"},
        )
        assert answer.status_code == 202, answer.text
        job = answer.json()
        assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
        assert answer.headers["cache-control"] == "no-store"
        assert (job["kind"], job["status"], job["avatar"]) == ("avatar", "queued", "anna")
        assert [step["status"] for step in job["steps"]] == ["waiting", "waiting"]
        assert server.shelf.sent[job["id"]] == (JPEG, PNG)
        order = server.jobs[0].order
        assert (order.kind, order.background, order.name, order.matting) == ("photo", "picture", "Anna", None)
        told = order.provenance
        assert (told.source, told.consent, told.licence) == ("me.jpg", "This is me.", "CC0")
        assert (await server.http.get(answer.headers["location"])).status_code == 401
        own = {"Authorization": f"Bearer {job['token']}"}
        seen = (await server.http.get(answer.headers["location"], headers=own)).json()
        assert seen == {name: value for name, value in job.items() if name != "token"}


async def test_what_it_is_is_told_by_its_bytes_and_not_by_its_name(door):
    async with door() as server:
        for name, data in (("film.mp4", JPEG), ("photo.jpg", MP4)):
            sent = {"file": (name, data, "image/png")}
            assert (await server.http.post(AVATARS, files=sent, data=CONSENT)).status_code == 202
        assert [job.order.kind for job in server.jobs] == ["video", "photo"]


REFUSED = [
    ({"data": CONSENT}, 415, "unsupported_media_type"),
    ({"content": JPEG, "headers": {"Content-Type": "image/jpeg"}}, 415, "unsupported_media_type"),
    ({"content": JPEG}, 415, "unsupported_media_type"),
    ({"files": {"file": JPEG}}, 422, "invalid_request"),
    ({"files": {"file": JPEG}, "data": {"consent": "   "}}, 422, "invalid_request"),
    ({"files": {"file": JPEG}, "data": {"consent": "x" * 501}}, 422, "invalid_request"),
    ({"files": {"backdrop": PNG}, "data": CONSENT}, 422, "invalid_request"),
    ({"files": {"file": JPEG, "other": PNG}, "data": CONSENT}, 422, "invalid_request"),
    ({"files": {"file": JPEG, "backdrop": PNG, "third": PNG}, "data": CONSENT}, 400, "bad_request"),
    ({"files": {"file": JPEG}, "data": CONSENT | {"path": "/etc/passwd"}}, 422, "invalid_request"),
    ({"files": {"file": JPEG}, "data": CONSENT | {"url": "https://a.example"}}, 422, "invalid_request"),
    ({"files": {"file": JPEG}, "data": CONSENT | {"id": "../x"}}, 422, "invalid_request"),
    ({"files": {"file": JPEG}, "data": CONSENT | {"id": "mira"}}, 409, "avatar_exists"),
    ({"files": {"file": JPEG}, "data": CONSENT | {"repair": "magic"}}, 422, "invalid_request"),
    ({"files": {"file": JPEG}, "data": CONSENT | {"loop_only": "perhaps"}}, 422, "invalid_request"),
    ({"files": {"file": JPEG}, "data": CONSENT | {"loop_only": "true"}}, 422, "invalid_request"),
    ({"files": {"file": JPEG}, "data": CONSENT | {"background": "office.jpg"}}, 422, "invalid_request"),
    ({"files": {"file": JPEG}, "data": CONSENT | {"background": "picture"}}, 422, "invalid_request"),
    ({"files": {"file": b"%PDF-1.7"}, "data": CONSENT}, 422, "not_an_image"),
    ({"files": {"file": JPEG + bytes(MAX_BYTES)}, "data": CONSENT}, 422, "image_too_large"),
    ({"json": {}}, 422, "invalid_request"),
    ({"json": {"url": "https://files.example/a.jpg"}}, 422, "invalid_request"),
    ({"json": CONSENT}, 422, "invalid_request"),
    ({"json": CONSENT | {"url": "file:///etc/passwd"}}, 422, "fetch_refused"),
    ({"json": CONSENT | {"url": "http://127.0.0.1/a.jpg"}}, 422, "fetch_refused"),
    ({"json": CONSENT | {"url": "https://files.example/a.jpg", "file": "x"}}, 422, "invalid_request"),
]


@pytest.mark.parametrize(("body", "status", "code"), REFUSED)
async def test_what_cannot_be_is_refused_and_leaves_nothing(door, body, status, code):
    async with door() as server:
        before = descriptors()
        answer = await server.http.post(AVATARS, **body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert server.jobs == [] and server.state.uploads._count == 0
        assert descriptors() == before


async def test_a_refusal_names_the_field_and_repeats_nothing(door):
    async with door() as server:
        answer = await server.http.post(
            AVATARS, files={"file": JPEG}, data=CONSENT | {"background": "nonsense", "name": "x"}
        )
        (error,) = answer.json()["errors"]
        assert error["pointer"] == "/background" and "no background" in error["detail"]
        answer = await server.http.post(AVATARS, json={"url": "https://files.example/?key=secret"})
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/consent"]
        assert "secret" not in answer.text


async def test_an_id_that_a_job_wants_is_taken_until_it_has_ended(door):
    form = {"files": {"file": JPEG}, "data": CONSENT | {"id": "anna"}}
    async with door() as server:
        first = (await server.http.post(AVATARS, **form)).json()
        again = await server.http.post(AVATARS, **form)
        assert (again.status_code, again.json()["code"]) == (409, "avatar_exists")
        await server.shelf.end(first["id"], "failed", "no_face", "There is no face.")
        assert (await server.http.post(AVATARS, **form)).status_code == 202
        both = await asyncio.gather(
            *(server.http.post(AVATARS, files={"file": JPEG}, data=CONSENT | {"id": "eve"}) for _ in range(4))
        )
        assert sorted(answer.status_code for answer in both) == [202, 409, 409, 409]


async def test_a_full_queue_is_told_before_anything_is_read(door):
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    async with door(room=0) as server:
        answer = await server.http.post(
            AVATARS, content=never(), headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "capacity_reached")
        assert int(answer.headers["retry-after"]) > 0


async def test_files_and_their_sum_are_bounded(door):
    files = {"file": ("a", JPEG + bytes(40_000)), "backdrop": ("b", PNG + bytes(40_000))}
    async with door(max_source_bytes=60_000) as server:
        answer = await server.http.post(AVATARS, files=files, data=CONSENT)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert (
            await server.http.post(AVATARS, files={"file": files["file"]}, data=CONSENT)
        ).status_code == 202
        large = await server.http.post(AVATARS, json=CONSENT | {"url": "x" * 20_000})
        assert (large.status_code, large.json()["code"]) == (413, "body_too_large")


async def test_with_an_api_key_nobody_else_makes_avatars(door):
    async with door(api_key=API_KEY) as server:
        for headers in ({}, {"X-API-Key": "wrong"}):
            answer = await server.http.post(AVATARS, files={"file": JPEG}, data=CONSENT, headers=headers)
            assert answer.status_code == 401
        key = {"Authorization": f"Bearer {API_KEY}"}
        assert (
            await server.http.post(AVATARS, files={"file": JPEG}, data=CONSENT, headers=key)
        ).status_code == 202


async def test_pages_of_other_sites_make_none(door):
    async with door() as server:
        answer = await server.http.post(
            AVATARS, files={"file": JPEG}, data=CONSENT, headers={"Origin": "https://a.example"}
        )
        assert answer.status_code == 403 and server.jobs == []


FILES = {"/me.jpg": JPEG, "/office.png": PNG, "/page": b"<html>"}


class Pieces(httpx.AsyncByteStream):
    def __init__(self, data: bytes) -> None:
        self._data = data

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._data


def fetcher(status: int = 200) -> Fetcher:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return {"files.example": ["93.184.216.34"]}.get(host, [])

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=Pieces(FILES.get(request.url.path, b"")))

    return Fetcher(resolve=resolve, transport=httpx.MockTransport(answer))


async def test_files_are_fetched_from_their_addresses(door):
    async with door() as server:
        server.state.fetcher = fetcher()
        body = CONSENT | {
            "url": "https://files.example/me.jpg?key=secret",
            "backdrop_url": "https://files.example/office.png",
            "name": "Anna",
        }
        answer = await server.http.post(AVATARS, json=body)
        assert answer.status_code == 202, answer.text
        assert server.shelf.sent[answer.json()["id"]] == (JPEG, PNG)
        order = server.jobs[0].order
        assert (order.background, order.provenance.source) == ("picture", "https://files.example/me.jpg")
        page = await server.http.post(AVATARS, json=CONSENT | {"url": "https://files.example/page"})
        assert (page.status_code, page.json()["code"]) == (422, "not_an_image")
        body["backdrop_url"] = "http://inside.example/"
        inside = await server.http.post(AVATARS, json=body)
        assert (inside.status_code, inside.json()["code"]) == (422, "fetch_refused")
        server.state.fetcher = fetcher(500)
        failed = await server.http.post(AVATARS, json=body)
        assert (failed.status_code, failed.json()["code"]) == (502, "fetch_failed")
        assert len(server.jobs) == 1 and server.state.uploads._count == 0


async def test_only_so_many_come_in_at_once(door, monkeypatch):
    held = asyncio.Event()
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + JPEG
    consent = b'\r\n--b\r\nContent-Disposition: form-data; name="consent"\r\n\r\nme\r\n--b--\r\n'

    async def slow() -> AsyncIterator[bytes]:
        yield form
        await held.wait()
        yield consent

    monkeypatch.setattr(uploads, "MAX_UPLOADS", 1)
    async with door() as server:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        first = asyncio.create_task(server.http.post(AVATARS, content=slow(), headers=headers))
        await asyncio.sleep(0.05)
        for body in ({"files": {"file": JPEG}, "data": CONSENT}, {"json": CONSENT | {"url": "https://a.b"}}):
            answer = await server.http.post(AVATARS, **body)
            assert (answer.status_code, answer.json()["code"]) == (503, "capacity_reached")
        held.set()
        assert (await first).status_code == 202


async def test_openapi_tells_of_the_form_the_address_and_the_job(still):
    async with still() as server:
        schema = (await server.http.get("/openapi.json")).json()
    taken = schema["paths"][AVATARS]["post"]
    form = taken["requestBody"]["content"]["multipart/form-data"]["schema"]
    address = taken["requestBody"]["content"]["application/json"]["schema"]
    assert {"file", "backdrop", *AvatarWish.model_fields} == form["properties"].keys()
    assert {"url", "backdrop_url", *AvatarWish.model_fields} == address["properties"].keys()
    assert set(form["required"]) == {"file", "consent"}
    assert set(address["required"]) == {"url", "consent"}
    assert {"202", "400", "401", "408", "409", "413", "415", "422", "502", "503"} <= taken["responses"].keys()
    following = schema["paths"]["/v1/jobs/{job_id}"]["get"]
    assert {one["name"] for one in following["parameters"]} == {"job_id", "wait", "seen"}
    picture = schema["paths"]["/v1/jobs/{job_id}/previews/{step}.webp"]["get"]["responses"]
    assert "image/webp" in picture["200"]["content"] and "application/json" not in picture["200"]["content"]
    assert "token" in schema["components"]["schemas"]["JobCreated"]["required"]


@pytest_asyncio.fixture
async def open_door(door) -> AsyncIterator[Door]:
    async with door() as server:
        server.state.fetcher = fetcher()
        yield server


_texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["blur", "#fff", "true", "u2net", "video", "mira", "anna", "lama", "https://files.example/me.jpg"]
    ),
)
_names = st.one_of(
    st.sampled_from([*AvatarWish.model_fields, "url", "backdrop_url", "file"]), st.text(max_size=8)
)
_values = st.one_of(
    _texts, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.lists(_texts, max_size=2)
)
CODES = {"invalid_request", "fetch_refused", "avatar_exists", "not_an_image", "bad_request"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(_names, _values, max_size=8), right=st.booleans())
async def test_no_json_breaks_it(open_door: Door, body: dict[str, Any], right: bool):
    if right:
        body = {"url": "https://files.example/me.jpg"} | CONSENT | body
    answer = await open_door.http.post(
        AVATARS, content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 202 or answer.json()["code"] in CODES, answer.text


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(_names, _texts, max_size=8),
    files=st.dictionaries(
        st.sampled_from(["file", "backdrop", "x"]),
        st.tuples(st.text(max_size=9), st.sampled_from([JPEG, PNG, MP4, b"", b"x"])),
    ),
)
async def test_no_form_breaks_it(
    open_door: Door, fields: dict[str, str], files: dict[str, tuple[str, bytes]]
):
    answer = await open_door.http.post(AVATARS, data=CONSENT | fields, files=files or {"file": ("", b"")})
    assert answer.status_code == 202 or answer.json()["code"] in CODES, answer.text
    assert open_door.state.uploads._count == 0
