"""An MP4 file: H.264 and AAC whose streams and container all last exactly as long as their slots."""

from __future__ import annotations

from pathlib import Path

from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from streaming.credits import COMMENT, Credits
from streaming.encoders.video import PIXEL_FORMAT
from streaming.sinks.boxes import box
from streaming.sinks.film import ContainerSink
from streaming.timing import FPS, WIRE_RATE

QUALITY = 20
"""x264's constant rate factor; lower is finer."""
PRESET = "veryfast"
AUDIO_BITRATE = 128_000
"""Bits per second of the AAC stream."""
GOP_FRAMES = 2 * FPS
"""A player can seek to every other second."""

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""Of the box that holds XMP in an MP4 file (ISO 16684-3)."""


class Mp4Sink(ContainerSink):
    """Writes an MP4 file; see :class:`streaming.sinks.film.FilmSink`. Alpha is left out."""

    container_format = "mp4"
    container_options = {"movflags": "+faststart"}  # noqa: RUF012

    def _add_video(self, container: OutputContainer) -> VideoStream:
        stream = container.add_stream("libx264", rate=FPS)
        stream.pix_fmt = PIXEL_FORMAT
        stream.codec_context.gop_size = GOP_FRAMES
        stream.codec_context.options = {"preset": PRESET, "crf": str(QUALITY), "profile": "high"}
        return stream

    def _add_audio(self, container: OutputContainer) -> AudioStream:
        stream = container.add_stream("aac", rate=WIRE_RATE, layout="mono")
        stream.bit_rate = AUDIO_BITRATE
        return stream

    def _tags(self, credits: Credits) -> dict[str, str]:
        return iso_tags(credits)

    def _finish(self, path: Path) -> None:
        if self._credits is not None:
            with path.open("ab") as file:
                file.write(box(b"uuid", XMP_UUID, self._credits.xmp().encode()))


def iso_tags(credits: Credits) -> dict[str, str]:
    """The metadata that MP4 and QuickTime files have fields for."""
    tags = {
        "title": credits.title,
        "comment": f"{COMMENT}. {credits.description}",
        "description": credits.description,
        "copyright": credits.rights,
        "date": credits.date,
        "creation_time": midnight(credits),
    }
    return {name: value for name, value in tags.items() if value}


def midnight(credits: Credits) -> str:
    """The date as the containers' fields for a time have it."""
    return f"{credits.date}T00:00:00Z" if credits.date else ""
