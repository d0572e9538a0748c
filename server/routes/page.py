"""The pages: ``/`` for people, ``/docs`` for programmers, and their files under ``/demo``."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import web_demo

SERVED = frozenset({".html", ".css", ".js", ".svg", ".webmanifest", ".png", ".webp", ".ico"})
"""What a page is made of; the package's own files are none of a browser's business."""

REVALIDATE = {"Cache-Control": "no-cache"}
"""Kept by the browser, asked about each time (ETag), so that an upgrade is seen at once."""


class PageFiles(StaticFiles):
    """The page's files, revalidated."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or 404."""
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405)
        if PurePosixPath(path).suffix not in SERVED:
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers.update(REVALIDATE)
        return response


def install(app: FastAPI) -> None:
    """Serve the page from ``app``."""

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def index() -> FileResponse:
        return FileResponse(web_demo.ROOT / "index.html", headers=REVALIDATE)

    @app.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(web_demo.ROOT / "docs.html", headers=REVALIDATE)

    app.mount("/demo", PageFiles(directory=web_demo.ROOT), name="demo")
