"""The application: state, middleware and routes put together."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware

from server import problems
from server.middleware import AccessLog, BodyLimit, BodyRule, SecurityHeaders, SiteCheck
from server.routes import (
    audio,
    avatar_create,
    avatar_exchange,
    avatars,
    health,
    jobs,
    metrics,
    page,
    renders,
    sessions,
    streamed_renders,
    voices,
    websocket,
    whep,
)
from server.settings import Settings
from server.state import build_state
from server.version import program_version
from streaming.clock import Clock

DESCRIPTION = """
Text or sound in, a person who talks out: live over WebRTC (WHEP) or a WebSocket, or as an MP4 file.

Create a **session**, watch it, and tell it what to say; or submit a **render** and fetch the file. A photo or
a video of a person becomes an **avatar** by a job.
Errors are `application/problem+json` with a stable `code` and a `detail` that says what to do. Pages of other
sites are refused with 403, unknown names of the machine with 421.
"""

TAGS = [
    {"name": "sessions", "description": "A live person and what it says."},
    {"name": "watching", "description": "Ways to see and hear a session."},
    {"name": "renders", "description": "MP4 files."},
    {"name": "avatars", "description": "Who can be shown, and avatars of one's own."},
    {"name": "jobs", "description": "Avatars that are being made."},
    {"name": "voices", "description": "Who can be heard, and voices of one's own."},
    {"name": "operation", "description": "For those who run the server."},
]

EXPOSED_HEADERS = ["Location", "ETag", "Link", "Accept-Patch", "Retry-After"]


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """An application of its own: nothing is shared between two of them.

    Args:
        settings: everything that can be set.
        clock: where time comes from; the system's when not given.
    """
    state = build_state(settings, clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        await state.start()
        try:
            yield
        finally:
            await state.close()

    app = FastAPI(
        title="Lipstream",
        version=program_version(),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=lifespan,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        # The page of our own needs no other host; and a redirect would carry ?token= along.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.lipstream = state
    problems.install(app)
    for module in (
        *(sessions, audio, whep, websocket, renders, streamed_renders),
        *(avatars, avatar_create, avatar_exchange, jobs, voices, health, metrics),
    ):
        app.include_router(module.router)
        _answer_head(app, module.router)
    page.install(app)
    _complete_openapi(app)

    rules: dict[re.Pattern[str], BodyRule] = {}
    for module in (audio, voices, avatar_exchange, avatar_create):
        rules |= module.body_rules(settings)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes, rules=rules)
    app.add_middleware(SiteCheck, settings=settings)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "If-Match", "Render-Token"],
            expose_headers=EXPOSED_HEADERS,
        )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(AccessLog, clock=state.clock)
    return app


def _answer_head(app: FastAPI, router: APIRouter) -> None:
    """Let HEAD do what GET does, but for the body (RFC 9110, 9.1); OpenAPI does not repeat it."""
    for route in router.routes:
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()):
            app.add_api_route(
                route.path,
                route.endpoint,
                methods=["HEAD"],
                response_model=route.response_model,
                dependencies=route.dependencies,
                include_in_schema=False,
            )


def _complete_openapi(app: FastAPI) -> None:
    """Give all errors the same schema in OpenAPI that they have on the wire, and name those of bodies."""

    def openapi() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                tags=app.openapi_tags,
                license_info=app.license_info,
                routes=app.routes,
            )
            schemas = schema["components"]["schemas"]
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            described = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(described.pop("$defs", {}))
            schemas["Problem"] = described
            invalid = problems.responses(422)[422]
            of_bodies = problems.responses(400, 408, 413, 415)
            for operations in schema["paths"].values():
                for operation in operations.values():
                    if "422" in operation["responses"]:
                        operation["responses"]["422"] = invalid
                    if "requestBody" in operation:
                        for status, response in of_bodies.items():
                            operation["responses"].setdefault(str(status), response)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi
