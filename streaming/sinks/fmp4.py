"""Fragmented MP4 for MediaSource: one fragment per slot, made from the packets that every viewer shares."""

from __future__ import annotations

from streaming.encoders.annexb import parameter_sets, to_sample
from streaming.encoders.base import EncodedSlot
from streaming.encoders.opus import SILENCE
from streaming.protocol import MediaFormat
from streaming.sinks.boxes import fragment, init_segment
from streaming.sinks.packers import media_format, stream_size
from streaming.timing import OPUS_FRAMES_PER_SLOT, VIDEO_TICKS_PER_SLOT, WIRE_SLOT_SAMPLES


class Fmp4Packer:
    """Muxes slots for one viewer; media time 0 is the first slot packed.

    MediaSource stops at holes, so there are none: skipped slots become silence, and the next frame is shown
    from where the last one ended.

    Args:
        width: pixels of the video, should the stream not say.
        height: pixels of the video, should the stream not say.
    """

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._first: int | None = None
        self._next = 0
        self._video_end = 0
        self._sequence = 0
        self._parameters: tuple[bytes, bytes] | None = None

    def describe(self, slot: EncodedSlot) -> MediaFormat:
        """See :class:`streaming.sinks.packers.Packer`."""
        media = media_format("fmp4", slot, self._size)
        mime = f'video/mp4; codecs="{media.video_codec}, {media.audio_codec}"'
        first = slot.index if self._first is None else self._first
        return media.model_copy(update={"mime": mime, "slot": first})

    def pack(self, slot: EncodedSlot) -> list[bytes]:
        """One fragment; before the first, and when the parameter sets change, the initialisation segment."""
        messages: list[bytes] = []
        video = slot.video.get("h264")
        if video is not None and video.keyframe:
            parameters = parameter_sets(video.data)
            if parameters != self._parameters:
                self._parameters = parameters
                messages.append(init_segment(*stream_size(parameters[0], self._size), *parameters))
        if self._parameters is None:
            return []
        if self._first is None:
            self._first = self._next = slot.index
        missing = (slot.index - self._next) * OPUS_FRAMES_PER_SLOT
        audio = (*(SILENCE,) * missing, *slot.audio)
        audio_time = (self._next - self._first) * WIRE_SLOT_SAMPLES
        sample = None
        if video is not None:
            start = self._video_end
            self._video_end = (slot.index + 1 - self._first) * VIDEO_TICKS_PER_SLOT
            sample = (to_sample(video.data), video.keyframe, start, self._video_end - start)
        self._next = slot.index + 1
        self._sequence += 1
        messages.append(fragment(self._sequence, sample, audio, audio_time))
        return messages
