"""A live session: one avatar, its utterances in order, and whoever watches."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from concurrent.futures import Executor
from dataclasses import dataclass

import structlog

from streaming.clock import Clock, SlotClock
from streaming.commands import carry_out
from streaming.compositor.base import Compositor, CompositorFactory
from streaming.director import Director
from streaming.encoders.base import VIDEO_CODECS, VideoCodec
from streaming.encoders.h264 import H264Codec
from streaming.errors import CapacityReached, LipstreamError, SessionClosed, UnknownUtterance
from streaming.observer import Observer
from streaming.performer.base import Performer
from streaming.playout import Playout
from streaming.protocol import (
    Command,
    EndReason,
    Error,
    Event,
    NoticeEvent,
    SessionState,
    State,
    UtteranceAppended,
    UtteranceQueued,
)
from streaming.sinks.base import Sink
from streaming.slots import Notice, Slot, UtteranceKey
from streaming.stage import DEFAULT_AUDIO_BITRATE, DEFAULT_VIDEO_BITRATE, Stage
from streaming.utterance import Utterance

log = structlog.get_logger(__name__)

MAX_WAITING_UTTERANCES = 32
MAX_SINKS = 16
ID_BYTES = 9
TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a session is made with, beside its avatar."""

    voice: str | None = None
    language: str | None = None
    video_bitrate: int = DEFAULT_VIDEO_BITRATE
    audio_bitrate: int = DEFAULT_AUDIO_BITRATE
    h264_codec: H264Codec = "libx264"


class Session:
    """Says utterances one after another through a performer and plays the slots to all sinks.

    Use :meth:`open`. All methods are called on the event loop.
    """

    def __init__(
        self,
        avatar: str,
        compositor: Compositor,
        *,
        performer: Performer,
        compositors: CompositorFactory,
        clock: Clock,
        executor: Executor,
        observer: Observer,
        options: SessionOptions,
    ) -> None:
        self.id = secrets.token_urlsafe(ID_BYTES)
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.avatar = avatar
        self.generation = 0
        self.state: State = "idle"
        self.clock = SlotClock(clock)
        self.created = clock.wall()
        self.width = compositor.width
        self.height = compositor.height
        self.quiet_since = clock.now()
        self.was_watched = False
        self._performer = performer
        self._compositors = compositors
        self._executor = executor
        self._observer = observer
        self._options = options
        self._sequence = 0
        self._utterances: deque[Utterance] = deque()
        self._director = Director(performer, lambda: self.avatar, self._is_current, self._noticed)
        self._stage = Stage(
            compositor,
            video_bitrate=options.video_bitrate,
            audio_bitrate=options.audio_bitrate,
            h264_codec=options.h264_codec,
        )
        self._playout = Playout(self.clock, self, self._stage, executor, observer)
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: asyncio.Task[None] | None = None
        self._changing_avatar = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        avatar: str,
        *,
        performer: Performer,
        compositors: CompositorFactory,
        clock: Clock,
        executor: Executor,
        observer: Observer,
        options: SessionOptions | None = None,
    ) -> Session:
        """A running session; raises what the factory raises."""
        # Not on the stage's threads: files may be slow, and all other sessions' frames would wait for them.
        compositor = await asyncio.to_thread(compositors.open, avatar)
        session = cls(
            avatar,
            compositor,
            performer=performer,
            compositors=compositors,
            clock=clock,
            executor=executor,
            observer=observer,
            options=options or SessionOptions(),
        )
        session._tasks = [
            asyncio.create_task(session._playout.run(), name=f"playout-{session.id}"),
            asyncio.create_task(session._director.run(), name=f"director-{session.id}"),
        ]
        for task in session._tasks:
            task.add_done_callback(session._task_ended)
        return session

    # What clients do ------------------------------------------------------------------------------------

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
        """Queue an utterance; returns its id.

        Raises:
            UnknownUtterance: the id is in use.
            CapacityReached: too many utterances wait already.
            ScriptRejected: the text is too long.
        """
        self._check_open()
        accepted = self.clock.clock.now()
        if utterance is not None and self._find(utterance) is not None:
            raise UnknownUtterance(
                f"Utterance {utterance} exists already. Choose another id, or append to it."
            )
        if interrupt:
            self._drop_everything()
        if len(self._utterances) >= MAX_WAITING_UTTERANCES:
            raise CapacityReached(
                f"{MAX_WAITING_UTTERANCES} utterances wait already. Let some be said first."
            )
        self._sequence += 1
        while utterance is None and self._find(f"u{self._sequence}") is not None:
            self._sequence += 1
        key = UtteranceKey(self.id, self.generation, self._sequence)
        entry = Utterance(
            utterance or f"u{self._sequence}",
            key,
            accepted,
            voice=voice or self._options.voice,
            language=language or self._options.language,
            speed=speed,
        )
        entry.write(text, final=final)
        self._utterances.append(entry)
        self._director.submit(entry)
        self._notify(UtteranceQueued(utterance=entry.name, text=text))
        self.quiet_since = accepted
        if interrupt:
            await self._performer.cancel(self.id, key.generation)
        return entry.name

    async def append(self, utterance: str, text: str, final: bool = False) -> None:
        """More text for an utterance that was said with ``final=False``.

        Raises:
            UnknownUtterance: there is no such utterance, or it is complete.
            ScriptRejected: the whole is too long.
        """
        self._check_open()
        entry = self._find(utterance)
        if entry is None:
            raise UnknownUtterance(
                f"There is no open utterance {utterance}. Begin one with say and final=false."
            )
        entry.write(text, final=final)
        self._notify(UtteranceAppended(utterance=utterance, text=text, final=final))
        self.quiet_since = self.clock.clock.now()

    async def interrupt(self) -> int:
        """Stop speaking and drop what waits; returns the new generation."""
        self._check_open()
        generation = self._drop_everything()
        await self._performer.cancel(self.id, generation)
        return generation

    def _drop_everything(self) -> int:
        """All of an interrupt that happens here: in one step, so that no other command comes in between."""
        self.generation += 1
        self._observer.interrupted()
        dropped, self._utterances = self._utterances, deque()
        self._director.drop_current()
        for entry in dropped:
            self._ended(entry, "interrupted")
        self._set_state("idle", force=True)
        return self.generation

    async def change_avatar(self, avatar: str) -> None:
        """Show another avatar from the next slot on; raises what the compositor factory raises."""
        # One after the other: the last one asked for is the one that stays.
        async with self._changing_avatar:
            self._check_open()
            compositor = await asyncio.to_thread(self._compositors.open, avatar)
        self._check_open()

        def change() -> None:
            self._stage.change_compositor(compositor)
            self.request_keyframe()

        self._playout.between_slots(change)
        self.avatar = avatar
        self.width, self.height = compositor.width, compositor.height
        self._set_state(self.state, force=True)

    async def handle(self, raw: str | bytes | Command) -> Event:
        """Carry out one command of the live protocol; bad ones are answered with an ``error`` event."""
        return await carry_out(self, raw)

    def attach(self, sink: Sink) -> None:
        """Play to ``sink`` from now on; it is told the session's state first.

        Raises:
            SessionClosed: the session has ended.
            CapacityReached: too many viewers.
        """
        self._check_open()
        if len(self._playout.sinks) >= MAX_SINKS:
            raise CapacityReached(f"A session has at most {MAX_SINKS} viewers. Open another session.")
        self.was_watched = True
        sink.notify(self._state_event())
        self._playout.attach(sink)

    def detach(self, sink: Sink) -> None:
        """Play no more to ``sink``; idempotent."""
        self._playout.detach(sink)
        self.quiet_since = self.clock.clock.now()

    def request_keyframe(self, codec: VideoCodec | None = None) -> None:
        """The next frame of ``codec``, or of all codecs, will be a keyframe."""
        for each in (codec,) if codec else VIDEO_CODECS:
            self._playout.request_keyframe(each)

    @property
    def viewers(self) -> int:
        """How many sinks are attached."""
        return len(self._playout.sinks)

    @property
    def unused(self) -> bool:
        """Nobody watches and nothing is being said."""
        return not self._playout.sinks and not self._utterances

    async def close(self) -> None:
        """End the session and return when nothing of it runs any more; idempotent."""
        await asyncio.shield(self._begin_closing())

    def _begin_closing(self) -> asyncio.Task[None]:
        """Tell everybody at once; the rest happens in a task, which no cancelled caller can stop."""
        if self._closing is None:
            for entry in self._utterances:
                self._ended(entry, "interrupted")
            self._utterances.clear()
            self._set_state("closed")
            self._playout.end()
            for task in self._tasks:
                task.cancel()
            self._closing = asyncio.create_task(self._shut_down(), name=f"close-{self.id}")
        return self._closing

    async def _shut_down(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
        loop = asyncio.get_running_loop()
        try:
            await self._performer.cancel(self.id, self.generation + 1)
        finally:
            await loop.run_in_executor(self._executor, self._stage.close)

    # SlotSource: what the playout asks ------------------------------------------------------------------

    def take(self) -> Slot | None:
        """The next slot to say. Utterances that are through end here."""
        while self._utterances:
            entry = self._utterances[0]
            slot = entry.take()
            if slot is not None:
                return slot
            if not entry.exhausted:
                return None
            self._utterances.popleft()
            self._ended(entry, "failed" if entry.error else "completed")
            if not self._utterances:
                self._set_state("idle")
        return None

    def is_stale(self, slot: Slot) -> bool:
        """Whether an interrupt overtook the slot."""
        return slot.key.generation < self.generation

    def sent(self, index: int, slot: Slot | None) -> None:
        """Tell viewers what begins with this slot."""
        if slot is None or not self._utterances:
            return
        entry = self._utterances[0]
        self.quiet_since = self.clock.clock.now()
        if entry.sent_slots == 0:
            latency = self.clock.clock.now() - entry.accepted
            self._observer.utterance_started(latency, entry.engine)
            self._set_state("speaking")
            self._notify(entry.started(index, latency))
        entry.sent_slots += 1
        for word in entry.words(index, slot):
            self._notify(word)

    # Within ---------------------------------------------------------------------------------------------

    def _is_current(self, entry: Utterance) -> bool:
        return entry.key.generation == self.generation

    def _noticed(self, entry: Utterance, notice: Notice) -> None:
        if notice.code == "speech_engine":
            entry.engine = notice.engine
            return
        self._observer.engine_fallback(notice.engine)
        self._notify(NoticeEvent(code=notice.code, message=notice.message, utterance=entry.name))

    def _find(self, name: str) -> Utterance | None:
        return next((entry for entry in self._utterances if entry.name == name), None)

    def _ended(self, entry: Utterance, reason: EndReason) -> None:
        self._observer.utterance_ended(reason)
        self._notify(entry.ended(reason))
        self.quiet_since = self.clock.clock.now()

    def _set_state(self, state: State, *, force: bool = False) -> None:
        if state != self.state or force:
            self.state = state
            self._notify(self._state_event())

    def _state_event(self) -> SessionState:
        return SessionState(session=self.id, state=self.state, avatar=self.avatar, generation=self.generation)

    def _notify(self, event: Event) -> None:
        self._playout.notify(event)

    def _check_open(self) -> None:
        if self.state == "closed":
            raise SessionClosed("The session has ended. Create a new one.")

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("session task broke", session=self.id, task=task.get_name(), exc_info=error)
            self._notify(Error(code=LipstreamError.code, message="The session broke. Create a new one."))
            self._begin_closing()
