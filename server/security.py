"""Who may do what: the API key opens sessions and renders, and a token owns one of them."""

from __future__ import annotations

import hmac
import ipaddress
from typing import Protocol
from urllib.parse import urlsplit

from fastapi import Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.requests import HTTPConnection

from server.problems import HTTPProblem
from server.settings import Settings

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="lipstream"'}

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

SCHEMES = [
    Security(HTTPBearer(auto_error=False, description="The API key, or the token of a session or render.")),
    Security(APIKeyHeader(name="X-API-Key", auto_error=False, description="The API key.")),
]
"""Tells OpenAPI how to authorise; the checks are below."""


class Owned(Protocol):
    """Something that a secret token owns."""

    @property
    def token(self) -> str:
        """The secret."""
        ...


def presented(connection: HTTPConnection, query: bool = False) -> list[str]:
    """The secrets that a request carries.

    Args:
        connection: an HTTP request or a WebSocket.
        query: whether ``?token=`` counts; only where a browser cannot send headers (WebSockets, media).
    """
    found = []
    scheme, _, credential = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credential.strip():
        found.append(credential.strip())
    if key := connection.headers.get("x-api-key"):
        found.append(key)
    if query and (token := connection.query_params.get("token")):
        found.append(token)
    return found


def _matches(candidates: list[str], secret: str) -> bool:
    expected = secret.encode()
    # Every candidate is compared, so that the time taken tells nothing.
    return any([hmac.compare_digest(candidate.encode(), expected) for candidate in candidates])


def has_api_key(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether the request carries the API key; false when none is set."""
    key = settings.api_key
    return key is not None and _matches(presented(connection), key.get_secret_value())


def require_api_key(connection: HTTPConnection, settings: Settings) -> None:
    """Refuse a request without the API key, when one is set.

    Raises:
        HTTPProblem: 401.
    """
    if settings.api_key is not None and not has_api_key(connection, settings):
        raise HTTPProblem(
            401,
            "unauthorized",
            "This needs the API key: send it as Authorization: Bearer or X-API-Key.",
            CHALLENGE,
        )


def require_owner(connection: HTTPConnection, settings: Settings, owned: Owned, query: bool = False) -> None:
    """Refuse a request that carries neither the token of what it touches nor the API key.

    Raises:
        HTTPProblem: 401.
    """
    if _matches(presented(connection, query), owned.token) or has_api_key(connection, settings):
        return
    raise HTTPProblem(
        401,
        "unauthorized",
        "This needs the token that came when it was created: Authorization: Bearer.",
        CHALLENGE,
    )


def check_site(connection: HTTPConnection, settings: Settings) -> None:
    """Refuse what a browser does here for a page of another site.

    A browser lets any page send simple requests anywhere and open WebSockets, which know no CORS (RFC 6455,
    10.2), and a page whose own name is made to point at this machine (DNS rebinding) even reads the answers.

    Raises:
        HTTPProblem: 403 for a foreign origin, 421 for a foreign host name.
    """
    if not _is_our_name(connection, settings):
        raise HTTPProblem(
            421,
            "host_not_allowed",
            "This server is for its own machine and goes by localhost. The operator allows other names by "
            "setting LIPSTREAM_API_KEY, or by naming the site in LIPSTREAM_CORS_ORIGINS.",
        )
    changes = connection.scope["type"] == "websocket" or connection.scope["method"] not in SAFE_METHODS
    if changes and not _is_allowed_origin(connection, settings):
        raise HTTPProblem(
            403,
            "origin_not_allowed",
            "Pages of this site may not use the server. The operator allows sites in LIPSTREAM_CORS_ORIGINS.",
        )


def _is_allowed_origin(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether a request comes from a page of this site, an allowed site, or no browser at all."""
    origin = connection.headers.get("origin")
    # What the browser says of itself holds behind a proxy that changes the host, too.
    if origin is None or connection.headers.get("sec-fetch-site") == "same-origin":
        return True
    origin = origin.lower()
    if "*" in settings.cors_origins or origin in settings.cors_origins:
        return True
    return urlsplit(origin).netloc == connection.headers.get("host", "").lower()


def _is_our_name(connection: HTTPConnection, settings: Settings) -> bool:
    """Whether nobody else can own the name that the client calls this machine by.

    It matters where being on this machine is all that opens the server.
    """
    host = connection.headers.get("host")
    if host is None or settings.open_to_network or settings.api_key is not None:
        return True
    if "*" in settings.cors_origins:
        return True
    name = _host_name(host)
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in {_host_name(urlsplit(origin).netloc) for origin in settings.cors_origins}
    return True


def _host_name(netloc: str) -> str:
    try:
        return (urlsplit(f"//{netloc}").hostname or "").removesuffix(".")
    except ValueError:
        return ""
