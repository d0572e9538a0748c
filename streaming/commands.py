"""The dispatcher of the live protocol: one command in, one answer out, over whichever transport it came."""

from __future__ import annotations

from typing import Protocol

import structlog
from pydantic import ValidationError

from avatars.errors import AvatarError
from streaming.errors import BadCommand, LipstreamError
from streaming.protocol import (
    COMMAND,
    Ack,
    Append,
    ChangeAvatar,
    Command,
    Error,
    Event,
    Interrupt,
    Keyframe,
    Ping,
    Pong,
    Say,
    command_id,
)

log = structlog.get_logger(__name__)


class Commanded(Protocol):
    """What commands are carried out on: a session."""

    id: str
    generation: int

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
    ) -> str:
        """Queue an utterance; returns its id."""
        ...

    async def append(self, utterance: str, text: str, final: bool = False) -> None:
        """More text for an open utterance."""
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


async def carry_out(session: Commanded, raw: str | bytes | Command) -> Event:
    """Carry out one command and answer it. Never raises for anything a client sends.

    Args:
        session: on what.
        raw: JSON as it came, or a command that was read already.
    """
    identifier: str | None = None
    try:
        command = COMMAND.validate_json(raw) if isinstance(raw, str | bytes) else raw
        identifier = command.id
        return await _dispatch(session, command)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "command"
        known = command_id(raw) if isinstance(raw, str | bytes) else None
        return Error(code=BadCommand.code, message=f"{where}: {first['msg']}", id=known)
    except (LipstreamError, AvatarError) as error:
        return Error(code=error.code, message=error.message, id=identifier)
    except Exception:
        # One broken command must not take the viewer's connection with it.
        log.exception("a command failed", session=session.id)
        message = "The command failed; the server's log says why. Trying again may help."
        return Error(code=LipstreamError.code, message=message, id=identifier)


async def _dispatch(session: Commanded, command: Command) -> Event:
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
            )
            return Ack(id=command.id, utterance=name, generation=session.generation)
        case Append():
            await session.append(command.utterance, command.text, command.final)
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
