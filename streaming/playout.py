"""The beat of a session: one slot every 40 ms, made just before its deadline and sent at it.

The picture never holds up the sound, and the sound never stops: without speech a slot is idle motion and
silence. When the machine was too slow, slot indices are skipped so that latency cannot grow; speech that
waits is not lost, it only goes on later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol

import structlog

from streaming.clock import SlotClock
from streaming.encoders.base import EncodedSlot, VideoCodec
from streaming.encoders.opus import SILENCE
from streaming.errors import EngineFailed
from streaming.observer import Observer
from streaming.protocol import Event
from streaming.sinks.base import Sink
from streaming.slots import Slot
from streaming.stage import Stage
from streaming.timing import ENCODE_LEAD_SECONDS, FPS, SLOT_SECONDS

log = structlog.get_logger(__name__)

MAX_FAILED_SLOTS = FPS
"""So many slots in a row without a picture that was wanted end the session; fewer are a hiccup."""


class SlotSource(Protocol):
    """Where speech comes from and where the news of its sending goes."""

    def take(self) -> Slot | None:
        """The next slot to say, or ``None`` for idle."""
        ...

    def is_stale(self, slot: Slot) -> bool:
        """Whether an interrupt overtook the slot since it was taken."""
        ...

    def sent(self, index: int, slot: Slot | None) -> None:
        """Slot ``index`` has just gone to all sinks."""
        ...


class Playout:
    """Runs a session's slots.

    Args:
        clock: the session's slot clock.
        source: speech.
        stage: drawing and encoding.
        executor: worker threads for the stage.
        observer: told of every slot.
    """

    def __init__(
        self,
        clock: SlotClock,
        source: SlotSource,
        stage: Stage,
        executor: Executor,
        observer: Observer,
    ) -> None:
        self._clock = clock
        self._source = source
        self._stage = stage
        self._executor = executor
        self._observer = observer
        self._keyframes: set[VideoCodec] = set()
        self._between_slots: list[Callable[[], None]] = []
        self._failed_slots = 0
        self.sinks: list[Sink] = []

    def attach(self, sink: Sink) -> None:
        """Send slots to ``sink`` from now on, beginning with a keyframe."""
        self.sinks.append(sink)
        if sink.codec is not None:
            self._keyframes.add(sink.codec)

    def detach(self, sink: Sink) -> None:
        """Send nothing more to ``sink``; idempotent."""
        if sink in self.sinks:
            self.sinks.remove(sink)

    def notify(self, event: Event) -> None:
        """Tell all sinks. One that raises is dropped and hurts nobody else."""
        for sink in tuple(self.sinks):
            try:
                sink.notify(event)
            except Exception:
                self._drop(sink)

    def end(self) -> None:
        """Tell all sinks that nothing follows, and let go of them."""
        for sink in tuple(self.sinks):
            self._end(sink)
        self.sinks.clear()

    def request_keyframe(self, codec: VideoCodec) -> None:
        """The next frame of ``codec`` will be a keyframe."""
        self._keyframes.add(codec)

    def between_slots(self, action: Callable[[], None]) -> None:
        """Run ``action`` when the stage is at rest, before the next slot is made."""
        self._between_slots.append(action)

    async def run(self) -> None:
        """Play until cancelled.

        Raises:
            EngineFailed: no picture could be made for :data:`MAX_FAILED_SLOTS` in a row.
        """
        clock = self._clock
        index = clock.next_index(ENCODE_LEAD_SECONDS)
        while True:
            await clock.clock.sleep_until(clock.deadline(index) - ENCODE_LEAD_SECONDS)
            index = self._catch_up(index)
            slot = self._source.take()
            made = await self._make(index, slot)
            await clock.clock.sleep_until(clock.deadline(index))
            self._send(index, slot, made)
            index += 1

    def _catch_up(self, index: int) -> int:
        """Skip slots whose time has passed."""
        late = self._clock.clock.now() - (self._clock.deadline(index) - ENCODE_LEAD_SECONDS)
        if late < SLOT_SECONDS:
            return index
        current = self._clock.next_index(ENCODE_LEAD_SECONDS)
        self._observer.slots_skipped(current - index)
        return current

    async def _make(self, index: int, slot: Slot | None) -> EncodedSlot | None:
        actions, self._between_slots = self._between_slots, []
        for action in actions:
            action()
        codecs: set[VideoCodec] = {sink.codec for sink in self.sinks if sink.codec is not None}
        if not codecs:
            return None
        keyframes = self._keyframes & codecs
        self._keyframes -= keyframes
        loop = asyncio.get_running_loop()
        try:
            made = await loop.run_in_executor(
                self._executor, self._stage.produce, index, slot, codecs, keyframes
            )
        except Exception:
            if self._failed_slots == 0:
                log.exception("a slot could not be made", slot=index)
            made = EncodedSlot(index, {}, (SILENCE, SILENCE), speaking=slot is not None)
        self._count_failures(codecs - made.video.keys())
        return made

    def _count_failures(self, missing: set[VideoCodec]) -> None:
        self._failed_slots = self._failed_slots + 1 if missing else 0
        # A new encoder, or one that lost a frame, has nothing to refer to.
        self._keyframes |= missing
        if self._failed_slots >= MAX_FAILED_SLOTS:
            raise EngineFailed(f"No picture could be made for {MAX_FAILED_SLOTS} slots; the log says why.")

    def _send(self, index: int, slot: Slot | None, made: EncodedSlot | None) -> None:
        if slot is not None and self._source.is_stale(slot):
            slot = None
            if made is not None:
                # The viewers' decoders never see this frame, so the next one must not refer to it.
                self._keyframes.update(made.video)
                made = EncodedSlot(index, {}, (SILENCE, SILENCE), speaking=False)
        if made is not None:
            for sink in tuple(self.sinks):
                if sink.codec is not None:
                    try:
                        sink.deliver(made)
                    except Exception:
                        self._drop(sink)
            self._observer.slot_sent(max(0.0, self._clock.clock.now() - self._clock.deadline(index)))
        self._source.sent(index, slot)

    def _drop(self, sink: Sink) -> None:
        """Let go of a sink that raises; called while its exception is handled."""
        log.exception("a viewer broke and is dropped", sink=type(sink).__name__)
        self.detach(sink)
        self._end(sink)

    def _end(self, sink: Sink) -> None:
        try:
            sink.closed()
        except Exception:
            log.exception("a viewer could not be ended", sink=type(sink).__name__)
