"""The formats that films are exported in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from streaming.credits import Credits
from streaming.sinks.film import FilmSink
from streaming.sinks.mov import MovSink
from streaming.sinks.mp4 import Mp4Sink
from streaming.sinks.png import PngSink
from streaming.sinks.webm import WebmSink

FilmFormat = Literal["mp4", "webm", "mov", "png"]


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        suffix: of its files.
        media_type: for HTTP.
        alpha: whether it can say where a person has nothing behind.
    """

    suffix: str
    media_type: str
    alpha: bool = True


FORMATS: dict[FilmFormat, Format] = {
    "mp4": Format(".mp4", "video/mp4", alpha=False),
    "webm": Format(".webm", "video/webm"),
    "mov": Format(".mov", "video/quicktime"),
    "png": Format(".zip", "application/zip"),
}


def format_of(path: Path) -> FilmFormat | None:
    """The format that a file's name asks for."""
    return next((name for name, known in FORMATS.items() if known.suffix == path.suffix.lower()), None)


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
