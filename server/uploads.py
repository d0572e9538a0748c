"""Files that clients send, recordings most of all: as the body itself, or as the one file of a form."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from server.problems import HTTPProblem
from streaming.audio.decode import KINDS
from streaming.errors import CapacityReached

MAX_UPLOADS = 8
"""That come in at the same time, all clients together; each takes its size on the disk."""

FORM = "multipart/form-data"
PLAIN = ("", "application/octet-stream", "application/ogg")
"""Types that say nothing, but cannot be a form that a foreign page sends without asking."""
ACCEPT_POST = {"Accept-Post": f"audio/*, video/*, application/octet-stream, {FORM}"}
MAX_FORM_FIELDS = 8
WRITE_BYTES = 1 << 20
"""Gathered for one hop to the thread that writes."""

BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
RECORDING_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"{KINDS}, of any rate and number of channels; of a film, its sound.",
        "content": {
            "audio/*": {"schema": BINARY},
            "video/*": {"schema": BINARY},
            "application/octet-stream": {"schema": BINARY},
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {"file": BINARY},
                    "required": ["file"],
                    "additionalProperties": False,
                }
            },
        },
    }
}
"""What :meth:`Uploads.receive` takes, for OpenAPI."""


@dataclass(frozen=True, slots=True)
class Form:
    """A form that carries one file.

    Attributes:
        file: open, with a descriptor.
        filename: what its sender calls it; never to be opened.
        fields: the texts beside it.
    """

    file: BinaryIO
    filename: str
    fields: dict[str, str]


def media_type(request: Request) -> str:
    """The type of the body, without parameters, in small letters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_sound(kind: str) -> bool:
    """Whether a body of this media type may hold sound."""
    return kind in PLAIN or kind.startswith(("audio/", "video/"))


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file that is taken.

    Attributes:
        noun: what it is called.
        accepts: whether a body of a media type may be one.
        example: a media type to send it with.
        filename: what such a file may be called.
        accept_post: all of its types, for a refusal.
    """

    noun: str
    accepts: Callable[[str], bool]
    example: str
    filename: str
    accept_post: Mapping[str, str]


RECORDING = Kind("recording", is_sound, "audio/mpeg", "speech.mp3", ACCEPT_POST)


class Uploads:
    """Receives files into files without a name, which are gone when they are closed."""

    def __init__(self) -> None:
        self._count = 0

    @asynccontextmanager
    async def receive(self, request: Request, what: Kind = RECORDING) -> AsyncGenerator[BinaryIO]:
        """The file that a request carries, as a file on the disk.

        Args:
            request: carries it.
            what: the kind of file that it must be, as far as its type tells.

        Raises:
            HTTPProblem: 415 for another type of body, 422 for a form without just one file, 400 for one that
                did not come whole.
            CapacityReached: too many come in already, or the disk is full.
        """
        kind = media_type(request)
        if kind != FORM and not what.accepts(kind):
            raise HTTPProblem(
                415,
                "unsupported_media_type",
                f"The body must be {_a(what)}, not {kind}: send it with Content-Type: {what.example} or the "
                "like, or as the file of a form (multipart/form-data).",
                what.accept_post,
            )
        with self.place():
            async with _from_form(request, what) if kind == FORM else _from_body(request, what) as file:
                yield file

    @asynccontextmanager
    async def receive_form(self, request: Request, fields: Collection[str]) -> AsyncGenerator[Form]:
        """A form with one file and texts, of which each may come once.

        Args:
            request: carries it.
            fields: the names that texts may have.

        Raises:
            HTTPProblem: 415 for another type of body, 422 for a form without just one file or with other
                texts, 400 for one that did not come whole.
            CapacityReached: too many come in already, or the disk is full.
        """
        if media_type(request) != FORM:
            raise HTTPProblem(
                415,
                "unsupported_media_type",
                f"The body must be a form with the recording and its fields: Content-Type: {FORM}.",
                {"Accept-Post": FORM},
            )
        with self.place():
            async with _read_form(request, fields, RECORDING) as form:
                yield form

    @contextmanager
    def place(self) -> Generator[None]:
        """Held by whatever puts something of somebody else's on the disk for a while.

        Raises:
            CapacityReached: too much comes in already.
        """
        if self._count >= MAX_UPLOADS:
            raise CapacityReached(f"{MAX_UPLOADS} files are being sent already. Try again in a moment.")
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1


@asynccontextmanager
async def _from_body(request: Request, what: Kind) -> AsyncGenerator[BinaryIO]:
    with _explained(what):
        file = await asyncio.to_thread(tempfile.TemporaryFile)
    try:
        with _explained(what):
            waiting = bytearray()
            async for chunk in request.stream():
                waiting += chunk
                if len(waiting) >= WRITE_BYTES:
                    await asyncio.to_thread(file.write, waiting)
                    waiting = bytearray()
            await asyncio.to_thread(file.write, waiting)
            await asyncio.to_thread(file.flush)
        yield file
    finally:
        await asyncio.to_thread(file.close)


@asynccontextmanager
async def _from_form(request: Request, what: Kind) -> AsyncGenerator[BinaryIO]:
    async with _read_form(request, (), what) as form:
        yield form.file


@asynccontextmanager
async def _read_form(request: Request, allowed: Collection[str], what: Kind) -> AsyncGenerator[Form]:
    with _explained(what):
        form = await request.form(max_files=1, max_fields=MAX_FORM_FIELDS)
    try:
        texts = [(name, value) for name, value in form.multi_items() if not isinstance(value, UploadFile)]
        fields = dict(texts)
        wrong = [name for name in fields if name not in allowed]
        if wrong:
            known = (
                f"it takes {', '.join(allowed)}." if allowed else "options go in the address, as ?name=value."
            )
            raise _bad_form(f"The form has the field {wrong[0][:80]!r}; {known}")
        if len(fields) < len(texts):
            raise _bad_form("The form has a field twice.")
        files = [value for value in form.values() if isinstance(value, UploadFile)]
        if not files:
            raise _bad_form(f"The form holds no file. Send one, as curl -F file=@{what.filename} does.")
        file = files[0].file
        with _explained(what):
            # Asking for its descriptor moves a small file from memory to the disk.
            await asyncio.to_thread(file.fileno)
            await asyncio.to_thread(file.flush)
        yield Form(file, files[0].filename or "", fields)
    finally:
        await form.close()


@contextmanager
def _explained(what: Kind) -> Generator[None]:
    """What goes wrong while a file comes in, in words for its sender."""
    try:
        yield
    except ClientDisconnect as error:
        raise HTTPProblem(
            400, "bad_request", f"The {what.noun} did not come whole. Send it again."
        ) from error
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise HTTPProblem(400, "bad_request", f"The form cannot be read: {error.detail}") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CapacityReached(f"The {what.noun} cannot be kept ({reason}). Try again later.") from error


def _a(what: Kind) -> str:
    return f"{'an' if what.noun[0] in 'aeiou' else 'a'} {what.noun}"


def _bad_form(detail: str) -> HTTPProblem:
    return HTTPProblem(422, "invalid_request", detail)
