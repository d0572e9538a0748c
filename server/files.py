"""Files over HTTP: compared by their ETag, whole or in ranges, and never a surprise when they are gone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from server.problems import HTTPProblem


async def file_response(
    request: Request,
    path: Path,
    media_type: str,
    headers: Mapping[str, str],
    filename: str | None = None,
) -> Response:
    """A file: 200, 206 for a range, or 304 when the client has it already.

    Args:
        request: may carry If-None-Match, Range and If-Range.
        path: of a plain file.
        media_type: what it holds.
        headers: to add.
        filename: what a browser calls it when it is saved.

    Raises:
        HTTPProblem: 404 when the file is gone, 416 when it ends before the range begins.
    """
    try:
        found = await asyncio.to_thread(path.stat)
    except FileNotFoundError:
        raise HTTPProblem(404, "file_not_found", "This file was deleted meanwhile.") from None
    response = FileResponse(
        path,
        stat_result=found,
        media_type=media_type,
        headers=headers,
        filename=filename,
        content_disposition_type="inline",
    )
    if has_it(request.headers.get("if-none-match"), response.headers["etag"]):
        kept = ("etag", "last-modified", "cache-control")
        return Response(status_code=304, headers={name: response.headers[name] for name in kept})
    if (wanted := request.headers.get("range")) is not None:
        _check_range(request, wanted, found, response)
    return response


def has_it(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has what the ETag stands for."""
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return etag in tags or tags == ["*"]


def _check_range(request: Request, wanted: str, found: os.stat_result, response: FileResponse) -> None:
    """Take out a Range header that means nothing, which is to be ignored (RFC 9110, 14.2)."""
    begins = _range_begins(wanted, found.st_size)
    if begins is None:
        request.scope["headers"] = [
            (name, value) for name, value in request.scope["headers"] if name != b"range"
        ]
        return
    tags = (None, response.headers["etag"], response.headers["last-modified"])
    if request.headers.get("if-range") in tags and any(begin >= found.st_size for begin in begins):
        raise HTTPProblem(
            416,
            "range_not_satisfiable",
            f"The file has {found.st_size} bytes; ask for a range within them.",
            {"Content-Range": f"bytes */{found.st_size}"},
        )


def _range_begins(wanted: str, size: int) -> list[int] | None:
    """Where each range begins, or ``None`` for a header that is no list of byte ranges."""
    unit, _, ranges = wanted.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    begins = []
    for part in ranges.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not dash or not (first or last) or not (first + last).isdecimal() or len(first + last) > 36:
            return None
        if first and last and int(last) < int(first):
            return None
        begins.append(int(first) if first else max(0, size - int(last)))
    return begins
