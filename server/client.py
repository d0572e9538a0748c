"""A typed asyncio client of the HTTP API: sessions, what they send, and renders.

``LipstreamClient.create_session`` gives a ``SessionClient``, whose ``connect`` gives a ``Stream`` to iterate;
``LipstreamClient.create_render`` gives a ``RenderClient``; ``LipstreamClient.create_avatar`` makes an avatar
of a photo or a video. The folder ``examples`` shows each at work.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from pathlib import Path
from typing import Any, Self, Unpack
from urllib.parse import urlencode

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from server.client_avatars import AvatarCalls
from server.client_jobs import JobCalls, JobClient
from server.client_render import TIMEOUT_SECONDS, RenderClient
from server.client_stream import (
    ApiError,
    MediaKind,
    MediaPacket,
    Message,
    PcmOptions,
    Stream,
    api_error,
    check,
)
from server.job_models import Job, JobStep
from server.models import (
    Accepted,
    AudioAccepted,
    AvatarList,
    AvatarModel,
    Interrupted,
    Ready,
    RenderCreated,
    SessionCreated,
    SessionInfo,
    VoiceList,
    VoiceModel,
)
from streaming.audio.pcm import AudioEncoding
from streaming.sinks.formats import FilmFormat
from streaming.sinks.websocket import WebSocketFormat
from streaming.timing import SPEECH_RATE

__all__ = [
    "ApiError",
    "Job",
    "JobClient",
    "JobStep",
    "LipstreamClient",
    "MediaKind",
    "MediaPacket",
    "Message",
    "PcmOptions",
    "RenderClient",
    "SessionClient",
    "Stream",
]

MAX_MESSAGE_BYTES = 16 << 20

_BINARY = {"Content-Type": "application/octet-stream"}

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
        pitch: float = 0.0,
        volume: float = 1.0,
        pause: float = 0.0,
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
            "pitch": pitch,
            "volume": volume,
            "pause": pause,
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

    async def stream_pcm(self, chunks: AsyncIterable[bytes], **options: Unpack[PcmOptions]) -> AudioAccepted:
        """Speak mono PCM as it comes, in pieces of any length; returns when all of it was taken.

        :meth:`Stream.stream_pcm` does the same over an open WebSocket.
        """
        return await self._send("/say/pcm", chunks, None, **options)

    async def _send(
        self, path: str, content: bytes | AsyncIterable[bytes], patience: float | None, **options: object
    ) -> AudioAccepted:
        response = await self._http.post(
            self.info.links.self + path,
            params=_query(**options),
            content=content,
            headers={**self._headers, **_BINARY},
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


class LipstreamClient(AvatarCalls, JobCalls):
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
        self,
        avatar: str | None = None,
        *,
        voice: str | None = None,
        language: str | None = None,
        background: str | None = None,
    ) -> SessionClient:
        """Create a session; ``background`` is a colour behind an avatar that has none."""
        body = {"avatar": avatar, "voice": voice, "language": language, "background": background}
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
        pitch: float = 0.0,
        volume: float = 1.0,
        pause: float = 0.0,
        format: FilmFormat = "mp4",
        background: str | None = None,
    ) -> RenderClient:
        """Queue a render of a text, or of recorded speech, which has a voice and pace of its own.

        ``background`` is a colour behind an avatar that has none; in another format than MP4 such an avatar
        is transparent without it.
        """
        if (text is None) == (audio is None):
            raise ValueError("give either a text or a recording")
        if audio is not None:
            response = await self._http.post(
                "/v1/renders/audio",
                params=_query(avatar=avatar, seed=seed, format=format, background=background),
                content=await _content(audio),
                headers=_BINARY,
            )
            check(response)
            return self._render(response.content)
        body = {
            "text": text,
            "avatar": avatar,
            "voice": voice,
            "language": language,
            "speed": speed,
            "seed": seed,
            "pitch": pitch,
            "volume": volume,
            "pause": pause,
            "format": format,
            "background": background,
        }
        return self._render(await self._call("POST", "/v1/renders", body))

    async def render_pcm(
        self,
        chunks: AsyncIterable[bytes],
        *,
        encoding: AudioEncoding = "pcm_s16le",
        sample_rate: int = SPEECH_RATE,
        avatar: str | None = None,
        seed: int = 0,
        format: FilmFormat = "mp4",
        background: str | None = None,
        on_begun: Callable[[RenderClient], object] | None = None,
    ) -> RenderClient:
        """Render mono PCM while it comes; returns when all of it was taken, and the film is there soon after.

        Args:
            chunks: pieces of any length.
            encoding: of the samples, little-endian.
            sample_rate: 8000 to 48000.
            avatar: who says it.
            seed: the same seed gives the same film.
            format: of the film.
            background: a colour behind an avatar that has none.
            on_begun: gets the render when the first piece is about to be sent; the server knows it a moment
                later. To look at it or delete it meanwhile, and to find it again when the connection breaks,
                for what came is kept.
        """
        render = RenderClient(self._http, f"r_{secrets.token_hex(8)}", token := secrets.token_urlsafe(24))

        async def announced() -> AsyncGenerator[bytes]:
            if on_begun is not None:
                on_begun(render)
            async for chunk in chunks:
                yield chunk

        try:
            response = await self._http.post(
                "/v1/renders/pcm",
                params=_query(
                    encoding=encoding,
                    sample_rate=sample_rate,
                    avatar=avatar,
                    seed=seed,
                    format=format,
                    background=background,
                    render=render.id,
                ),
                content=announced(),
                headers={**_BINARY, "Render-Token": token},
                # A renderer that has enough for now lets its sender wait.
                timeout=httpx.Timeout(TIMEOUT_SECONDS, write=None, read=None),
            )
        except httpx.TransportError:
            # An answer before the last byte is lost with the connection; the render knows what it was.
            if not await render.ended_early():
                raise
        else:
            check(response)
        return render

    def _render(self, created: bytes) -> RenderClient:
        info = RenderCreated.model_validate_json(created)
        return RenderClient(self._http, info.id, info.token)

    async def avatars(self) -> list[AvatarModel]:
        """All avatars."""
        return AvatarList.model_validate_json(await self._call("GET", "/v1/avatars")).avatars

    async def voices(self) -> list[VoiceModel]:
        """All voices that can speak now."""
        return VoiceList.model_validate_json(await self._call("GET", "/v1/voices")).voices

    async def ready(self) -> Ready:
        """Whether a new session would work; does not raise when not."""
        return Ready.model_validate_json((await self._http.get("/ready")).content)
