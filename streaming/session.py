"""A live session: one avatar, its utterances in order, and whoever watches."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import structlog
from numpy.typing import NDArray

from streaming.audio.live import FACE_SECONDS
from streaming.clock import Clock, SlotClock
from streaming.commands import CommandLine
from streaming.compositor.base import Compositor, CompositorFactory
from streaming.encoders.base import VIDEO_CODECS, VideoCodec
from streaming.encoders.h264 import H264Codec
from streaming.errors import BackgroundRejected, CapacityReached, LipstreamError, SessionClosed
from streaming.observer import Observer
from streaming.performer.base import Performer
from streaming.playout import Playout
from streaming.protocol import Error, Event, SessionState, State
from streaming.queue import UtteranceQueue
from streaming.sinks.base import Sink
from streaming.slots import Slot
from streaming.speech.delivery import AS_IT_IS, Delivery
from streaming.stage import DEFAULT_AUDIO_BITRATE, DEFAULT_VIDEO_BITRATE, Stage

log = structlog.get_logger(__name__)

MAX_SINKS = 16
ID_BYTES = 9
TOKEN_BYTES = 24
SEED_BITS = 32
"""Every session has a life of its own: no two blink and look around alike."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a session is made with, beside its avatar."""

    voice: str | None = None
    language: str | None = None
    video_bitrate: int = DEFAULT_VIDEO_BITRATE
    audio_bitrate: int = DEFAULT_AUDIO_BITRATE
    h264_codec: H264Codec = "libx264"
    face_seconds: float = FACE_SECONDS
    background: str | None = None


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
        self.state: State = "idle"
        self.clock = SlotClock(clock)
        self.created = clock.wall()
        self.width = compositor.width
        self.height = compositor.height
        self.was_watched = False
        self._performer = performer
        self._compositors = compositors
        self._executor = executor
        self._observer = observer
        self._options = options
        self._stage = Stage(
            compositor,
            video_bitrate=options.video_bitrate,
            audio_bitrate=options.audio_bitrate,
            h264_codec=options.h264_codec,
        )
        self._playout = Playout(self.clock, self, self._stage, executor, observer)
        self._queue = UtteranceQueue(
            self.id,
            performer,
            lambda: (self.avatar, self._stage.position),
            clock=self.clock,
            observer=observer,
            notify=self._notify,
            state_changed=self._set_state,
            face_seconds=options.face_seconds,
        )
        self._left_at = clock.now()
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
        options = options or SessionOptions()
        compositor = await asyncio.to_thread(
            compositors.open, avatar, secrets.randbits(SEED_BITS), options.background
        )
        session = cls(
            avatar,
            compositor,
            performer=performer,
            compositors=compositors,
            clock=clock,
            executor=executor,
            observer=observer,
            options=options,
        )
        session._tasks = [
            asyncio.create_task(session._playout.run(), name=f"playout-{session.id}"),
            asyncio.create_task(session._queue.director.run(), name=f"director-{session.id}"),
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
        delivery: Delivery = AS_IT_IS,
    ) -> str:
        """Queue an utterance; returns its id.

        Raises:
            UnknownUtterance: the id is in use.
            CapacityReached: too many utterances wait already.
            ScriptRejected: the text is too long.
        """
        self._check_open()
        self._queue.check_free(utterance)
        if interrupt:
            self._drop_everything()
        name = self._queue.say(
            text,
            utterance,
            final=final,
            voice=voice or self._options.voice,
            language=language or self._options.language,
            speed=speed,
            delivery=delivery,
        )
        if interrupt:
            await self._performer.cancel(self.id, self.generation)
        return name

    async def append(self, utterance: str, text: str, final: bool = False) -> None:
        """More text for an utterance that was said with ``final=False``.

        Raises:
            UnknownUtterance: there is no such utterance, or it is complete.
            ScriptRejected: the whole is too long.
        """
        self._check_open()
        self._queue.append(utterance, text, final=final)

    async def say_audio(
        self,
        *,
        utterance: str | None = None,
        interrupt: bool = False,
        live: bool = False,
        end_after_silence: float | None = None,
        sender: object = None,
    ) -> str:
        """Open an utterance of sound for :meth:`append_audio`; returns its id.

        Args:
            utterance: its id.
            interrupt: drop what is being said first.
            live: the sound comes as it is spoken, and is sent a fixed short time later.
            end_after_silence: seconds of quiet that end the utterance, which then begins with its first
                sound. If it is live, sound that follows is another utterance, with -2, -3, ... to its id.
            sender: stands for whose sound it is: an id may be taken anew after an interrupt, while somebody
                still sends what was said under it before.

        Raises:
            UnknownUtterance: the id is in use.
            CapacityReached: too many utterances wait already, or too many streams of sound are open.
            ScriptRejected: the silence is too short or too long.
        """
        self._check_open()
        self._queue.check_free(utterance)
        if interrupt:
            self._drop_everything()
        name = self._queue.say_audio(utterance, live=live, end_after_silence=end_after_silence, sender=sender)
        if interrupt:
            await self._performer.cancel(self.id, self.generation)
        return name

    async def append_audio(
        self, utterance: str, samples: NDArray[np.float32], final: bool = False, sender: object = None
    ) -> None:
        """More sound of an utterance that was opened with :meth:`say_audio`.

        Returns when more is welcome: live sound never waits, nor does the last; other sound does when much of
        it is here that is not said yet. What comes of an utterance that was interrupted is dropped.

        Args:
            utterance: its id.
            samples: (n,) mono at 24 kHz, within -1..1.
            final: this is the last of it.
            sender: the one that it was opened with.

        Raises:
            UnknownUtterance: there is no such utterance of this sender, or it is complete, or it failed.
            ScriptRejected: it has become too long.
            CapacityReached: live sound begins another utterance, and too many wait.
        """
        self._check_open()
        await self._queue.append_audio(utterance, samples, final=final, sender=sender)

    async def interrupt(self) -> int:
        """Stop speaking and drop what waits; returns the new generation."""
        self._check_open()
        generation = self._drop_everything()
        await self._performer.cancel(self.id, generation)
        return generation

    def _drop_everything(self) -> int:
        """All of an interrupt that happens here: in one step, so that no other command comes in between."""
        generation = self._queue.drop_all()
        self._set_state("idle", force=True)
        return generation

    async def change_avatar(self, avatar: str) -> None:
        """Show another avatar from the next slot on; raises what the compositor factory raises."""
        # One after the other: the last one asked for is the one that stays.
        async with self._changing_avatar:
            self._check_open()
            compositor = await asyncio.to_thread(self._open_compositor, avatar)
        self._check_open()

        def change() -> None:
            self._stage.change_compositor(compositor)
            self.request_keyframe()

        self._playout.between_slots(change)
        self.avatar = avatar
        self.width, self.height = compositor.width, compositor.height
        self._set_state(self.state, force=True)

    def _open_compositor(self, avatar: str) -> Compositor:
        """Before the session's colour, where the avatar has nothing behind it."""
        seed = secrets.randbits(SEED_BITS)
        try:
            return self._compositors.open(avatar, seed, self._options.background)
        except BackgroundRejected:
            return self._compositors.open(avatar, seed)

    def commands(self) -> CommandLine:
        """What carries out the commands of one connection; to be closed with it."""
        return CommandLine(self)

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
        self._left_at = self.clock.clock.now()

    def request_keyframe(self, codec: VideoCodec | None = None) -> None:
        """The next frame of ``codec``, or of all codecs, will be a keyframe."""
        for each in (codec,) if codec else VIDEO_CODECS:
            self._playout.request_keyframe(each)

    @property
    def generation(self) -> int:
        """Counts interrupts; what is of an earlier one is stale."""
        return self._queue.generation

    @property
    def quiet_since(self) -> float:
        """Monotonic second at which something was last asked or said, or a viewer left."""
        return max(self._left_at, self._queue.quiet_since)

    @property
    def viewers(self) -> int:
        """How many sinks are attached."""
        return len(self._playout.sinks)

    @property
    def unused(self) -> bool:
        """Nobody watches and nothing is being said."""
        return not self._playout.sinks and not len(self._queue)

    async def close(self) -> None:
        """End the session and return when nothing of it runs any more; idempotent."""
        await asyncio.shield(self._begin_closing())

    def _begin_closing(self) -> asyncio.Task[None]:
        """Tell everybody at once; the rest happens in a task, which no cancelled caller can stop."""
        if self._closing is None:
            self._queue.end("interrupted")
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
        """The next slot to say."""
        return self._queue.take()

    def is_stale(self, slot: Slot) -> bool:
        """Whether an interrupt overtook the slot."""
        return slot.key.generation < self.generation

    def sent(self, index: int, slot: Slot | None) -> None:
        """Tell viewers what begins with this slot."""
        self._queue.sent(index, slot)

    # Within ---------------------------------------------------------------------------------------------

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
