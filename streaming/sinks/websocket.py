"""A viewer on a WebSocket: events as JSON text, media as binary messages."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Literal

from streaming.encoders.base import EncodedSlot, VideoCodec
from streaming.protocol import Event, MediaFormat, UtteranceEnded
from streaming.sinks.fmp4 import Fmp4Packer
from streaming.sinks.keyframe import KeyframeGate
from streaming.sinks.packers import Packer, WebCodecsPacker

WebSocketFormat = Literal["webcodecs", "fmp4", "none"]

MAX_QUEUED_SLOTS = 20
"""0.8 s: a viewer that is further behind would rather see now than then."""

MAX_QUEUED_EVENTS = 1_000
"""A viewer that reads nothing for so long is gone."""

log = logging.getLogger(__name__)


class WebSocketSink:
    """Queues what a viewer gets; packing happens when it is pulled, so what is dropped costs nothing.

    Media starts at a keyframe, right after a :class:`~streaming.protocol.MediaFormat`. A viewer that falls
    behind loses media up to the next keyframe, events never.

    Args:
        format: ``webcodecs``, ``fmp4``, or ``none`` for events alone.
        width: pixels of the video, should the stream not say.
        height: pixels of the video, should the stream not say.
        on_keyframe_needed: called on the event loop when nothing can be shown until a keyframe comes.
    """

    def __init__(
        self, format: WebSocketFormat, width: int, height: int, on_keyframe_needed: Callable[[], None]
    ) -> None:
        self.codec: VideoCodec | None = None if format == "none" else "h264"
        self._packer = _packer(format, width, height)
        self._gate = KeyframeGate(on_keyframe_needed)
        self._queue: deque[EncodedSlot | Event] = deque()
        self._slots = 0
        self._wake = asyncio.Event()
        self._closed = False
        self.dropped_slots = 0

    def deliver(self, slot: EncodedSlot) -> None:
        """Take one slot at its deadline."""
        if self._packer is None or self._closed:
            return
        if self._slots >= MAX_QUEUED_SLOTS:
            self._drop_media()
        if not self._gate.admit(slot.video.get("h264")):
            return
        self._slots += 1
        self._queue.append(slot)
        self._wake.set()

    def notify(self, event: Event) -> None:
        """Take one event, in order with the slots around it."""
        if self._closed:
            return
        if len(self._queue) - self._slots >= MAX_QUEUED_EVENTS:
            log.warning("a viewer left %d events unread; its stream ends", MAX_QUEUED_EVENTS)
            self.closed()
            return
        if isinstance(event, UtteranceEnded) and event.reason == "interrupted":
            self._drop_stale()
        self._queue.append(event)
        self._wake.set()

    def closed(self) -> None:
        """Nothing follows; :meth:`messages` ends once what waits has been pulled."""
        self._closed = True
        self._wake.set()

    async def messages(self) -> AsyncGenerator[str | bytes, None]:
        """What to send, in order: JSON text for events, bytes for media. Ends after ``closed()``.

        For one consumer.
        """
        described: MediaFormat | None = None
        while True:
            while self._queue:
                item = self._queue.popleft()
                if not isinstance(item, EncodedSlot):
                    yield item.model_dump_json()
                    continue
                self._slots -= 1
                if self._packer is None:
                    continue
                video = item.video.get("h264")
                if video is not None and video.keyframe:
                    media = self._packer.describe(item)
                    if media != described:
                        described = media
                        yield media.model_dump_json()
                for message in self._packer.pack(item):
                    yield message
            if self._closed:
                return
            self._wake.clear()
            await self._wake.wait()

    def _drop_stale(self) -> None:
        """What a slow viewer has not pulled of an interrupted utterance is not to be heard any more."""
        if any(isinstance(item, EncodedSlot) and item.speaking for item in self._queue):
            self._drop_media()

    def _drop_media(self) -> None:
        self._queue = deque(item for item in self._queue if not isinstance(item, EncodedSlot))
        self.dropped_slots += self._slots
        self._slots = 0
        self._gate.shut()


def _packer(format: WebSocketFormat, width: int, height: int) -> Packer | None:
    if format == "none":
        return None
    return WebCodecsPacker(width, height) if format == "webcodecs" else Fmp4Packer(width, height)
