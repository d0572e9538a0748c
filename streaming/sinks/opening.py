"""Opens the sink that writes a format."""

from __future__ import annotations

from pathlib import Path

from streaming.credits import Credits
from streaming.sinks.film import FilmSink
from streaming.sinks.formats import FilmFormat
from streaming.sinks.mov import MovSink
from streaming.sinks.mp4 import Mp4Sink
from streaming.sinks.png import PngSink
from streaming.sinks.webm import WebmSink


def open_sink(
    name: FilmFormat, path: Path, width: int, height: int, credits: Credits | None, transparent: bool
) -> FilmSink:
    """Begin a file.

    Args:
        name: of the format.
        path: where the file shall be; its folder exists.
        width: pixels, even.
        height: pixels, even.
        credits: what the film says about itself.
        transparent: whether frames come with alpha.

    Raises:
        ValueError: a side is odd or not positive.
        OSError: the file cannot be written.
    """
    if name == "mp4":
        return Mp4Sink(path, width, height, credits)
    kind = {"webm": WebmSink, "mov": MovSink, "png": PngSink}[name]
    return kind(path, width, height, credits, transparent)
