"""The wired objects of one server: built once, handed to routes, closed in order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import structlog
from fastapi import Depends
from starlette.requests import HTTPConnection

from avatars.errors import AvatarError, AvatarNotFound
from avatars.store import AvatarStore
from server import security
from server.avatar_orders import AvatarOrders
from server.avatar_parts import part_builders
from server.fetch import Fetcher
from server.jobs.durable import DurableJobs, Room
from server.jobs.folders import JobFolders
from server.jobs.plans import PLAN, steps_of
from server.jobs.render_work import Renderer
from server.jobs.renders import Renders
from server.jobs.streams import Streams
from server.metrics import Metrics
from server.missing_parts import build_missing_parts
from server.peers import Peers
from server.recordings import Recordings
from server.settings import Settings
from server.settings_environment import NO_SECRETS, environment_of
from server.uploads import Uploads
from server.voice_profiles import VoiceProfiles, needed_engine
from streaming.clock import Clock, SystemClock
from streaming.compositor.backdrops import check_background
from streaming.compositor.base import CompositorFactory
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.compositor.marked import marked
from streaming.errors import LipstreamError, VoiceNotFound
from streaming.performer.base import PerformerDescription
from streaming.performer.local import LocalPerformer, PerformerConfig
from streaming.render import RenderRequest, RenderResult, render
from streaming.session import Session
from streaming.sessions import SessionLimits, SessionManager
from streaming.speech.profiles.store import ProfileStore

_log = structlog.get_logger(__name__)


@dataclass(eq=False)
class State:
    """Everything that routes use."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    store: AvatarStore
    compositors: CompositorFactory
    performer: LocalPerformer
    sessions: SessionManager
    jobs: DurableJobs
    renders: Renders
    peers: Peers
    recordings: Recordings
    voice_profiles: VoiceProfiles
    fetcher: Fetcher
    uploads: Uploads = field(default_factory=Uploads)
    avatar_orders: AvatarOrders = field(default_factory=AvatarOrders)
    description: PerformerDescription | None = None
    """What the performer was made of when it came up."""
    failure: str = ""
    """Why the performer did not come up; empty while it may still do so."""
    doing: str = ""
    """What is done so that it comes up."""
    _starting: asyncio.Task[None] | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Start what runs in the background. The performer warms up while the server already answers."""
        await self.renders.start()
        await self.jobs.start(at_once=self.settings.jobs_url is not None)
        self._starting = asyncio.create_task(self._start_performer(), name="performer-start")

    async def started(self) -> None:
        """Return when the performer is up, or has turned out to be unable."""
        if self._starting is not None:
            await self._starting

    async def close(self) -> None:
        """End sessions, renders and the performer: each of them, whatever happens to the others."""
        async with contextlib.AsyncExitStack() as last_in_first_out:
            last_in_first_out.push_async_callback(self.performer.close)
            last_in_first_out.push_async_callback(self.jobs.close)
            last_in_first_out.push_async_callback(self.renders.close)
            last_in_first_out.push_async_callback(self.sessions.close_all)
            last_in_first_out.push_async_callback(self.peers.close)
            last_in_first_out.push_async_callback(self.recordings.close)
            if self._starting is not None:
                self._starting.cancel()
                await asyncio.wait((self._starting,))

    async def require_avatar(self, avatar: str, background: str | None = None) -> None:
        """Refuse an unknown avatar before work starts, and a colour that cannot be shown behind it.

        Raises:
            AvatarNotFound: there is none with this id.
            BackgroundRejected: it has a background, or that is no colour.
        """
        if not await asyncio.to_thread(self.store.exists, avatar):
            raise AvatarNotFound(f"There is no avatar '{avatar}'. GET /v1/avatars lists what there is.")
        if background is not None:
            check_background(await asyncio.to_thread(self.store.manifest, avatar), background)

    async def require_voice(self, voice: str | None) -> None:
        """Refuse an unknown voice before work starts.

        Raises:
            VoiceNotFound: the voice is not installed.
        """
        if voice is None:
            return
        description = await self.performer.describe()
        names = [known.name for known in description.voices]
        if voice not in names:
            if await asyncio.to_thread(self.voice_profiles.store.exists, voice):
                # Made since the performer told of its voices.
                if await self.voice_profiles.engines(description):
                    return
                raise VoiceNotFound(f"No speech engine here can speak as '{voice}'. {needed_engine()}")
            raise VoiceNotFound(f"No voice is called '{voice}'. Installed: {', '.join(names)}.")

    async def _start_performer(self) -> None:
        try:
            await self.sessions.warm_up(self.settings.avatar)
        except (LipstreamError, AvatarError) as error:
            _log.warning("default avatar cannot be shown", avatar=self.settings.avatar, reason=error.message)
        except Exception:
            # Only the first session would have been quicker.
            _log.exception("warming up failed", avatar=self.settings.avatar)
        self.doing = "Avatars are prepared for the face engines. At the first start, weights are fetched."
        try:
            await build_missing_parts(self.settings, self.store)
        except Exception:
            # Their faces fall back to another engine, which is told.
            _log.exception("avatars not prepared")
        self.doing = "Engines are loaded. At the first start, weights are fetched."
        try:
            await self.performer.start()
        except LipstreamError as error:
            self.failure = error.message
            _log.error("performer not available", code=error.code, reason=error.message)
            return
        described = await self.performer.describe()
        self.description = described
        _log.info("performer ready", speech=described.speech, face=described.face, device=described.device)
        if described.face_seconds:
            self.sessions.face_seconds = described.face_seconds
        if described.card is not None:
            self.sessions.max_sessions = self.settings.sessions_at_once(described.card.sessions)
            _log.info("card", plan=described.card.plan, max_sessions=self.sessions.max_sessions)


def performer_config(settings: Settings) -> PerformerConfig:
    """Which engines the settings ask for."""
    return PerformerConfig(
        speech=settings.speech,
        face=settings.face,
        data_dir=settings.data_dir,
        options=settings.engine_options,
    )


def build_state(settings: Settings, clock: Clock | None = None) -> State:
    """Wire everything; nothing is started yet."""
    clock = clock or SystemClock()
    metrics = Metrics()
    store = AvatarStore(settings.avatars_dir)
    compositors = AvatarCompositorFactory(store)
    films = marked(compositors, settings.mark, settings.mark_font)
    performer = LocalPerformer(
        performer_config(settings),
        clock=clock,
        on_restart=metrics.performer_restarted,
        environment=NO_SECRETS,
    )
    limits = SessionLimits(
        max_sessions=settings.sessions_at_once(),
        idle_seconds=settings.session_idle_seconds,
        max_seconds=settings.session_max_seconds,
        video_bitrate=settings.video_bitrate,
        audio_bitrate=settings.audio_bitrate,
    )
    sessions = SessionManager(
        performer,
        films if settings.mark_live else compositors,
        limits=limits,
        clock=clock,
        observer=metrics,
    )
    renderer = partial(_render, performer, films)
    jobs = DurableJobs(
        JobFolders(settings.jobs_dir),
        clock,
        metrics,
        partial(_render_when_up, lambda: state, renderer),
        partial(steps_of, PLAN, partial(part_builders, settings)),
        {
            "avatar": Room(settings.avatar_concurrency, settings.avatar_queue),
            "render": Room(settings.render_concurrency, settings.render_queue),
        },
        environment_of(settings),
    )
    streams = Streams(
        renderer,
        settings.renders_dir,
        clock,
        metrics,
        streams=settings.render_streams,
        keep=settings.render_keep,
        keep_seconds=settings.render_keep_seconds,
    )
    renders = Renders(jobs, streams)
    metrics.watch(
        viewers=lambda: sum(session.viewers for session in sessions.all()),
        renders_waiting=lambda: renders.waiting,
        jobs=jobs.count,
    )
    recordings = Recordings()
    profiles = ProfileStore(settings.voice_profiles_dir, settings.max_voice_profiles)
    state = State(
        settings,
        clock,
        metrics,
        store,
        compositors,
        performer,
        sessions,
        jobs,
        renders,
        Peers(sessions, settings),
        recordings,
        VoiceProfiles(profiles, recordings),
        Fetcher(private=settings.fetch_private),
    )
    return state


async def _render(
    performer: LocalPerformer,
    compositors: CompositorFactory,
    request: RenderRequest,
    path: Path,
    on_progress: Callable[[float], None],
) -> RenderResult:
    return await render(performer, compositors, request, path, on_progress)


async def _render_when_up(
    state: Callable[[], State],
    renderer: Renderer,
    request: RenderRequest,
    path: Path,
    on_progress: Callable[[float], None],
) -> RenderResult:
    """Render a film; one that an earlier server left waits for engines as long as they load."""
    starting = state()._starting
    if starting is not None:
        # Not awaited: it is cancelled when the server closes, the render is not.
        await asyncio.wait((starting,))
    return await renderer(request, path, on_progress)


def get_state(connection: HTTPConnection) -> State:
    """The state of the application that serves this request."""
    return connection.app.state.lipstream


StateDep = Annotated[State, Depends(get_state)]


def _require_api_key(connection: HTTPConnection, state: StateDep) -> None:
    security.require_api_key(connection, state.settings)


NeedsApiKey = Depends(_require_api_key)
"""Put into a route's ``dependencies``: only with the API key, when one is set."""


async def _owned_session(session_id: str, connection: HTTPConnection, state: StateDep) -> Session:
    session = state.sessions.get(session_id)
    security.require_owner(connection, state.settings, session)
    structlog.contextvars.bind_contextvars(session=session_id)
    return session


OwnedSession = Annotated[Session, Depends(_owned_session)]
"""The session that the path names, for whoever holds its token."""
