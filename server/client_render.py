"""One render, for ``server.client``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx

from server.client_stream import ApiError, api_error, check
from server.models import Render
from streaming.sinks.formats import FORMATS

TIMEOUT_SECONDS = 30.0
WAIT_SECONDS = 1.0
"""How long one request waits for a render, and so how often progress is told."""

_ENDED_BY_SERVER = ("sound_too_long", "sound_stopped")


class RenderClient:
    """One render; use :meth:`server.client.LipstreamClient.create_render` or its ``render_pcm``."""

    def __init__(self, http: httpx.AsyncClient, render_id: str, token: str) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"}
        self._path = f"/v1/renders/{render_id}"
        self.id = render_id

    async def get(self, wait: float = 0.0) -> Render:
        """How far it is; with ``wait`` after it ended or that many seconds."""
        response = await self._http.get(
            self._path, params={"wait": wait}, headers=self._headers, timeout=TIMEOUT_SECONDS + wait
        )
        check(response)
        return Render.model_validate_json(response.content)

    async def wait(self, on_progress: Callable[[float], object] | None = None) -> Render:
        """Return when it is done.

        Raises:
            ApiError: it failed or was cancelled.
        """
        while True:
            render = await self.get(wait=WAIT_SECONDS)
            if on_progress is not None:
                on_progress(render.progress)
            if render.status == "done":
                return render
            _check_wanted(render)

    async def ended_early(self) -> bool:
        """Whether the server took no more of a stream than it has, and keeps that.

        Raises:
            ApiError: it failed or was cancelled.
        """
        try:
            render = await self.get()
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        _check_wanted(render)
        return render.code in _ENDED_BY_SERVER

    async def download(self, path: Path) -> Path:
        """Write the film to ``path``, in the format that was asked for, whatever the path's suffix."""
        name = f"video{FORMATS[(await self.get()).format].suffix}"
        async with self._http.stream("GET", f"{self._path}/{name}", headers=self._headers) as response:
            if not response.is_success:
                raise api_error(response.status_code, await response.aread())
            # The client writes to a local disk; a hop to a thread per chunk would cost more than it saves.
            with path.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)
        return path

    async def captions(self) -> str:
        """The words as WebVTT."""
        response = await self._http.get(f"{self._path}/captions.vtt", headers=self._headers)
        check(response)
        return response.text

    async def delete(self) -> None:
        """Cancel it, or delete it once it has ended."""
        check(await self._http.delete(self._path, headers=self._headers))


def _check_wanted(render: Render) -> None:
    """Raise :class:`ApiError` for a render that has ended without a film."""
    if render.status in {"failed", "cancelled"}:
        code = render.code or f"render_{render.status}"
        raise ApiError(200, code, render.message or f"The render was {render.status}.")
