"""Pure ASGI layers around the application: body limit, site check, security headers, access log."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.problems import HTTPProblem, problem, problem_of
from server.security import check_site
from server.settings import Settings
from streaming.clock import Clock

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob: mediastream:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""The page loads its own modules only; blob: is MediaSource and downloads."""

API_POLICY = "default-src 'none'; frame-ancestors 'none'"

PAGES = ("/", "/docs")

BODY_SECONDS = 30.0
"""A body that takes longer to come is held back on purpose: the largest has 128 kB."""

CLOSE = {"Connection": "close"}
"""What is left of a refused body is not waited for."""

COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(self)",
}

_access = structlog.get_logger("server.access")


@dataclass(frozen=True, slots=True)
class BodyRule:
    """What the bodies of some addresses may be; ``None`` sets no limit.

    Attributes:
        max_bytes: in all.
        seconds: in all, while somebody waits for it.
        pause_seconds: until the next part.
    """

    max_bytes: int | None
    seconds: float | None
    pause_seconds: float


class BodyLimit:
    """Refuses bodies above a size, announced or not, before they are held in memory, and those that dawdle.

    Args:
        app: the application.
        limit: bytes.
        rules: by the pattern of a whole path, for those that take other bodies.
    """

    def __init__(
        self, app: ASGIApp, limit: int, rules: Mapping[re.Pattern[str], BodyRule] | None = None
    ) -> None:
        self.app = app
        self.limit = limit
        self.rules = rules or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        rule = self._rule(scope["path"])
        limit = rule.max_bytes
        detail = f"The body is larger than {limit} bytes, which is the most this address takes."
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or (limit is not None and int(announced) > limit):
            await problem(413, "body_too_large", detail, CLOSE)(scope, receive, send)
            return
        received = 0
        clock = asyncio.get_running_loop().time
        deadline = None if rule.seconds is None else clock() + rule.seconds
        complete = False

        async def counted() -> Message:
            nonlocal received, complete
            if complete:
                return await receive()
            part_due = clock() + rule.pause_seconds
            due = part_due if deadline is None else min(deadline, part_due)
            # The framework turns these into responses wherever the body is being read.
            try:
                async with asyncio.timeout_at(due):
                    message = await receive()
            except TimeoutError:
                waited = rule.pause_seconds if due == part_due else rule.seconds
                slow = f"The body did not come within {waited:.0f} seconds. Send it again."
                raise HTTPException(408, slow, CLOSE) from None
            received += len(message.get("body", b""))
            if limit is not None and received > limit:
                raise HTTPException(413, detail, CLOSE)
            complete = not message.get("more_body", False)
            return message

        await self.app(scope, counted, send)

    def _rule(self, path: str) -> BodyRule:
        for pattern, rule in self.rules.items():
            if pattern.fullmatch(path):
                return rule
        return BodyRule(self.limit, BODY_SECONDS, BODY_SECONDS)


class SiteCheck:
    """Refuses what a page of another site makes a browser do here.

    Args:
        app: the application.
        settings: say which sites are allowed.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] in {"http", "websocket"}:
            try:
                check_site(HTTPConnection(scope), self.settings)
            except HTTPProblem as error:
                await problem_of(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class SecurityHeaders:
    """Adds the headers that keep a browser from doing more with a response than was meant."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        policy = PAGE_POLICY if path in PAGES or path.startswith("/demo/") else API_POLICY
        added: Mapping[str, str] = {**COMMON_HEADERS, "Content-Security-Policy": policy}

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in added.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


class AccessLog:
    """One line per request: method, path, status, time. Never the query, which may hold a token.

    Args:
        app: the application.
        clock: where time comes from.
    """

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self.app = app
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        begun = self.clock.now()
        status = 500 if scope["type"] == "http" else 1006

        async def heard() -> Message:
            nonlocal status
            message = await receive()
            if message["type"] == "websocket.disconnect":
                status = message.get("code", 1005)
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "websocket.close":
                status = message.get("code", 1000)
            elif message["type"] == "websocket.http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, heard, noted)
        finally:
            _access.info(
                "request",
                method=scope.get("method", "WS"),
                path=scope["path"],
                status=status,
                ms=round((self.clock.now() - begun) * 1000, 1),
            )
