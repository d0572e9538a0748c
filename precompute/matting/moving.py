"""Mattes of moving pictures, steady in time.

A network sees key frames only. For some frames more (all, where much moves) what it said of the key frames
around is brought there by the person's own motion, and weighed: a mistake in one is outvoted. Along the
outline the picture itself then tells, exactly. Every frame's matte is mixed from those of its neighbours,
brought there in the same way, so that noise does not make edges tremble. What does not fit in colour counts
little: a hand that comes or goes leaves no ghost, and gets key frames of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.errors import AvatarRejected
from precompute.matting.edges import refine_edges
from precompute.matting.face_inside import INSET, face_mask, judge_matte, keep_face
from precompute.matting.motion import SIDE, Flow, Glance, bring, enlarge
from precompute.matting.rembg_model import Matter

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]
Points = NDArray[np.float32]

KEY_FRAMES = 8
"""Frames from one key frame to the next at most."""
CHANGED = 24.0
"""Levels by which a pixel differs when something else is there."""
CHANGED_SHARE = 0.012
"""Of the picture, near the person: when so much has changed, it is time for a key frame."""
AROUND = 0.08
"""Of the side: what is near the person."""
VOTERS = 2
"""Key frames before and after that are weighed."""
STEP = 1.2
"""Pixels of ``SIDE`` that a person may move from one exact matte to the next."""
ALIKE = 10.0
"""Levels by which colours differ that count for 1/e of colours that fit."""
LEAST = 1e-3
"""What counts at the least, against what fits."""


@dataclass(slots=True, eq=False)
class _Frame:
    """A frame in memory, and what is known of it.

    ``said`` is what the network says, (SIDE, SIDE); ``found``, whether the face is in it. ``fine`` is the
    exact matte, (S, S), and ``small`` the same as (SIDE, SIDE).
    """

    index: int
    picture: Image
    glance: Glance
    landmarks: Points
    said: Alpha | None = None
    found: bool = True
    fine: Alpha | None = None
    small: Alpha | None = None


class Mender(Protocol):
    """Gives a matte back what it lacks of the clothing, key frame by key frame."""

    def mend(self, picture: Image, alpha: Alpha, landmarks: Points) -> Alpha:
        """The matte (S, S) of a frame with what was bitten out of it."""
        ...

    def look_again(self, picture: Image, alpha: Alpha, landmarks: Points) -> None:
        """What became of it, when its neighbours had their say."""
        ...


@dataclass(slots=True)
class SteadyMattes:
    """Makes the mattes of one stretch of video. Some thirty frames are in memory at any time.

    Attributes:
        matter: makes mattes of single frames.
        mender: of clothing; ``None``: it is left as it is.
        keys: how many frames the matter has seen.
        refused: why some of what it said was not taken.
    """

    matter: Matter
    mender: Mender | None = None
    keys: int = field(default=0, init=False)
    refused: list[AvatarRejected] = field(default_factory=list, init=False)
    _flow: Flow = field(default_factory=Flow, init=False)
    _keys: list[_Frame] = field(default_factory=list, init=False)
    _exact: list[_Frame] = field(default_factory=list, init=False)
    _waiting: list[_Frame] = field(default_factory=list, init=False)

    def of(
        self, frames: Iterable[Image], landmarks: Sequence[Points] | Points
    ) -> Iterator[tuple[Image, Alpha]]:
        """Make the mattes.

        Args:
            frames: (S, S, 3) BGR, in order.
            landmarks: (N, 468, 2) of the face in their pixels.

        Yields:
            Each frame, and its matte (S, S), 0..1.

        Raises:
            AvatarRejected: ``matte_empty`` or ``matte_full``: so it is in most key frames.
        """
        last: _Frame | None = None
        for index, picture in enumerate(frames):
            last = _Frame(index, picture, Glance.of(picture), landmarks[index])
            self._waiting.append(last)
            if self._is_key(last):
                self._look(last)
                yield from self._finished(all_of_them=False)
            elif self._has_moved(last):
                self._exact.append(last)
        if last is None:
            return
        if last.said is None:
            self._look(last)
        if 2 * len(self.refused) > self.keys:
            raise self.refused[-1]
        yield from self._finished(all_of_them=True)

    def _is_key(self, frame: _Frame) -> bool:
        if not self._keys:
            return True
        key = self._keys[-1]
        if frame.index - key.index >= KEY_FRAMES:
            return True
        assert key.said is not None
        field = self._flow.between(frame.glance, key.glance)
        changed = self._flow.difference(frame.glance, key.glance, field) > CHANGED
        reach = 2 * round(AROUND * SIDE) + 1
        near = cv2.dilate((key.said > 0.5).astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
        return float((changed & near).mean()) > CHANGED_SHARE

    def _has_moved(self, frame: _Frame) -> bool:
        said = self._keys[-1].said
        assert said is not None
        field = self._flow.between(frame.glance, self._exact[-1].glance)
        person = said > 0.5
        return bool(person.any()) and float(np.hypot(*field[person].T).mean()) > STEP

    def _look(self, frame: _Frame) -> None:
        """Show the network a frame."""
        rough = self.matter.matte(frame.picture)
        try:
            judge_matte(rough, frame.landmarks)
        except AvatarRejected as error:
            frame.found = False
            self.refused.append(error)
        if self.mender is not None and frame.found:
            rough = self.mender.mend(frame.picture, refine_edges(frame.picture, rough), frame.landmarks)
        frame.said = _small(rough)
        self.keys += 1
        self._keys.append(frame)
        if not self._exact or self._exact[-1] is not frame:
            self._exact.append(frame)

    def _finished(self, *, all_of_them: bool) -> Iterator[tuple[Image, Alpha]]:
        """Yield the frames for which all neighbours are known, and forget what is not needed any more."""
        keys, exact = self._keys, self._exact
        known = keys[-1].index if all_of_them else keys[max(0, len(keys) - 1 - VOTERS)].index
        ready = [frame for frame in exact if frame.index <= known]
        for frame in ready:
            if frame.fine is None:
                self._refine(frame)
        # A frame is mixed from two before and two after.
        until = known + 1 if all_of_them else ready[-2].index if len(ready) > 1 else 0
        while self._waiting and self._waiting[0].index < until:
            frame = self._waiting.pop(0)
            yield frame.picture, self._mixed(frame, ready)
        if self._waiting:
            first = self._waiting[0].index
            before = sum(frame.index <= first for frame in exact)
            del exact[: max(0, before - 2)]
            voting = sum(key.index <= exact[0].index for key in keys)
            del keys[: max(0, voting - VOTERS - 1)]

    def _refine(self, frame: _Frame) -> None:
        """The exact matte of a frame."""
        side = frame.picture.shape[0]
        total = np.zeros((SIDE, SIDE), np.float32)
        weight = np.zeros((SIDE, SIDE), np.float32)
        place = sum(key.index < frame.index for key in self._keys)
        for key in self._keys[max(0, place - VOTERS) : place + VOTERS + 1]:
            assert key.said is not None
            if key is frame:
                fits = np.full((SIDE, SIDE), 1.0 if key.found else LEAST, np.float32)
                total += fits * key.said
            elif key.found:
                path, fits = self._path(frame, key, key.said)
                near = np.cos(
                    np.pi / 2 * min(1.0, abs(key.index - frame.index) / ((VOTERS + 1) * KEY_FRAMES))
                )
                fits = fits * np.float32(max(near**2, LEAST))
                total += fits * bring(key.said, path)
            else:
                continue
            weight += fits
        voted = _large((total / np.maximum(weight, LEAST**2)).astype(np.float32), side)
        frame.fine = keep_face(refine_edges(frame.picture, voted), frame.landmarks)
        frame.small = _small(frame.fine)
        if self.mender is not None and frame.said is not None and frame.found:
            self.mender.look_again(frame.picture, frame.fine, frame.landmarks)

    def _mixed(self, frame: _Frame, exact: Sequence[_Frame]) -> Alpha:
        """The matte of a frame from the exact ones of its neighbours."""
        side = frame.picture.shape[0]
        behind = sum(other.index <= frame.index for other in exact)
        here = exact[behind - 1]
        after = exact[behind] if behind < len(exact) else here
        share = (frame.index - here.index) / max(1, after.index - here.index)
        total, weight = np.zeros((side, side), np.float32), np.zeros((side, side), np.float32)
        for place, part in zip(range(behind - 2, behind + 2), _spline(share), strict=True):
            if not 0 <= place < len(exact) or not part:
                continue
            other = exact[place]
            assert other.fine is not None and other.small is not None
            if other is frame:
                total += part * other.fine
                weight += part
                continue
            path, fits = self._path(frame, other, other.small)
            counts = _large(fits, side) * np.float32(part)
            total += counts * bring(other.fine, enlarge(path, side))
            weight += counts
        # Between its neighbours a face may have turned; it stays whole.
        face = face_mask(frame.landmarks, (side, side), -INSET)
        return np.clip(np.maximum(total / weight, face), 0, 1).astype(np.float32)

    def _path(self, here: _Frame, there: _Frame, matte: Alpha) -> tuple[NDArray[np.float32], Alpha]:
        """Where the person's pixels of one frame are in another, and how well they fit, (SIDE, SIDE)."""
        path = self._flow.person_between(here.glance, there.glance, matte)
        difference = self._flow.difference(here.glance, there.glance, path)
        return path, np.maximum(np.exp(-((difference / ALIKE) ** 2)), LEAST).astype(np.float32)


def _spline(share: float) -> tuple[float, float, float, float]:
    """Weights of two neighbours before and two after (cubic B-spline): smooth in time, none negative."""
    rest = 1 - share
    return (
        rest**3 / 6,
        (3 * share**3 - 6 * share**2 + 4) / 6,
        (3 * rest**3 - 6 * rest**2 + 4) / 6,
        share**3 / 6,
    )


def _small(matte: Alpha) -> Alpha:
    return np.asarray(cv2.resize(matte, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)


def _large(values: NDArray[np.float32], side: int) -> Alpha:
    return np.asarray(cv2.resize(values, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
