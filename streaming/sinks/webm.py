"""A WebM file: VP9, with alpha where the person has nothing behind, and Opus."""

from __future__ import annotations

from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from streaming.credits import Credits
from streaming.encoders.video import PIXEL_FORMAT
from streaming.sinks.film import Alpha, ContainerSink
from streaming.sinks.mp4 import midnight
from streaming.sinks.planes import copy_plane
from streaming.timing import FPS, WIRE_RATE

QUALITY = 24
"""libvpx's constant quality; lower is finer."""
SPEED = 5
AUDIO_BITRATE = 96_000
"""Bits per second of the Opus stream."""
GOP_FRAMES = 2 * FPS
"""A player can seek to every other second."""


class WebmSink(ContainerSink):
    """Writes a WebM file; see :class:`streaming.sinks.film.FilmSink`. Alpha is straight.

    Args:
        path: where the file shall be.
        width: pixels, even.
        height: pixels, even.
        credits: what the film says about itself.
        transparent: whether frames come with alpha.
    """

    container_format = "webm"
    # The index in front lets players seek before all of it is there.
    container_options = {"cues_to_front": "1"}  # noqa: RUF012
    audio_format = "s16"

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        credits: Credits | None = None,
        transparent: bool = False,
    ) -> None:
        self._transparent = transparent
        super().__init__(path, width, height, credits)

    def _add_video(self, container: OutputContainer) -> VideoStream:
        stream = container.add_stream("libvpx-vp9", rate=FPS)
        stream.pix_fmt = "yuva420p" if self._transparent else PIXEL_FORMAT
        stream.codec_context.gop_size = GOP_FRAMES
        stream.codec_context.options = {
            "crf": str(QUALITY),
            "b": "0",
            "deadline": "good",
            "cpu-used": str(SPEED),
            "row-mt": "1",
            # A frame that is not shown has no place for its alpha.
            "auto-alt-ref": "0",
        }
        return stream

    def _add_audio(self, container: OutputContainer) -> AudioStream:
        stream = container.add_stream("libopus", rate=WIRE_RATE, layout="mono")
        stream.bit_rate = AUDIO_BITRATE
        return stream

    def _tags(self, credits: Credits) -> dict[str, str]:
        tags = credits.fields()
        if tags.pop("created", None):
            tags["creation_time"] = midnight(credits)
        return tags

    def _picture(self, frame: av.VideoFrame, alpha: Alpha | None) -> av.VideoFrame:
        if not self._transparent:
            return frame
        if alpha is None:
            raise ValueError("A film with alpha needs it with every frame.")
        picture = av.VideoFrame(frame.width, frame.height, "yuva420p")
        picture.colorspace = Colorspace.SMPTE170M
        picture.color_range = ColorRange.MPEG
        for number in range(3):
            copy_plane(frame.planes[number], picture.planes[number])
        copy_plane(alpha, picture.planes[3])
        return picture
