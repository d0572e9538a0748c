"""From patches to an encoded MP4, as a rendered file is made; one film holds a whole set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from avatars.store import AvatarStore
from benchmarks.judge.utterances import Utterance
from streaming.compositor.easing import REST_FRAMES
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.sinks.mp4 import Mp4Sink
from streaming.slots import Patch
from streaming.timing import FPS, SLOT_SAMPLES

IDLE_FRAMES = 2 * FPS
"""Silence before the first and after the last utterance."""
GAP_FRAMES = FPS
"""And between two."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where an utterance lies in a film, in frames."""

    first: int
    stop: int

    @property
    def frames(self) -> slice:
        """As an index."""
        return slice(self.first, self.stop)


def spans_of(utterances: Sequence[Utterance]) -> tuple[Span, ...]:
    """Where a film shows them."""
    spans: list[Span] = []
    first = IDLE_FRAMES
    for utterance in utterances:
        spans.append(Span(first, first + utterance.frames))
        first = spans[-1].stop + GAP_FRAMES
    return tuple(spans)


def length_of(spans: Sequence[Span]) -> int:
    """Frames of a film."""
    return spans[-1].stop + IDLE_FRAMES


def quiet_of(spans: Sequence[Span]) -> NDArray[np.bool_]:
    """(n,) the frames in which nobody speaks and the mouth has come to rest."""
    quiet = np.ones(length_of(spans), bool)
    for span in spans:
        quiet[span.first : span.stop + REST_FRAMES] = False
    return quiet


def script_of(
    utterances: Sequence[Utterance], patches: Iterable[Sequence[Patch]]
) -> Iterator[tuple[Patch | None, NDArray[np.float32]]]:
    """Patch and sound of every frame of the film; ``None`` is idle."""
    silence = np.zeros(SLOT_SAMPLES, np.float32)
    for _ in range(IDLE_FRAMES):
        yield None, silence
    for i, (utterance, row) in enumerate(zip(utterances, patches, strict=True)):
        for _ in range(GAP_FRAMES if i else 0):
            yield None, silence
        if len(row) != utterance.frames:
            raise ValueError(
                f"The face made {len(row)} frames of '{utterance.name}', not {utterance.frames}."
            )
        sound = np.pad(utterance.pcm, (0, utterance.frames * SLOT_SAMPLES - len(utterance.pcm)))
        yield from zip(row, sound.reshape(-1, SLOT_SAMPLES), strict=True)
    for _ in range(IDLE_FRAMES):
        yield None, silence


def shoot(
    store: AvatarStore, avatar: str, script: Iterable[tuple[Patch | None, NDArray[np.float32]]], path: Path
) -> None:
    """Draw every frame and encode it, with its sound."""
    compositor = AvatarCompositorFactory(store).open(avatar)
    sink = Mp4Sink(path, compositor.width, compositor.height)
    try:
        for index, (patch, sound) in enumerate(script):
            sink.write(compositor.compose(index, patch), sound)
        sink.close()
    except BaseException:
        sink.abort()
        raise


def pictures(path: Path) -> Iterator[NDArray[np.uint8]]:
    """(H, W, 3) BGR of every frame of a film, decoded again."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
