"""Contact sheets for the eye: the frames around closures and rounded vowels, and where speech begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.judge.examine import Examined
from benchmarks.judge.film import Span, spans_of
from benchmarks.judge.targets import Targets
from benchmarks.judge.utterances import UtteranceSet
from precompute.strip import lay_out
from streaming.face.visemes import PAUSE, PRESSED
from streaming.timing import FPS

Image = NDArray[np.uint8]

ROUNDED = frozenset("uwʊoOɔQ")
SIDE_FRAMES = 3
"""Frames on either side of the middle of a row."""
COLUMNS = 2 * SIDE_FRAMES + 1
CLOSURE_ROWS, ROUNDED_ROWS = 2, 1
NOISE_STEP = 25
"""Frames between the pictures of a row in which nobody speaks."""
QUALITY = 72


def shown_frames(spoken: UtteranceSet) -> tuple[int, ...]:
    """The frames of a set's film that its sheet shows, row by row."""
    spans = spans_of(spoken.utterances)
    rows: list[list[int]] = []
    if not any(u.phonemes for u in spoken.utterances):
        rows = [[span.first + NOISE_STEP * (k + 1) for k in range(COLUMNS)] for span in spans]
    else:
        middles = [_first_sound(spoken, spans)]
        middles += _spread(_frames_of(spoken, spans, PRESSED), CLOSURE_ROWS)
        middles += _spread(_frames_of(spoken, spans, ROUNDED), ROUNDED_ROWS)
        rows = [[middle + k for k in range(-SIDE_FRAMES, SIDE_FRAMES + 1)] for middle in middles]
    return tuple(frame for row in rows for frame in row)


def _first_sound(spoken: UtteranceSet, spans: Sequence[Span]) -> int:
    """The frame in which the first utterance gets loud."""
    start = next(p.start for p in spoken.utterances[0].phonemes if p.symbol != PAUSE)
    return spans[0].first + int(start * FPS)


def _frames_of(spoken: UtteranceSet, spans: Sequence[Span], symbols: frozenset[str]) -> list[int]:
    return [
        span.first + frame
        for span, utterance in zip(spans, spoken.utterances, strict=True)
        if utterance.phonemes
        for frame in Targets(utterance.phonemes, utterance.frames).frames_of(symbols)
    ]


def _spread(frames: list[int], count: int) -> list[int]:
    """``count`` of them, evenly from the whole film."""
    if not frames:
        return []
    return [frames[int(share * len(frames))] for share in np.arange(0.5, count) / count]


def write_sheet(spoken: UtteranceSet, films: Mapping[str, Examined], path: Path) -> None:
    """Write one picture with the rows of all avatars, one below the other."""
    spans = spans_of(spoken.utterances)
    frames = shown_frames(spoken)
    labels = [_label(spoken, spans, frame) for frame in frames]
    sheets = [lay_out([film.tiles[frame] for frame in frames], labels, COLUMNS) for film in films.values()]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), np.vstack(sheets), [cv2.IMWRITE_WEBP_QUALITY, QUALITY]):
        raise OSError(f"The contact sheet {path} cannot be written.")


def _label(spoken: UtteranceSet, spans: Sequence[Span], frame: int) -> str:
    for span, utterance in zip(spans, spoken.utterances, strict=True):
        if span.first <= frame < span.stop:
            if not utterance.phonemes:
                return utterance.name
            sounds = Targets(utterance.phonemes, utterance.frames).sounds(frame - span.first)
            return f"{utterance.group} {sounds}"
    return "idle"
