"""Tracks that carry packets encoded elsewhere, so that one encoder serves every viewer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from streaming.clock import SlotClock
from streaming.encoders.base import EncodedSlot, EncodedVideo, VideoCodec
from streaming.sinks.keyframe import KeyframeGate
from streaming.timing import (
    AUDIO_TIME_BASE,
    OPUS_FRAME_SAMPLES,
    OPUS_FRAME_SECONDS,
    VIDEO_TICKS_PER_SLOT,
    VIDEO_TIME_BASE,
    WIRE_SLOT_SAMPLES,
)

MAX_QUEUED_FRAMES = 5
"""200 ms: a viewer whose link is further behind continues at the next keyframe."""

MAX_QUEUED_SOUNDS = 10
"""200 ms of Opus; beyond it the oldest go, because sound may not run late."""


class SlotVideoTrack(MediaStreamTrack):
    """Video of the slots that are pushed.

    Args:
        codec: which of a slot's encodings to send.
        on_keyframe_needed: called when nothing can be shown until a keyframe comes.
    """

    kind = "video"

    def __init__(self, codec: VideoCodec, on_keyframe_needed: Callable[[], None]) -> None:
        super().__init__()
        self._codec: VideoCodec = codec
        self._gate = KeyframeGate(on_keyframe_needed)
        self._queue: deque[tuple[int, EncodedVideo]] = deque()
        self._wake = asyncio.Event()

    def push(self, slot: EncodedSlot) -> None:
        """Queue the slot's frame; never blocks."""
        video = slot.video.get(self._codec)
        if len(self._queue) >= MAX_QUEUED_FRAMES:
            self._queue.clear()
            self._gate.shut()
        if self._gate.admit(video) and video is not None:
            self._queue.append((slot.index, video))
            self._wake.set()

    async def recv(self) -> av.Packet:
        """The next frame; pts is the slot index times 3600 at 90 kHz.

        Raises:
            MediaStreamError: the track has ended.
        """
        await _filled(self, self._queue, self._wake)
        index, video = self._queue.popleft()
        packet = av.Packet(video.data)
        packet.pts = packet.dts = index * VIDEO_TICKS_PER_SLOT
        packet.time_base = VIDEO_TIME_BASE
        packet.is_keyframe = video.keyframe
        return packet

    def stop(self) -> None:
        """End the track; a waiting :meth:`recv` raises."""
        super().stop()
        self._wake.set()


class SlotAudioTrack(MediaStreamTrack):
    """Sound of the slots that are pushed: two Opus packets each, 20 ms apart.

    Args:
        clock: says when the second packet of a slot is due.
    """

    kind = "audio"

    def __init__(self, clock: SlotClock) -> None:
        super().__init__()
        self._clock = clock
        self._queue: deque[tuple[int, int, bytes]] = deque(maxlen=MAX_QUEUED_SOUNDS)
        self._wake = asyncio.Event()

    def push(self, slot: EncodedSlot) -> None:
        """Queue the slot's packets; never blocks."""
        self._queue.extend((slot.index, part, data) for part, data in enumerate(slot.audio))
        self._wake.set()

    async def recv(self) -> av.Packet:
        """The next 20 ms; pts is the slot index times 1920 at 48 kHz, plus 960 for the second half.

        Raises:
            MediaStreamError: the track has ended.
        """
        await _filled(self, self._queue, self._wake)
        index, part, data = self._queue.popleft()
        if part:
            await self._clock.clock.sleep_until(self._clock.deadline(index) + part * OPUS_FRAME_SECONDS)
        packet = av.Packet(data)
        packet.pts = packet.dts = index * WIRE_SLOT_SAMPLES + part * OPUS_FRAME_SAMPLES
        packet.time_base = AUDIO_TIME_BASE
        return packet

    def stop(self) -> None:
        """End the track; a waiting :meth:`recv` raises."""
        super().stop()
        self._wake.set()


async def _filled(track: MediaStreamTrack, queue: deque, wake: asyncio.Event) -> None:
    while not queue and track.readyState == "live":
        wake.clear()
        await wake.wait()
    if track.readyState != "live":
        raise MediaStreamError
