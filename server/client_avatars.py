"""Avatars as files, for ``server.client``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx

from avatars.archive import MEDIA_TYPE
from server.client_render import TIMEOUT_SECONDS
from server.client_stream import api_error, check
from server.models import AvatarModel

WORK_SECONDS = 600.0
"""How long the server may take over a file: it may have to fetch it, and checks all of it."""


class AvatarCalls:
    """What :class:`server.client.LipstreamClient` does with avatars."""

    _http: httpx.AsyncClient

    async def export_avatar(self, avatar: str, path: Path) -> Path:
        """Write an avatar into one file."""
        async with self._http.stream("GET", f"/v1/avatars/{avatar}/bundle") as response:
            if not response.is_success:
                raise api_error(response.status_code, await response.aread())
            # As with films: the client writes to a local disk.
            with path.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)
        return path

    async def import_avatar(self, file: bytes | Path, avatar: str | None = None) -> AvatarModel:
        """Take in an avatar that ``export_avatar`` wrote.

        Args:
            file: what is in it, or where it is here.
            avatar: a new id for it; its own when not given.
        """
        content = file if isinstance(file, bytes) else await asyncio.to_thread(file.read_bytes)
        response = await self._http.post(
            "/v1/avatars/import",
            params=_id(avatar),
            content=content,
            headers={"Content-Type": MEDIA_TYPE},
            timeout=httpx.Timeout(TIMEOUT_SECONDS, read=WORK_SECONDS),
        )
        check(response)
        return AvatarModel.model_validate_json(response.content)

    async def import_avatar_from(self, url: str, avatar: str | None = None) -> AvatarModel:
        """Have the server fetch an avatar's file from an address."""
        response = await self._http.post(
            "/v1/avatars/import",
            params=_id(avatar),
            json={"url": url},
            timeout=httpx.Timeout(TIMEOUT_SECONDS, read=WORK_SECONDS),
        )
        check(response)
        return AvatarModel.model_validate_json(response.content)

    async def delete_avatar(self, avatar: str) -> None:
        """Delete one of the user's avatars; sessions that show it go on."""
        check(await self._http.delete(f"/v1/avatars/{avatar}"))


def _id(avatar: str | None) -> dict[str, str]:
    return {} if avatar is None else {"id": avatar}
