"""Every error of the HTTP face as a problem body (RFC 9457), with a stable code and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount

from avatars.errors import AvatarError
from precompute.errors import AvatarRejected
from server.models import VoiceCheck
from streaming.errors import LipstreamError
from streaming.speech.profiles.errors import ReferenceRejected

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:lipstream:problem:"

STATUS_OF_CODE: dict[str, int] = {
    "engine_unavailable": 503,
    "engine_failed": 500,
    "performer_lost": 503,
    "capacity_reached": 503,
    "jobs_unavailable": 503,
    "language_not_spoken": 422,
    "script_rejected": 422,
    "background_rejected": 422,
    "voice_not_found": 404,
    "avatar_not_found": 404,
    "session_not_found": 404,
    "unknown_utterance": 404,
    "bad_command": 422,
    "offer_rejected": 422,
    "bundle_invalid": 422,
    "avatar_exists": 409,
    "avatar_read_only": 403,
    "avatar_unwritable": 503,
    "avatar_not_ready": 409,
    "session_closed": 410,
    "voice_rejected": 422,
    "voice_invalid": 422,
    "voice_exists": 409,
    "voices_full": 409,
    "voices_unwritable": 503,
    "fetch_refused": 422,
    "fetch_failed": 502,
}
"""HTTP status of each code of ``streaming.errors`` and ``avatars.errors``; any other code is a 500."""

RETRY_AFTER_SECONDS: dict[str, int] = {"performer_lost": 2, "jobs_unavailable": 5, "capacity_reached": 10}

_CODE_OF_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    408: "request_timeout",
    412: "precondition_failed",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
}

MAX_ERRORS_TOLD = 20
"""A body may be wrong in as many places as it has bytes; nobody reads more than a few."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_log = structlog.get_logger(__name__)


class InvalidField(BaseModel):
    """One thing that is wrong in a request."""

    pointer: str = Field(description="Where it is, as a JSON pointer into the body, or ?name for the query.")
    detail: str


class Problem(BaseModel):
    """An error. ``code`` is stable; ``detail`` is for people."""

    type: str = Field(examples=["urn:lipstream:problem:session_not_found"])
    title: str = Field(examples=["Session not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no session with this id; it may have ended. Create a new one."])
    code: str = Field(examples=["session_not_found"])
    errors: list[InvalidField] | None = None
    check: VoiceCheck | None = Field(default=None, description="Of a recording that no voice was made of.")


class HTTPProblem(Exception):
    """Raised by routes for errors that belong to HTTP rather than to the live line.

    Args:
        status: HTTP status.
        code: stable code.
        detail: one or two sentences that say what to do.
        headers: response headers to add.
    """

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})


def problem(
    status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **extra: Any
) -> JSONResponse:
    """A problem response."""
    body = {
        "type": TYPE_PREFIX + code,
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        **extra,
    }
    return JSONResponse(body, status, dict(headers or {}), media_type=MEDIA_TYPE)


def status_of(error: LipstreamError | AvatarError) -> int:
    """The HTTP status of an expected failure."""
    if isinstance(error, AvatarRejected):
        return 422
    return STATUS_OF_CODE.get(error.code, 500)


def problem_of(error: HTTPProblem | LipstreamError | AvatarError) -> JSONResponse:
    """The problem response for an expected failure."""
    if isinstance(error, HTTPProblem):
        return problem(error.status, error.code, error.detail, error.headers)
    retry = RETRY_AFTER_SECONDS.get(error.code)
    headers = {"Retry-After": str(retry)} if retry else None
    extra: dict[str, Any] = {}
    if isinstance(error, ReferenceRejected) and error.check is not None:
        extra["check"] = msgspec.to_builtins(error.check)
    return problem(status_of(error), error.code, error.message, headers, **extra)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the error responses of a route."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def _pointer(location: tuple[int | str, ...]) -> str:
    place, *rest = location or ("body",)
    path = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in rest)
    if place == "body":
        return f"/{path}" if path else ""
    return f"?{path}" if place == "query" else f"{place}: {path}"


async def _on_expected(_request: Request, error: HTTPProblem | LipstreamError | AvatarError) -> JSONResponse:
    return problem_of(error)


def _allowed_methods(request: Request) -> str:
    """What the address takes (RFC 9110, 15.5.6); the router's own answer names one route's methods only."""
    routes = [route for route in request.app.router.routes if not isinstance(route, Mount)]
    return ", ".join(
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    )


async def _on_http_exception(request: Request, error: HTTPException) -> JSONResponse:
    code = _CODE_OF_STATUS.get(error.status_code, "http_error")
    detail = str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == 404 and detail == "Not Found":
        detail = "There is nothing at this address. The API is described at /docs."
    if error.status_code == 400 and detail == "There was an error parsing the body":
        detail = (
            "The body is no JSON that can be read. Send UTF-8, with numbers and nesting of a common size."
        )
    if error.status_code == 405:
        detail = "This address does not take this method; see the Allow header and /docs."
        headers["Allow"] = _allowed_methods(request) or headers.get("Allow", "GET, HEAD")
    return problem(error.status_code, code, detail, headers)


async def _on_validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    found = error.errors()
    if any(item["loc"] == ("body",) for item in found) and not media_type.endswith("json"):
        detail = "Send the body as JSON, with Content-Type: application/json."
        return problem(415, "unsupported_media_type", detail)
    errors = [{"pointer": _pointer(item["loc"]), "detail": item["msg"]} for item in found[:MAX_ERRORS_TOLD]]
    detail = "; ".join(f"{item['pointer'] or 'body'}: {item['detail']}" for item in errors[:3])
    return problem(422, "invalid_request", detail or "The request is not valid.", errors=errors)


async def _on_bug(request: Request, error: Exception) -> JSONResponse:
    _log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
    return problem(500, "internal_error", "The server failed; its log says why. Trying again may help.")


def install(app: FastAPI) -> None:
    """Make every error of ``app`` a problem response."""
    app.add_exception_handler(LipstreamError, _on_expected)  # pyright: ignore[reportArgumentType]
    app.add_exception_handler(AvatarError, _on_expected)  # pyright: ignore[reportArgumentType]
    app.add_exception_handler(HTTPProblem, _on_expected)  # pyright: ignore[reportArgumentType]
    app.add_exception_handler(HTTPException, _on_http_exception)  # pyright: ignore[reportArgumentType]
    app.add_exception_handler(RequestValidationError, _on_validation_error)  # pyright: ignore[reportArgumentType]
    app.add_exception_handler(Exception, _on_bug)
