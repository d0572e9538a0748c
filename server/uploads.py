"""Files that clients send, recordings most of all: as the body itself, or as the one file of a form."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable, Collection, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
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
MAX_FORM_FIELDS = 16
MAX_FIELD_BYTES = 16 << 10
"""Of one text of a form."""
JSON = "application/json"
MAX_JSON_BYTES = 16 << 10
"""Of a body in JSON at an address that takes large files, too: it says where they are."""
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


@dataclass(frozen=True, slots=True)
class Sent:
    """A file of a form.

    Attributes:
        file: open, with a descriptor.
        filename: what its sender calls it; never to be opened.
    """

    file: BinaryIO
    filename: str


@dataclass(frozen=True, slots=True)
class FormOfFiles:
    """A form that carries several files.

    Attributes:
        files: by the names of their fields.
        fields: the texts beside them.
    """

    files: dict[str, Sent]
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
        _require_form(request, "the recording and its fields")
        with self.place():
            async with _read_form(request, fields, RECORDING) as form:
                file = _only_file(form, RECORDING)
                yield Form(file.file, file.filename, form.fields)

    @asynccontextmanager
    async def receive_files(
        self, request: Request, what: Kind, files: Sequence[str], fields: Collection[str]
    ) -> AsyncGenerator[FormOfFiles]:
        """A form with one file or more, and texts, of which each may come once.

        Args:
            request: carries it.
            what: the kind of its first file, for people.
            files: the names that files may have; the first has to be there. One without a name of its own and
                without a byte, as browsers send where none was chosen, counts as absent.
            fields: the names that texts may have.

        Raises:
            HTTPProblem: 415 for another type of body, 422 for a form without its first file, or with others
                or other texts, 400 for one that did not come whole.
            CapacityReached: too many come in already, or the disk is full.
        """
        _require_form(request, f"the {what.noun} and its fields")
        with self.place():
            async with _read_form(request, fields, what, len(files)) as form:
                unknown = [name for name, _ in form.files if name not in files]
                if unknown:
                    raise _bad_form(
                        f"The form has a file called {unknown[0][:80]!r}; it takes {', '.join(files)}."
                    )
                found = {name: sent for name, sent in form.files if sent is not None}
                if len(form.files) > len({name for name, _ in form.files}):
                    raise _bad_form("The form has a file twice.")
                if files[0] not in found:
                    raise _no_file(what)
                yield FormOfFiles(found, form.fields)

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
        yield _only_file(form, what).file


@dataclass(frozen=True, slots=True)
class _Form:
    """What a form holds; ``None`` is a file that nobody chose."""

    files: list[tuple[str, Sent | None]]
    fields: dict[str, str]


@asynccontextmanager
async def _read_form(
    request: Request, allowed: Collection[str], what: Kind, max_files: int = 1
) -> AsyncGenerator[_Form]:
    with _explained(what):
        form = await request.form(
            max_files=max_files, max_fields=MAX_FORM_FIELDS, max_part_size=MAX_FIELD_BYTES
        )
    try:
        fields = _fields_of(form, allowed)
        files: list[tuple[str, Sent | None]] = []
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                continue
            if not value.filename and not value.size:
                files.append((name, None))
                continue
            with _explained(what):
                # Asking for its descriptor moves a small file from memory to the disk.
                await asyncio.to_thread(value.file.fileno)
                await asyncio.to_thread(value.file.flush)
            files.append((name, Sent(value.file, value.filename or "")))
        yield _Form(files, fields)
    finally:
        await form.close()


def _fields_of(form: FormData, allowed: Collection[str]) -> dict[str, str]:
    texts = [(name, value) for name, value in form.multi_items() if not isinstance(value, UploadFile)]
    fields = dict(texts)
    wrong = [name for name in fields if name not in allowed]
    if wrong:
        known = f"it takes {', '.join(allowed)}." if allowed else "options go in the address, as ?name=value."
        raise _bad_form(f"The form has the field {wrong[0][:80]!r}; {known}")
    if len(fields) < len(texts):
        raise _bad_form("The form has a field twice.")
    if any("\ud800" <= character <= "\udfff" for text in fields.values() for character in text):
        raise _bad_form("The form's texts cannot be read. Send UTF-8.")
    return fields


def _only_file(form: _Form, what: Kind) -> Sent:
    for _, sent in form.files:
        if sent is not None:
            return sent
    raise _no_file(what)


def _require_form(request: Request, contents: str) -> None:
    if media_type(request) != FORM:
        raise HTTPProblem(
            415,
            "unsupported_media_type",
            f"The body must be a form with {contents}: Content-Type: {FORM}.",
            {"Accept-Post": FORM},
        )


Model = TypeVar("Model", bound=BaseModel)


async def read_json(request: Request, model: type[Model]) -> Model:
    """The small body in JSON, at an address that takes large ones.

    Raises:
        HTTPProblem: 413 for a larger one, 400 for one that did not come whole.
        RequestValidationError: it is not what the model says.
    """
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_JSON_BYTES:
                raise HTTPProblem(
                    413, "body_too_large", f"A body in JSON has at most {MAX_JSON_BYTES} bytes here."
                )
    except ClientDisconnect as error:
        raise HTTPProblem(400, "bad_request", "The body did not come whole. Send it again.") from error
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        raise invalid(error) from error


def invalid(error: ValidationError) -> RequestValidationError:
    """What a body is refused with that is not what its model says; what was sent is not repeated."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return RequestValidationError(
        [
            {**item, "loc": ("body", *item["loc"]), "msg": item["msg"].removeprefix("Value error, ")}
            for item in found
        ]
    )


@contextmanager
def _explained(what: Kind) -> Generator[None]:
    """What goes wrong while a file comes in, in words for its sender."""
    try:
        yield
    except ClientDisconnect as error:
        raise HTTPProblem(
            400, "bad_request", f"The {what.noun} did not come whole. Send it again."
        ) from error
    except UnicodeError as error:
        # Its Content-Type may name any of the codecs that Python has.
        raise HTTPProblem(400, "bad_request", "The form's texts cannot be read. Send UTF-8.") from error
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise HTTPProblem(400, "bad_request", f"The form cannot be read: {error.detail}") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CapacityReached(f"The {what.noun} cannot be kept ({reason}). Try again later.") from error


def _a(what: Kind) -> str:
    return f"{'an' if what.noun[0] in 'aeiou' else 'a'} {what.noun}"


def _no_file(what: Kind) -> HTTPProblem:
    return _bad_form(f"The form holds no file. Send one, as curl -F file=@{what.filename} does.")


def _bad_form(detail: str) -> HTTPProblem:
    return HTTPProblem(422, "invalid_request", detail)
