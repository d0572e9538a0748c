"""The formats that films are exported in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

FilmFormat = Literal["mp4", "webm", "mov", "png"]


Suffix = Literal["mp4", "webm", "mov", "zip"]
"""Of a format's files, without the dot."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        suffix: of its files, with the dot.
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
