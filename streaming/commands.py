"""The dispatcher of the live protocol: one command in, one answer out, over whichever transport it came."""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray
from pydantic import ValidationError

from avatars.errors import AvatarError
from streaming.audio.pcm import PcmReader
from streaming.errors import BadCommand, LipstreamError, UnknownUtterance
from streaming.protocol import (
    COMMAND,
    Ack,
    Append,
    AppendAudio,
    ChangeAvatar,
    Command,
    Error,
    Event,
    Interrupt,
    Keyframe,
    Ping,
    Pong,
    Say,
    SayAudio,
    command_id,
)
from streaming.speech.delivery import AS_IT_IS, Delivery

log = structlog.get_logger(__name__)

MAX_READERS = 16
"""Sounds of one connection that may be open at a time; those begun longest ago take no more then."""


class Commanded(Protocol):
    """What commands are carried out on: a session."""

    id: str

    @property
    def generation(self) -> int:
        """Counts interrupts."""
        ...

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
        delivery: Delivery = AS_IT_IS,
    ) -> str:
        """Queue an utterance; returns its id."""
        ...

    async def append(self, utterance: str, text: str, final: bool = False) -> None:
        """More text for an open utterance."""
        ...

    async def say_audio(
        self,
        *,
        utterance: str | None = None,
        interrupt: bool = False,
        live: bool = False,
        end_after_silence: float | None = None,
        sender: object = None,
    ) -> str:
        """Open an utterance of sound; returns its id."""
        ...

    async def append_audio(
        self, utterance: str, samples: NDArray[np.float32], final: bool = False, sender: object = None
    ) -> None:
        """More sound; returns when still more is welcome."""
        ...

    async def interrupt(self) -> int:
        """Stop speaking; returns the new generation."""
        ...

    async def change_avatar(self, avatar: str) -> None:
        """Show another avatar."""
        ...

    def request_keyframe(self) -> None:
        """The next frame will be a keyframe."""
        ...


class CommandLine:
    """The commands of one connection, and the sound that comes over it.

    Binary messages are PCM of the utterance that this connection opened last with ``say_audio``.

    Args:
        session: what they are carried out on.
    """

    def __init__(self, session: Commanded) -> None:
        self._session = session
        self._readers: dict[str, PcmReader] = {}
        self._latest: str | None = None
        self._complained = False

    async def handle(self, raw: str | bytes | Command) -> Event | None:
        """Carry out one message and answer it. Never raises for anything a client sends.

        Returns once the session is ready for more: sound that comes faster than it is said is held up here.

        Args:
            raw: JSON text or PCM as it came, or a command that was read already.

        Returns:
            The answer; ``None`` to PCM that was taken, or refused like that before it.
        """
        if isinstance(raw, bytes | bytearray | memoryview):
            return await self._hear(bytes(raw))
        identifier: str | None = None
        try:
            command = COMMAND.validate_json(raw) if isinstance(raw, str) else raw
            identifier = command.id
            return await self._dispatch(command)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            if first["loc"][:1] == ("say_audio",):
                self.lose_sound()
            where = ".".join(str(part) for part in first["loc"]) or "command"
            known = command_id(raw) if isinstance(raw, str) else None
            return Error(code=BadCommand.code, message=f"{where}: {first['msg']}", id=known)
        except Exception as error:
            return self._refusal(error, identifier)

    def lose_sound(self) -> None:
        """Some of the sound did not get here; what follows of it is dropped, up to the next ``say_audio``."""
        self._latest = None
        self._complained = True

    async def close(self) -> None:
        """The connection is gone: no more sound comes over it, and what came is said to its end."""
        readers, self._readers, self._latest = self._readers, {}, None
        for name, reader in readers.items():
            # It may have ended long ago.
            with suppress(LipstreamError):
                await self._session.append_audio(name, reader.finish(), final=True, sender=reader)

    def _refusal(self, error: Exception, identifier: str | None = None) -> Error:
        if isinstance(error, LipstreamError | AvatarError):
            return Error(code=error.code, message=error.message, id=identifier)
        # One broken command must not take the viewer's connection with it.
        log.error("a command failed", session=self._session.id, exc_info=error)
        message = "The command failed; the server's log says why. Trying again may help."
        return Error(code=LipstreamError.code, message=message, id=identifier)

    async def _hear(self, data: bytes) -> Event | None:
        try:
            name = self._latest
            if name is None:
                raise BadCommand("Binary messages are sound. Send say_audio first; commands go as text.")
            reader = self._readers[name]
            await self._pass_on(name, reader, reader.push(data))
        except Exception as error:
            # Sound comes many times a second; once is enough to say that it is not wanted.
            if self._complained:
                return None
            self._complained = True
            return self._refusal(error)
        self._complained = False
        return None

    async def _dispatch(self, command: Command) -> Event:
        session = self._session
        match command:
            case Say():
                name = await session.say(
                    command.text,
                    utterance=command.utterance,
                    final=command.final,
                    interrupt=command.interrupt,
                    voice=command.voice,
                    language=command.language,
                    speed=command.speed,
                    delivery=command.delivery,
                )
                return Ack(id=command.id, utterance=name, generation=session.generation)
            case Append():
                await session.append(command.utterance, command.text, command.final)
                return Ack(id=command.id, utterance=command.utterance, generation=session.generation)
            case SayAudio():
                name = await self._say_audio(command)
                return Ack(id=command.id, utterance=name, generation=session.generation)
            case AppendAudio():
                await self._append_audio(command)
                return Ack(id=command.id, utterance=command.utterance, generation=session.generation)
            case Interrupt():
                return Ack(id=command.id, generation=await session.interrupt())
            case ChangeAvatar():
                await session.change_avatar(command.avatar)
                return Ack(id=command.id, generation=session.generation)
            case Keyframe():
                session.request_keyframe()
                return Ack(id=command.id, generation=session.generation)
            case Ping():
                return Pong(id=command.id, time=command.time)

    async def _say_audio(self, command: SayAudio) -> str:
        # Should it be refused, the sound that follows is not for the utterance before.
        self.lose_sound()
        reader = PcmReader(command.encoding, command.sample_rate)
        name = await self._session.say_audio(
            utterance=command.utterance,
            interrupt=command.interrupt,
            live=command.live,
            end_after_silence=command.end_after_silence,
            sender=reader,
        )
        self._forget(name)
        if len(self._readers) >= MAX_READERS:
            del self._readers[next(iter(self._readers))]
        self._readers[name] = reader
        self._latest = name
        self._complained = False
        return name

    async def _append_audio(self, command: AppendAudio) -> None:
        name = command.utterance
        reader = self._readers.get(name)
        if reader is None:
            raise UnknownUtterance(f"This connection has no open sound {name}. Begin one with say_audio.")
        samples = reader.push(command.audio)
        if command.final:
            samples = np.concatenate((samples, reader.finish()))
            self._forget(name)
        await self._pass_on(name, reader, samples, command.final)

    async def _pass_on(
        self, name: str, reader: PcmReader, samples: NDArray[np.float32], final: bool = False
    ) -> None:
        try:
            await self._session.append_audio(name, samples, final, reader)
        except UnknownUtterance:
            # It ended by itself, and must not take the place of one that is open.
            self._forget(name)
            raise

    def _forget(self, name: str) -> None:
        self._readers.pop(name, None)
        if self._latest == name:
            self._latest = None
