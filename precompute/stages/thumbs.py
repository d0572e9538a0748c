"""Small pictures of a video, kept while it is looked through, for previews of later stages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import cv2
import numpy as np

from precompute.stages.base import Desk, Image

THUMBS = "thumbs"
EVERY = 5
"""Frames from one to the next."""
SIDE = 480
QUALITY = 85


class Thumbs:
    """Small pictures of every fifth frame."""

    def __init__(self) -> None:
        self._files: list[bytes] = []

    def watch(self, frames: Iterable[Image]) -> Iterator[Image]:
        """The same frames, while small pictures of some are kept."""
        for index, frame in enumerate(frames):
            if index % EVERY == 0:
                self._add(frame)
            yield frame

    def save(self, desk: Desk) -> None:
        """Leave them for later stages."""
        ends = np.cumsum([len(file) for file in self._files])
        data = np.frombuffer(b"".join(self._files), np.uint8)
        desk.save_arrays(THUMBS, {"data": data, "ends": ends})

    def _add(self, frame: Image) -> None:
        scale = min(1.0, SIDE / max(frame.shape[:2]))
        size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        self._files.append(data.tobytes() if done else b"")


def thumb(desk: Desk, index: int, begin: int = 0, end: int | None = None) -> tuple[int, Image]:
    """The small picture that is nearest to a frame of the video, and the frame that it shows.

    Args:
        desk: where they were left.
        index: of the frame.
        begin: of the frames that may be shown instead.
        end: the one behind the last of them. Where there is no picture of any, the nearest one is taken.
    """
    found = desk.load_arrays(THUMBS)
    ends = found["ends"]
    last = len(ends) - 1 if end is None else min(len(ends) - 1, (end - 1) // EVERY)
    place = min(max(round(index / EVERY), -(-begin // EVERY)), last)
    start = int(ends[place - 1]) if place else 0
    picture = cv2.imdecode(found["data"][start : int(ends[place])], cv2.IMREAD_COLOR)
    if picture is None:
        raise OSError("A small picture of the video cannot be read any more.")
    return place * EVERY, np.asarray(picture, np.uint8)
