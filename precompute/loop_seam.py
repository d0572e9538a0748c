"""Closes a forward loop: its last frames turn into those that came before its first.

Both are moved halfway to each other before they are mixed, as far as optical flow finds them in each other.
So what is in both stays single, and moves from one place to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.curves import smoothstep
from precompute.landmarks import Image
from precompute.loop import Stretch

Frames = Callable[[int, int], Iterator[Image]]
"""Gives the frames of the video from one to the one behind the last."""


def loop_frames(frames: Frames, stretch: Stretch, cut: Callable[[Image], Image]) -> Generator[Image]:
    """The frames of a loop, closed; no more than the few that are mixed are in memory.

    Args:
        frames: of the video.
        stretch: which of them become the loop.
        cut: makes the avatar's picture of each.

    Yields:
        (size, size, 3) BGR, ``stretch.end - stretch.begin`` of them.
    """
    fade = stretch.fade
    lead: list[Image] = []
    for index, frame in enumerate(frames(stretch.begin - fade, stretch.end), stretch.begin - fade):
        picture = cut(frame)
        if index < stretch.begin:
            lead.append(picture)
        elif index < stretch.end - fade:
            yield picture
        else:
            place = index - (stretch.end - fade)
            yield mix(picture, lead[place], _share(place, fade))
            lead[place] = picture[:0]


def loop_points(points: NDArray[np.float32], stretch: Stretch) -> NDArray[np.float32]:
    """(n, ...) the landmarks of a loop's frames, from those (N, ...) of all frames of the video."""
    inside = points[stretch.begin : stretch.end].copy()
    fade = stretch.fade
    for place in range(fade):
        share = _share(place, fade)
        end, lead = inside[-fade + place], points[stretch.begin - fade + place]
        inside[-fade + place] = (1 - share) * end + share * lead
    return inside


def mix(picture: Image, other: Image, share: float) -> Image:
    """A picture on its way to another one.

    Args:
        picture: (h, w, 3).
        other: of the same size, and much alike.
        share: how far on the way, 0..1.
    """
    grey, grey_other = (cv2.cvtColor(one, cv2.COLOR_BGR2GRAY) for one in (picture, other))
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    there = flow.calc(grey, grey_other, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    back = flow.calc(grey_other, grey, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    one = _moved(picture, -share * there)
    two = _moved(other, -(1 - share) * back)
    return np.asarray(cv2.addWeighted(one, 1 - share, two, share, 0), np.uint8)


def _moved(picture: Image, flow: NDArray[np.float32]) -> Image:
    rows, columns = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
    moved = cv2.remap(
        picture, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return np.asarray(moved, np.uint8)


def _share(place: int, fade: int) -> float:
    """How far the frame ``place`` of ``fade`` frames is on the way."""
    return float(smoothstep(0.0, 1.0, np.array((place + 1) / (fade + 1))))
