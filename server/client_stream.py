"""What a session's WebSocket carries, for ``server.client``: events and media in, commands and sound out."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Unpack

import httpx
from pydantic import TypeAdapter
from websockets.asyncio.client import ClientConnection

from streaming.audio.pcm import AudioEncoding
from streaming.protocol import EVENT, AppendAudio, Command, Event, MediaFormat, SayAudio
from streaming.sinks.packers import FLAG_KEY, HEADER, KIND_VIDEO

MAX_SOUND_BYTES = 64 << 10
"""Of one message; a server takes 128 kB."""

MediaKind = Literal["video", "audio"]


class PcmOptions(TypedDict, total=False):
    """How a stream of PCM is spoken; see :class:`streaming.protocol.SayAudio`.

    Attributes:
        encoding: of the samples, little-endian; 16-bit integers when absent.
        sample_rate: 8000 to 48000; 24000 when absent.
        live: the sound comes as it is spoken.
        end_after_silence: seconds of quiet that end the utterance.
        utterance: an id for it; chosen when absent.
        interrupt: stop what is being said first.
    """

    encoding: AudioEncoding
    sample_rate: int
    live: bool
    end_after_silence: float | None
    utterance: str | None
    interrupt: bool


class ApiError(Exception):
    """The server refused.

    Attributes:
        status: HTTP status.
        code: the problem's stable code.
        message: what to do.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{message} ({code}, HTTP {status})")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class MediaPacket:
    """One encoded chunk of ``format=webcodecs``: H.264 in Annex B form, or one Opus packet of 20 ms.

    ``timestamp`` counts microseconds from slot 0 of the session.
    """

    kind: MediaKind
    keyframe: bool
    slot: int
    timestamp: int
    data: bytes

    @classmethod
    def parse(cls, message: bytes) -> MediaPacket:
        """From a binary message.

        Raises:
            ValueError: the message is shorter than its header.
        """
        if len(message) < HEADER.size:
            raise ValueError(f"a media message has at least {HEADER.size} bytes, not {len(message)}")
        kind, flags, _, slot, timestamp = HEADER.unpack_from(message)
        return cls(
            "video" if kind == KIND_VIDEO else "audio",
            bool(flags & FLAG_KEY),
            slot,
            timestamp,
            message[HEADER.size :],
        )


Message = Event | MediaPacket | bytes
"""What a stream yields; plain bytes are fragments of ``format=fmp4``."""


def check(response: httpx.Response) -> None:
    """Raise :class:`ApiError` unless the request worked."""
    if response.is_success:
        return
    raise api_error(response.status_code, response.content)


def api_error(status: int, body: bytes | bytearray | None) -> ApiError:
    """The error that a problem body tells of."""
    try:
        problem: dict[str, Any] = TypeAdapter(dict[str, Any]).validate_json(body or b"{}")
    except ValueError:
        problem = {}
    return ApiError(
        status, str(problem.get("code", "http_error")), str(problem.get("detail", "The request failed."))
    )


class Stream:
    """An open WebSocket of a session: iterate to receive, :meth:`send` for commands."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._format: str = ""

    async def send(self, command: Command) -> None:
        """Send a command; its ``ack`` or ``error`` comes among the messages, with the same ``id``."""
        await self.socket.send(command.model_dump_json())

    async def send_pcm(self, data: bytes) -> None:
        """Send the next sound of the utterance that ``SayAudio`` opened last; waits while it is too much."""
        for start in range(0, len(data), MAX_SOUND_BYTES):
            await self.socket.send(data[start : start + MAX_SOUND_BYTES])

    async def stream_pcm(self, chunks: AsyncIterable[bytes], **options: Unpack[PcmOptions]) -> str:
        """Speak mono PCM as it comes, in pieces of any length; returns the utterance's id when all is sent.

        Iterate over the stream meanwhile: it tells what becomes of the sound.
        """
        name = options.get("utterance") or f"sound-{secrets.token_hex(4)}"
        await self.send(SayAudio(**{**options, "utterance": name}))
        try:
            async for chunk in chunks:
                await self.send_pcm(chunk)
        finally:
            await self.send(AppendAudio(utterance=name, final=True))
        return name

    async def __aiter__(self) -> AsyncIterator[Message]:
        async for raw in self.socket:
            if isinstance(raw, bytes):
                yield raw if self._format == "fmp4" else MediaPacket.parse(raw)
                continue
            event = EVENT.validate_json(raw)
            if isinstance(event, MediaFormat):
                self._format = event.format
            yield event
