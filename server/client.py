"""A typed asyncio client of the HTTP API: sessions, what they send, and renders.

``LipstreamClient.create_session`` gives a ``SessionClient``, whose ``connect`` gives a ``Stream`` to iterate;
``LipstreamClient.create_render`` gives a ``RenderClient``. The folder ``examples`` shows each at work.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from server.client_stream import ApiError, MediaKind, MediaPacket, Message, Stream, api_error, check
from server.models import (
    Accepted,
    AudioAccepted,
    AvatarList,
    AvatarModel,
    Interrupted,
    Ready,
    Render,
    RenderCreated,
    SessionCreated,
    SessionInfo,
    VoiceList,
    VoiceModel,
)
from streaming.audio.pcm import AudioEncoding
from streaming.sinks.websocket import WebSocketFormat
from streaming.timing import SPEECH_RATE

__all__ = [
    "ApiError",
    "LipstreamClient",
    "MediaKind",
    "MediaPacket",
    "Message",
    "RenderClient",
    "SessionClient",
    "Stream",
]

TIMEOUT_SECONDS = 30.0
WAIT_SECONDS = 1.0
"""How long one request waits for a render, and so how often progress is told."""
MAX_MESSAGE_BYTES = 16 << 20

AudioFile = bytes | Path
"""A recording: what is in the file, or where it is here."""


async def _content(audio: AudioFile) -> bytes:
    return audio if isinstance(audio, bytes) else await asyncio.to_thread(audio.read_bytes)


def _query(**options: object) -> dict[str, str]:
    return {name: str(value) for name, value in options.items() if value is not None}


class SessionClient:
    """One session, from :meth:`LipstreamClient.create_session`. As a context manager, it ends with it."""

    def __init__(self, http: httpx.AsyncClient, info: SessionCreated) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {info.token}"}
        self.info = info
        self.id = info.id

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        with contextlib.suppress(ApiError):
            await self.close()

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        response = await self._http.request(
            method, self.info.links.self + path, json=body, headers=self._headers
        )
        check(response)
        return response.content

    async def get(self) -> SessionInfo:
        """Its state now."""
        return SessionInfo.model_validate_json(await self._call("GET", ""))

    async def say(
        self,
        text: str,
        *,
        utterance: str | None = None,
        final: bool = True,
        interrupt: bool = False,
        voice: str | None = None,
        language: str | None = None,
        speed: float = 1.0,
    ) -> Accepted:
        """Queue an utterance; see :class:`streaming.protocol.Say`."""
        body = {
            "text": text,
            "utterance": utterance,
            "final": final,
            "interrupt": interrupt,
            "voice": voice,
            "language": language,
            "speed": speed,
        }
        return Accepted.model_validate_json(await self._call("POST", "/say", body))

    async def append(self, utterance: str, text: str, final: bool = False) -> Accepted:
        """More text for an open utterance."""
        body = {"utterance": utterance, "text": text, "final": final}
        return Accepted.model_validate_json(await self._call("POST", "/append", body))

    async def speak_tokens(self, tokens: AsyncIterable[str], **options: Any) -> Accepted:
        """Speak a language model's tokens as they come.

        What arrives while a request is under way goes out together with the next one.

        Args:
            tokens: pieces of text.
            **options: as for :meth:`say`.
        """
        waiting: list[str] = []
        wake = asyncio.Event()

        async def collect() -> None:
            try:
                async for token in tokens:
                    waiting.append(token)
                    wake.set()
            finally:
                wake.set()

        accepted = await self.say("", final=False, **options)
        collecting = asyncio.create_task(collect())
        try:
            while not collecting.done() or waiting:
                await wake.wait()
                wake.clear()
                text = "".join(waiting)
                waiting.clear()
                if text:
                    await self.append(accepted.utterance, text)
            await collecting
        finally:
            collecting.cancel()
            await self.append(accepted.utterance, "", final=True)
        return accepted

    async def say_audio(
        self, audio: AudioFile, *, utterance: str | None = None, interrupt: bool = False
    ) -> AudioAccepted:
        """Queue recorded speech: a WAV, MP3, M4A, OGG, FLAC or WebM file."""
        return await self._send(
            "/say/audio", await _content(audio), TIMEOUT_SECONDS, utterance=utterance, interrupt=interrupt
        )

    async def stream_pcm(
        self,
        chunks: AsyncIterable[bytes],
        *,
        encoding: AudioEncoding = "pcm_s16le",
        sample_rate: int = SPEECH_RATE,
        live: bool = False,
        end_after_silence: float | None = None,
        utterance: str | None = None,
        interrupt: bool = False,
    ) -> AudioAccepted:
        """Speak mono PCM as it comes; returns when all of it was taken.

        The arguments are those of :meth:`Stream.stream_pcm`, which does the same over an open WebSocket.
        """
        return await self._send(
            "/say/pcm",
            chunks,
            None,
            encoding=encoding,
            sample_rate=sample_rate,
            live=live,
            end_after_silence=end_after_silence,
            utterance=utterance,
            interrupt=interrupt,
        )

    async def _send(
        self, path: str, content: bytes | AsyncIterable[bytes], patience: float | None, **options: object
    ) -> AudioAccepted:
        response = await self._http.post(
            self.info.links.self + path,
            params=_query(**options),
            content=content,
            headers={**self._headers, "Content-Type": "application/octet-stream"},
            # A session that has enough for now lets its sender wait, with the last bytes, too.
            timeout=httpx.Timeout(TIMEOUT_SECONDS, write=None, read=patience),
        )
        check(response)
        return AudioAccepted.model_validate_json(response.content)

    async def interrupt(self) -> int:
        """Stop speaking; returns the new generation."""
        return Interrupted.model_validate_json(await self._call("POST", "/interrupt")).generation

    async def change_avatar(self, avatar: str) -> SessionInfo:
        """Show another avatar."""
        return SessionInfo.model_validate_json(await self._call("PUT", "/avatar", {"avatar": avatar}))

    async def close(self) -> None:
        """End the session."""
        await self._call("DELETE", "")

    @contextlib.asynccontextmanager
    async def connect(self, format: WebSocketFormat = "webcodecs") -> AsyncGenerator[Stream]:
        """Watch it over a WebSocket; ``format="none"`` for events alone.

        Raises:
            ApiError: the server refused.
        """
        address = self._http.base_url.copy_with(
            scheme="wss" if self._http.base_url.scheme == "https" else "ws"
        )
        path = f"{str(address).rstrip('/')}{self.info.links.websocket}?{urlencode({'format': format})}"
        try:
            socket = await connect(
                path,
                additional_headers=self._headers,
                max_size=MAX_MESSAGE_BYTES,
                compression=None,
                proxy=None,
            )
        except InvalidStatus as error:
            raise api_error(error.response.status_code, error.response.body) from error
        try:
            yield Stream(socket)
        finally:
            await socket.close()


class RenderClient:
    """One render; use :meth:`LipstreamClient.create_render`."""

    def __init__(self, http: httpx.AsyncClient, info: RenderCreated) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {info.token}"}
        self._path = f"/v1/renders/{info.id}"
        self.id = info.id

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
            if render.status in {"failed", "cancelled"}:
                code = render.code or f"render_{render.status}"
                raise ApiError(200, code, render.message or f"The render was {render.status}.")

    async def download(self, path: Path) -> Path:
        """Write the video to ``path``."""
        async with self._http.stream("GET", f"{self._path}/video.mp4", headers=self._headers) as response:
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


class LipstreamClient:
    """The server at ``base_url``.

    Args:
        base_url: such as ``http://127.0.0.1:8000``.
        api_key: needed when the server has one.
        transport: another way to reach the server; for tests.
    """

    def __init__(
        self, base_url: str, api_key: str | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        headers = {"X-API-Key": api_key} if api_key else {}
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=headers, timeout=TIMEOUT_SECONDS, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close connections; sessions on the server stay."""
        await self._http.aclose()

    async def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
        response = await self._http.request(method, path, json=body)
        check(response)
        return response.content

    async def create_session(
        self, avatar: str | None = None, *, voice: str | None = None, language: str | None = None
    ) -> SessionClient:
        """Create a session."""
        body = {"avatar": avatar, "voice": voice, "language": language}
        return SessionClient(
            self._http, SessionCreated.model_validate_json(await self._call("POST", "/v1/sessions", body))
        )

    async def create_render(
        self,
        text: str | None = None,
        *,
        audio: AudioFile | None = None,
        avatar: str | None = None,
        voice: str | None = None,
        language: str | None = None,
        speed: float = 1.0,
        seed: int = 0,
    ) -> RenderClient:
        """Queue a render of a text, or of recorded speech, which has a voice and pace of its own."""
        if (text is None) == (audio is None):
            raise ValueError("give either a text or a recording")
        if audio is not None:
            response = await self._http.post(
                "/v1/renders/audio",
                params=_query(avatar=avatar, seed=seed),
                content=await _content(audio),
                headers={"Content-Type": "application/octet-stream"},
            )
            check(response)
            return RenderClient(self._http, RenderCreated.model_validate_json(response.content))
        body = {
            "text": text,
            "avatar": avatar,
            "voice": voice,
            "language": language,
            "speed": speed,
            "seed": seed,
        }
        return RenderClient(
            self._http, RenderCreated.model_validate_json(await self._call("POST", "/v1/renders", body))
        )

    async def avatars(self) -> list[AvatarModel]:
        """All avatars."""
        return AvatarList.model_validate_json(await self._call("GET", "/v1/avatars")).avatars

    async def voices(self) -> list[VoiceModel]:
        """All voices that can speak now."""
        return VoiceList.model_validate_json(await self._call("GET", "/v1/voices")).voices

    async def ready(self) -> Ready:
        """Whether a new session would work; does not raise when not."""
        return Ready.model_validate_json((await self._http.get("/ready")).content)
