"""All live sessions of a media process: how many there may be, and when one has outlived its use."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from streaming.audio.live import FACE_SECONDS
from streaming.clock import Clock, SystemClock
from streaming.compositor.base import CompositorFactory
from streaming.encoders.h264 import H264Codec
from streaming.encoders.probe import best_h264_codec
from streaming.errors import CapacityReached, SessionNotFound, VoiceNotFound
from streaming.observer import NullObserver, Observer
from streaming.performer.base import Performer
from streaming.session import Session, SessionOptions
from streaming.stage import DEFAULT_AUDIO_BITRATE, DEFAULT_VIDEO_BITRATE, Stage

log = structlog.get_logger(__name__)

REAP_SECONDS = 1.0
"""How often sessions are looked over for their time limits, which are minutes."""

LEFT_SECONDS = 2.0
"""When all sessions are in use, one whose viewers left this long ago makes room; a reload is quicker."""
UNWATCHED_SECONDS = 15.0
"""The same for a session that nobody has watched yet."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Bounds on sessions, in sessions and seconds, and their bit rates."""

    max_sessions: int = 4
    idle_seconds: float = 60.0
    max_seconds: float = 3600.0
    video_bitrate: int = DEFAULT_VIDEO_BITRATE
    audio_bitrate: int = DEFAULT_AUDIO_BITRATE


class SessionManager:
    """Creates, finds and ends sessions.

    Args:
        performer: what performs for all of them.
        compositors: what draws for them.
        limits: bounds.
        clock: time.
        observer: told of everything.
    """

    def __init__(
        self,
        performer: Performer,
        compositors: CompositorFactory,
        *,
        limits: SessionLimits | None = None,
        clock: Clock | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._performer = performer
        self._compositors = compositors
        self._limits = limits or SessionLimits()
        self.max_sessions = self._limits.max_sessions
        """Live sessions at once. May be changed; those that are open stay."""
        self.face_seconds = FACE_SECONDS
        """Sound beyond a slot that the face wants, for sessions that are opened from now on."""
        self._clock = clock or SystemClock()
        self._observer = observer or NullObserver()
        self._sessions: dict[str, Session] = {}
        self._opening = 0
        self._ended = False
        self._h264_codec: H264Codec | None = None
        self._executor = ThreadPoolExecutor(max(2, os.cpu_count() or 1), thread_name_prefix="stage")
        self._reaper: asyncio.Task[None] | None = None

    async def warm_up(self, avatar: str) -> None:
        """Load an avatar and the encoders, so that the first session opens as quickly as the rest.

        Raises:
            LipstreamError: the avatar does not exist or is damaged.
        """
        codec = await self._probed_codec()

        def first_slot() -> None:
            stage = Stage(self._compositors.open(avatar), h264_codec=codec)
            stage.produce(0, None, ("h264",), ("h264",))
            stage.close()

        await asyncio.get_running_loop().run_in_executor(self._executor, first_slot)

    async def create(
        self,
        avatar: str,
        *,
        voice: str | None = None,
        language: str | None = None,
        background: str | None = None,
    ) -> Session:
        """A new running session.

        Args:
            avatar: who is shown.
            voice: who speaks.
            language: in which language.
            background: a colour behind avatars that have nothing behind them.

        Raises:
            BackgroundRejected: it is no colour, or the avatar has a background.
            CapacityReached: no more sessions fit.
            VoiceNotFound: the voice is not installed.
            LipstreamError: the avatar does not exist or is damaged.
        """
        self._check_running()
        if len(self._sessions) + self._opening >= self.max_sessions:
            await self._make_room()
        if len(self._sessions) + self._opening >= self.max_sessions:
            raise CapacityReached(
                f"All {self.max_sessions} sessions are in use. Close one, or try again later."
                if self.max_sessions
                else "This graphics card carries no live session, GET /ready says why. Render "
                "films with POST /v1/renders, or start the server with LIPSTREAM_FACE=atlas."
            )
        self._opening += 1
        try:
            if voice is not None:
                await self._check_voice(voice)
            session = await Session.open(
                avatar,
                performer=self._performer,
                compositors=self._compositors,
                clock=self._clock,
                executor=self._executor,
                observer=self._observer,
                options=SessionOptions(
                    voice,
                    language,
                    self._limits.video_bitrate,
                    self._limits.audio_bitrate,
                    await self._probed_codec(),
                    self.face_seconds,
                    background,
                ),
            )
            if self._ended:
                await session.close()
                self._check_running()
        finally:
            self._opening -= 1
            if self._ended:
                self._release_workers()
        self._sessions[session.id] = session
        self._observer.session_opened()
        if self._reaper is None:
            self._reaper = asyncio.create_task(self._reap(), name="session-reaper")
        return session

    def get(self, session_id: str) -> Session:
        """The session with this id.

        Raises:
            SessionNotFound: there is none (any more).
        """
        session = self._sessions.get(session_id)
        if session is None:
            raise SessionNotFound("There is no such session; it may have ended. Create a new one.")
        return session

    def all(self) -> list[Session]:
        """All sessions, oldest first."""
        return list(self._sessions.values())

    async def close(self, session_id: str) -> None:
        """End a session.

        Raises:
            SessionNotFound: there is none with this id.
        """
        session = self.get(session_id)
        del self._sessions[session_id]
        await session.close()
        self._observer.session_closed()

    async def close_all(self) -> None:
        """End everything; the manager is not used afterwards."""
        self._ended = True
        if self._reaper is not None:
            self._reaper.cancel()
            await asyncio.gather(self._reaper, return_exceptions=True)
            self._reaper = None
        closing = [self._close_quietly(session) for session in self._sessions.values()]
        await asyncio.gather(*closing)
        self._release_workers()

    def _release_workers(self) -> None:
        # A session that is still opening needs them to get rid of what it has made.
        if self._opening == 0:
            self._executor.shutdown(wait=False)

    async def _close_quietly(self, session: Session) -> None:
        try:
            await self.close(session.id)
        except SessionNotFound:
            return  # Somebody else was quicker.
        except Exception:
            # The other sessions are to be looked after all the same.
            log.exception("a session did not close", session=session.id)

    def _check_running(self) -> None:
        if self._ended:
            raise CapacityReached("The server is stopping. Try again when it is back.")

    async def _probed_codec(self) -> H264Codec:
        """The H.264 encoder of this machine, found out once."""
        if self._h264_codec is not None:
            return self._h264_codec
        codec = await asyncio.get_running_loop().run_in_executor(self._executor, best_h264_codec)
        self._h264_codec = codec
        return codec

    async def _make_room(self) -> None:
        """End the session that was left longest ago, such as that of a closed tab, if there is one."""
        left = [session for session in self._sessions.values() if self._left(session)]
        if left:
            await self.close(min(left, key=lambda session: session.quiet_since).id)

    def _left(self, session: Session) -> bool:
        grace = LEFT_SECONDS if session.was_watched else UNWATCHED_SECONDS
        return session.unused and self._clock.now() - session.quiet_since > grace

    async def _check_voice(self, voice: str) -> None:
        names = [known.name for known in (await self._performer.describe()).voices]
        if voice not in names:
            raise VoiceNotFound(f"No voice is called {voice}. Installed: {', '.join(names)}.")

    async def _reap(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + REAP_SECONDS)
            for session in self.all():
                if self._outlived(session):
                    log.info("session timed out", session=session.id)
                    await self._close_quietly(session)

    def _outlived(self, session: Session) -> bool:
        now = self._clock.now()
        # An utterance that is left open keeps no session: what counts is when something was last said.
        left = session.viewers == 0 and now - session.quiet_since > self._limits.idle_seconds
        return left or session.state == "closed" or now - session.clock.epoch > self._limits.max_seconds
