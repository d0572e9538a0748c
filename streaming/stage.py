"""Makes one slot of media: draws the frame, encodes picture and sound, once for all viewers.

Runs in a worker thread, one call at a time; the event loop only carries the result.
"""

from __future__ import annotations

import threading
from collections.abc import Collection

import numpy as np
import structlog
from numpy.typing import NDArray

from streaming.compositor.base import Compositor
from streaming.encoders.base import EncodedSlot, EncodedVideo, VideoCodec
from streaming.encoders.h264 import H264Codec
from streaming.encoders.opus import DEFAULT_BITRATE as DEFAULT_AUDIO_BITRATE
from streaming.encoders.opus import OpusEncoder
from streaming.encoders.probe import open_h264
from streaming.encoders.video import VideoEncoder
from streaming.encoders.vp8 import Vp8Encoder
from streaming.slots import Slot
from streaming.timing import SLOT_SAMPLES

log = structlog.get_logger(__name__)

DEFAULT_VIDEO_BITRATE = 1_500_000
"""Ceiling in bits per second."""


class Stage:
    """One session's drawing and encoding.

    Args:
        compositor: draws the avatar.
        video_bitrate: bits per second.
        audio_bitrate: bits per second.
        h264_codec: which H.264 encoder this machine has.
    """

    def __init__(
        self,
        compositor: Compositor,
        *,
        video_bitrate: int = DEFAULT_VIDEO_BITRATE,
        audio_bitrate: int = DEFAULT_AUDIO_BITRATE,
        h264_codec: H264Codec = "libx264",
    ) -> None:
        self._h264_codec: H264Codec = h264_codec
        self._compositor = compositor
        self._video_bitrate = video_bitrate
        self._opus = OpusEncoder(audio_bitrate)
        self._busy = threading.Lock()
        self._encoders: dict[VideoCodec, VideoEncoder] = {}
        self._broken = False
        self._silence: NDArray[np.float32] = np.zeros(SLOT_SAMPLES, np.float32)

    @property
    def position(self) -> int:
        """Where the avatar's loop is; see :class:`streaming.compositor.base.Compositor`."""
        return self._compositor.position

    def change_compositor(self, compositor: Compositor) -> None:
        """Draw another avatar from the next slot on."""
        with self._busy:
            if (compositor.width, compositor.height) != (self._compositor.width, self._compositor.height):
                self._close_encoders()
            self._compositor = compositor

    def produce(
        self, index: int, slot: Slot | None, codecs: Collection[VideoCodec], keyframes: Collection[VideoCodec]
    ) -> EncodedSlot:
        """The finished media of slot ``index``: speech when there is a slot, else idle and silence.

        A picture that fails does not cost the sound: the slot then has no video, and the next frame is made
        by new encoders.

        Args:
            index: slot index on the session clock.
            slot: what the performer decided, or ``None``.
            codecs: the video codecs that viewers want now.
            keyframes: those of them that need a keyframe.
        """
        with self._busy:
            audio = self._opus.encode(slot.samples if slot else self._silence)
            video: dict[VideoCodec, EncodedVideo] = {}
            try:
                frame = self._compositor.compose(index, slot.patch if slot else None)
                for codec in codecs:
                    video[codec] = self._encoder(codec).encode(frame, index, codec in keyframes)
                self._broken = False
            except Exception:
                if not self._broken:
                    log.exception("a picture could not be made", slot=index)
                self._broken = True
                self._close_encoders()
                video = {}
        return EncodedSlot(index, video, audio, speaking=slot is not None)

    def close(self) -> None:
        """Free all encoders; waits for a slot in work. Nothing may be produced afterwards."""
        with self._busy:
            self._close_encoders()
            self._opus.close()

    def _encoder(self, codec: VideoCodec) -> VideoEncoder:
        encoder = self._encoders.get(codec)
        if encoder is None:
            size = self._compositor.width, self._compositor.height
            if codec == "h264":
                encoder = open_h264(*size, self._video_bitrate, self._h264_codec)
            else:
                encoder = Vp8Encoder(*size, self._video_bitrate)
            self._encoders[codec] = encoder
        return encoder

    def _close_encoders(self) -> None:
        for encoder in self._encoders.values():
            encoder.close()
        self._encoders.clear()
