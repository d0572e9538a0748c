"""A QuickTime file for editing: ProRes 4444, with alpha where the person has nothing behind, and PCM."""

from __future__ import annotations

import sys
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream

from streaming.credits import Credits
from streaming.sinks.film import Alpha, ContainerSink, Samples, check_fat
from streaming.sinks.mp4 import iso_tags
from streaming.sinks.planes import deep_planes
from streaming.timing import FPS, WIRE_RATE

ALPHA_BITS = 8
"""As deep as a matte is."""


class MovSink(ContainerSink):
    """Writes a QuickTime file; see :class:`streaming.sinks.film.FilmSink`. Alpha is straight.

    Args:
        path: where the file shall be.
        width: pixels, even.
        height: pixels, even.
        credits: what the film says about itself.
        transparent: whether frames come with alpha.
    """

    container_format = "mov"
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
        self._format = "yuva444p10" if transparent else "yuv444p10"
        self._format += "le" if sys.byteorder == "little" else "be"
        super().__init__(path, width, height, credits)

    def write(self, frame: av.VideoFrame, samples: Samples, alpha: Alpha | None = None) -> None:
        """Append one slot; see :class:`streaming.sinks.film.FilmSink`."""
        super().write(frame, samples, alpha)
        check_fat(self.frames, self._partial)

    def _add_video(self, container: OutputContainer) -> VideoStream:
        stream = container.add_stream("prores_ks", rate=FPS)
        stream.pix_fmt = self._format
        bits = ALPHA_BITS if self._transparent else 0
        stream.codec_context.options = {"profile": "4444", "alpha_bits": str(bits), "vendor": "lips"}
        return stream

    def _add_audio(self, container: OutputContainer) -> AudioStream:
        return container.add_stream("pcm_s16le", rate=WIRE_RATE, layout="mono")

    def _tags(self, credits: Credits) -> dict[str, str]:
        return iso_tags(credits) | {"xmp": credits.xmp()}

    def _picture(self, frame: av.VideoFrame, alpha: Alpha | None) -> av.VideoFrame:
        if self._transparent and alpha is None:
            raise ValueError("A film with alpha needs it with every frame.")
        picture = av.VideoFrame(frame.width, frame.height, self._format)
        picture.colorspace = Colorspace.SMPTE170M
        picture.color_range = ColorRange.MPEG
        deep_planes(frame, picture, alpha if self._transparent else None)
        return picture
