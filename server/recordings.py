"""Recordings on their way into sessions: decoded as fast as the session takes them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import BinaryIO

import numpy as np
import structlog

from streaming.audio.recording import Recording, start_recording
from streaming.errors import CapacityReached, LipstreamError
from streaming.session import Session

MAX_RECORDINGS = 16
"""That are being decoded at the same time. Each is a process, which most need for a second: a session takes a
minute of sound at once."""
MAX_OF_SESSION = 4
"""Long ones that wait in one session, so that no session keeps the others from theirs."""

_NOTHING = np.zeros(0, np.float32)

_log = structlog.get_logger(__name__)


class Recordings:
    """Plays recorded files to sessions."""

    def __init__(self) -> None:
        self._opening = 0
        self._feeding: dict[asyncio.Task[None], str] = {}

    async def say(
        self, session: Session, file: BinaryIO, *, utterance: str | None = None, interrupt: bool = False
    ) -> tuple[str, float]:
        """Queue a recording as an utterance; a file that cannot be used changes nothing.

        Args:
            session: who says it.
            file: a file with a descriptor; may be closed afterwards.
            utterance: an id for it.
            interrupt: drop what is being said first.

        Returns:
            The utterance's id, and the seconds of sound that the file has.

        Raises:
            ScriptRejected: the file is no recording, or too long.
            CapacityReached: too much is under way already.
            LipstreamError: what the session raises.
        """
        if not interrupt and list(self._feeding.values()).count(session.id) >= MAX_OF_SESSION:
            raise CapacityReached(
                f"{MAX_OF_SESSION} long recordings wait in this session already. Let one be said first."
            )
        recording = await self.open(file)
        try:
            name = await session.say_audio(utterance=utterance, interrupt=interrupt, sender=recording)
        except BaseException:
            await recording.close()
            raise
        feeding = _feed(session, name, recording, session.generation)
        task = asyncio.create_task(feeding, name=f"recording-{session.id}")
        self._feeding[task] = session.id
        task.add_done_callback(self._feeding.pop)
        return name, recording.info.seconds

    async def open(self, file: BinaryIO) -> Recording:
        """Look into a file, within the bounds of what may be decoded at once; close what is returned.

        Raises:
            ScriptRejected: the file is no recording, or too long.
            CapacityReached: too much is under way already.
        """
        if len(self._feeding) + self._opening >= MAX_RECORDINGS:
            raise CapacityReached("Many recordings are being read already. Try again in a moment.")
        self._opening += 1
        try:
            return await start_recording(file)
        finally:
            self._opening -= 1

    async def close(self) -> None:
        """Stop them all."""
        for task in self._feeding:
            task.cancel()
        await asyncio.gather(*self._feeding, return_exceptions=True)


async def _feed(session: Session, name: str, recording: Recording, generation: int) -> None:
    """Give a recording to its utterance, and end that whatever happens."""
    try:
        async for samples in recording.pieces():
            if session.generation != generation:
                # Interrupted: nobody will hear the rest.
                break
            await session.append_audio(name, samples, sender=recording)
    except LipstreamError as error:
        # The session has closed, or the rest cannot be decoded; what came is said.
        _log.info("a recording ends early", session=session.id, utterance=name, reason=error.message)
    except Exception:
        _log.exception("a recording broke off", session=session.id, utterance=name)
    finally:
        with suppress(LipstreamError):
            await session.append_audio(name, _NOTHING, final=True, sender=recording)
        await recording.close()
