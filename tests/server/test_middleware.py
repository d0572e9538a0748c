import asyncio
import re
from collections.abc import AsyncIterator

import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from server import middleware

LIMIT = 4096
JSON = {"Content-Type": "application/json"}


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * 1024


async def test_a_large_body_is_refused_before_it_is_read(still):
    async with still(max_body_bytes=LIMIT) as server:
        answer = await server.http.post("/v1/renders", content=b" " * (LIMIT + 1), headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_large_body_of_unknown_length_is_cut_off(still):
    async with still(max_body_bytes=LIMIT) as server:
        for path in ("/v1/renders", "/v1/sessions"):
            answer = await server.http.post(path, content=chunks(64), headers=JSON)
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large"), path
        offer = await server.http.post(
            "/v1/whep", content=chunks(64), headers={"Content-Type": "application/sdp"}
        )
        assert offer.status_code == 413


async def test_other_bodies_may_have_a_rule_of_their_own():
    rules = {re.compile("/big"): middleware.BodyRule(None, None, 0.05)}
    read: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        more, size = True, 0
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        read.append(size)

    async def talk(path: str, pauses: list[float]) -> None:
        async def receive() -> Message:
            await asyncio.sleep(pauses.pop(0))
            return {"type": "http.request", "body": b"x" * 60, "more_body": bool(pauses)}

        async def send(message: Message) -> None:
            pass

        await limited({"type": "http", "path": path, "headers": []}, receive, send)

    limited = middleware.BodyLimit(app, 100, rules)
    await talk("/big", [0.0] * 5 + [0.02] * 5)
    assert read == [600], "neither its size nor the time in all is limited"
    with pytest.raises(HTTPException) as caught:
        await talk("/big", [0.0, 1.0])
    assert caught.value.status_code == 408
    for path in ("/big/", "/bigger", "/"):
        with pytest.raises(HTTPException) as caught:
            await talk(path, [0.0, 0.0])
        assert caught.value.status_code == 413


async def test_every_response_carries_security_headers(still):
    async with still() as server:
        for path in ("/", "/health", "/nothing", "/docs"):
            headers = (await server.http.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert "default-src 'none'" in headers["content-security-policy"]


async def test_the_page_may_run_nothing_but_its_own_modules(still):
    async with still() as server:
        policy = (await server.http.get("/")).headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'self'" in policy


async def test_other_sites_may_not_use_the_api_unless_allowed(still):
    preflight = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    async with still() as server:
        answer = await server.http.options("/v1/sessions", headers=preflight)
        assert "access-control-allow-origin" not in answer.headers
    async with still(cors_origins=["https://a.example"]) as server:
        answer = await server.http.options("/v1/sessions", headers=preflight)
        assert answer.headers["access-control-allow-origin"] == "https://a.example"
        answer = await server.http.post("/v1/whep", headers={"Origin": "https://a.example"})
        exposed = answer.headers["access-control-expose-headers"]
        assert {"Location", "ETag", "Link"} <= {name.strip() for name in exposed.split(",")}
        answer = await server.http.get("/v1/sessions", headers={"Origin": "https://b.example"})
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/whep"])
async def test_a_body_that_dawdles_is_not_waited_for(still, monkeypatch, path):
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0.05)
    held = asyncio.Event()

    async def dawdling() -> AsyncIterator[bytes]:
        yield b"{"
        await held.wait()

    media_type = "application/sdp" if path.endswith("whep") else "application/json"
    async with still() as server:
        answer = await server.http.post(path, content=dawdling(), headers={"Content-Type": media_type})
        assert (answer.status_code, answer.json()["code"]) == (408, "request_timeout")
        assert answer.headers["connection"] == "close"
        assert server.state.sessions.all() == []


async def test_the_page_of_the_api_needs_no_other_host_and_nothing_inline(still):
    async with still() as server:
        answer = await server.http.get("/docs")
        policy = answer.headers["content-security-policy"]
        assert "http" not in policy and "unsafe" not in policy
        assert "//" not in answer.text.replace("<!doctype", "")
        for path in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
            assert (await server.http.get(f"/{path.removeprefix('.')}")).status_code == 200, path
