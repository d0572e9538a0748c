"""From what a client wishes for and sends to an order for an avatar, refused at once where it can be."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import unicodedata
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import PurePath
from typing import BinaryIO
from urllib.parse import urlsplit

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from avatars.errors import AvatarExists
from avatars.manifest import NOT_STATED, Provenance
from avatars.store import AvatarStore
from precompute.errors import AvatarRejected
from precompute.heif import INSTALL as INSTALL_HEIF
from precompute.heif import is_heif, is_installed
from precompute.kinds import HEAD_BYTES, SourceKind, kind_of
from precompute.landmarks import require_models
from precompute.matting import models
from precompute.matting.rembg_model import INSTALL as INSTALL_MATTING
from precompute.order import KEEP, PICTURE, VIDEO, AvatarOrder
from precompute.photo import MAX_BYTES as MAX_PHOTO_BYTES
from server.job_models import MAX_LINE, AvatarWish
from server.problems import HTTPProblem
from server.uploads import invalid
from streaming.errors import EngineUnavailable

MAX_SOURCE_NAME = 200
"""Characters of a file's name, or an address, that are kept as the source of an avatar."""
MAX_ID_FROM_NAME = 40
ID_BYTES = 4
"""Of an id that is made from nothing."""

_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")
_KIND_BEHIND: dict[SourceKind, str] = {"photo": PICTURE, "video": VIDEO}
_NOUN: dict[SourceKind, str] = {"photo": "picture", "video": "film"}


class AvatarOrders:
    """Makes orders; an id that somebody is ordering right now is nobody else's."""

    def __init__(self) -> None:
        self._being_ordered: set[str] = set()

    @asynccontextmanager
    async def order(
        self,
        wish: AvatarWish,
        store: AvatarStore,
        wanted: Callable[[], Collection[str]],
        source: BinaryIO,
        backdrop: BinaryIO | None,
        source_name: str,
    ) -> AsyncGenerator[AvatarOrder]:
        """An order for an avatar, whose id stays reserved inside the block.

        Args:
            wish: what is wished for.
            store: where the avatar will be.
            wanted: gives the ids of avatars that jobs are making now.
            source: the photo or video, with a descriptor.
            backdrop: what is to be behind the person, likewise.
            source_name: where the source comes from, unless the wish says so.

        Raises:
            AvatarExists: the id is taken, or an avatar with it is being made.
            AvatarRejected: what was sent is no photo or video, or too large a photo.
            EngineUnavailable: something that it takes is not installed here.
            RequestValidationError: a field is wrong, or does not fit what was sent.
            HTTPProblem: 422, fields do not fit together.
        """
        head, size = await asyncio.to_thread(_look, source)
        kind = _kind(head, size)
        if kind == "photo" and is_heif(head) and not is_installed():
            raise AvatarRejected(
                "heif_not_installed",
                f"This server reads no HEIC. Send a JPEG, or have its operator install it: {INSTALL_HEIF}",
            )
        behind = None
        if backdrop is not None:
            behind = _kind(*await asyncio.to_thread(_look, backdrop), what="second file")
        taken = self._being_ordered.union(wanted())
        avatar = await asyncio.to_thread(_id_of, wish, store, taken)
        order = _order(wish, avatar, kind, behind, source_name)
        await asyncio.to_thread(_require_installed, order, head)
        # Others came while this one was looked at.
        if avatar in self._being_ordered.union(wanted()):
            raise _wanted(avatar)
        self._being_ordered.add(avatar)
        try:
            yield order
        finally:
            self._being_ordered.discard(avatar)


def source_of_file(filename: str) -> str:
    """What is kept of a stranger's name for a file: text for people, never a path that is opened."""
    return tidy(PurePath(filename.replace("\\", "/")).name)[:MAX_SOURCE_NAME] or NOT_STATED


def source_of_address(url: str) -> str:
    """What is kept of an address: no query, which may hold a secret, and no name or password."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return NOT_STATED
    return tidy(f"{parts.scheme}://{host}{parts.path}")[:MAX_SOURCE_NAME]


def tidy(text: str) -> str:
    """A text in one line, without characters that nobody sees."""
    spaced = "".join(" " if c.isspace() else c for c in text if c.isspace() or c.isprintable())
    return " ".join(spaced.split())


def _look(file: BinaryIO) -> tuple[bytes, int]:
    descriptor = file.fileno()
    file.flush()
    return os.pread(descriptor, HEAD_BYTES, 0), os.fstat(descriptor).st_size


def _kind(head: bytes, size: int, what: str = "file") -> SourceKind:
    kind = kind_of(head)
    if kind is None:
        raise AvatarRejected(
            "not_an_image",
            f"The {what} is neither a photo nor a video that can be read here. Send a JPEG, PNG, WebP, AVIF "
            "or HEIC; or an MP4, MOV or WebM.",
        )
    if kind == "photo" and size > MAX_PHOTO_BYTES:
        raise AvatarRejected(
            "image_too_large",
            f"The {what} is a picture of more than {MAX_PHOTO_BYTES >> 20} MB. Save it smaller, or as JPEG.",
        )
    return kind


def _id_of(wish: AvatarWish, store: AvatarStore, taken: Collection[str]) -> str:
    """The id that is wished for, or one that is free."""
    if wish.id is not None:
        if wish.id in taken:
            raise _wanted(wish.id)
        if store.exists(wish.id):
            raise AvatarExists(f"There is an avatar '{wish.id}' already. Choose another id, or delete it.")
        return wish.id
    plain = unicodedata.normalize("NFKD", wish.name or "").encode("ascii", "ignore").decode().lower()
    stem = _NOT_IN_IDS.sub("-", plain).strip("-")[:MAX_ID_FROM_NAME].strip("-")
    if stem and stem not in taken and not store.exists(stem):
        return stem
    return f"{stem or 'avatar'}-{secrets.token_hex(ID_BYTES)}"


def _order(
    wish: AvatarWish, avatar: str, kind: SourceKind, behind: SourceKind | None, source_name: str
) -> AvatarOrder:
    background = wish.background or (KEEP if behind is None else _KIND_BEHIND[behind])
    try:
        order = AvatarOrder(
            avatar=avatar,
            kind=kind,
            name=tidy(wish.name or "") or None,
            provenance=Provenance(
                source=_line(wish.source) or source_name,
                author=_line(wish.author) or NOT_STATED,
                licence=_line(wish.licence) or NOT_STATED,
                consent=_consent(wish.consent),
            ),
            background=background,
            matting=wish.matting,
            repair=wish.repair,
            loop_only=wish.loop_only,
        )
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            # Of several fields together; the handler takes an error of the whole body for another body.
            told = first["msg"].removeprefix("Value error, ")
            raise HTTPProblem(422, "invalid_request", f"This cannot be ordered: {told}.") from error
        raise invalid(error) from error
    if order.needs_backdrop and behind is None:
        raise _wrong("background", f"'{background}' needs a second file: send it as backdrop or backdrop_url")
    if behind is not None and order.background != _KIND_BEHIND[behind]:
        raise _wrong(
            "background",
            f"the second file is a {_NOUN[behind]}: say {_KIND_BEHIND[behind]}, or nothing, or send no "
            "second file",
        )
    return order


def _require_installed(order: AvatarOrder, head: bytes) -> None:
    """Refuse what this machine cannot do, before anybody waits for it."""
    require_models()
    # A PNG or WebP may bring its own matte, which only decoding tells.
    own_matte = order.kind == "photo" and order.matting is None and not head.startswith(b"\xff\xd8")
    if order.separates and not own_matte and not models.is_installed():
        raise EngineUnavailable(
            f"This server cannot remove backgrounds. Keep the background, or have its operator install "
            f"it: {INSTALL_MATTING}"
        )


def _line(text: str | None) -> str:
    return tidy(text or "")[:MAX_LINE]


def _consent(text: str) -> str:
    line = _line(text)
    if not line:
        raise _wrong("consent", "say who is shown, and that this person agreed to it")
    return line


def _wrong(field: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", field), "msg": message, "type": "value_error"}])


def _wanted(avatar: str) -> AvatarExists:
    return AvatarExists(
        f"An avatar '{avatar}' is being made by a job that runs. Choose another id, or cancel that job."
    )
