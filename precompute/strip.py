"""Frames of a talking avatar side by side, to judge by eye: ``python -m precompute.strip AVATAR OUT.png``.

Frames are drawn by the line's own speech, face and compositor: what a viewer gets, before encoding. Each is
labelled with its number and the sounds heard in it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import av
import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from avatars.store import BUILTIN_ROOT, AvatarStore
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.face.atlas_face import AtlasFace
from streaming.face.base import FaceRequest
from streaming.slots import Patch
from streaming.speech.base import Phoneme, SpeechRequest
from streaming.speech.registry import build_chain
from streaming.timing import FPS, SPEECH_RATE

Image = NDArray[np.uint8]

SENTENCE = "My name is Bob, and I am very happy to meet you. Would you move five blue boats before noon?"
"""Rich in closures (m b p), bites (f v) and vowels of every width."""
NEIGHBOURS = 3
"""Frames shown before and after each sound that is asked for."""
LABEL_HEIGHT = 22
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """One utterance, ready to be drawn with any avatar.

    Attributes:
        phonemes: with seconds from the utterance's first sample.
        patches: one per frame of speech.
    """

    phonemes: tuple[Phoneme, ...]
    patches: tuple[Patch, ...]

    def sounds(self, index: int) -> str:
        """The sounds heard during a frame of speech."""
        start, end = index / FPS, (index + 1) / FPS
        return "".join(p.symbol for p in self.phonemes if p.start < end and p.end > start)

    def frames_of(self, symbols: Iterable[str]) -> list[int]:
        """The frames in which the middles of these sounds fall."""
        wanted = set(symbols)
        return [int((p.start + p.end) / 2 * FPS) for p in self.phonemes if p.symbol in wanted]


async def perform(text: str) -> Performance:
    """Speak a text with the default engines."""

    async def pieces() -> AsyncIterator[str]:
        yield text

    stream = AtlasFace().open(FaceRequest(""))
    phonemes: list[Phoneme] = []
    patches: list[Patch] = []
    samples = 0
    async with aclosing(build_chain().synthesize(SpeechRequest(pieces()))) as chunks:
        async for chunk in chunks:
            offset = samples / SPEECH_RATE
            phonemes += [
                Phoneme(p.symbol, p.start + offset, p.end + offset, p.stress) for p in chunk.phonemes
            ]
            samples += len(chunk.pcm)
            patches += stream.push(chunk)
    patches += stream.flush()
    return Performance(tuple(phonemes), tuple(patches))


def draw(
    store: AvatarStore, avatar: str, patches: Iterable[Patch | None], first: int = 0, seed: int = 0
) -> list[av.VideoFrame]:
    """Frames of slots ``first``, ``first + 1``, ... with these patches; ``None`` is idle."""
    compositor = AvatarCompositorFactory(store).open(avatar, seed)
    return [compositor.compose(index, patch) for index, patch in enumerate(patches, first)]


def as_picture(frame: av.VideoFrame) -> Image:
    """(H, W, 3) BGR."""
    return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def lay_out(pictures: Sequence[Image], labels: Sequence[str], columns: int, zoom: float = 1.0) -> Image:
    """Labelled pictures of one size in rows, left to right.

    Args:
        pictures: (H, W, 3) BGR each.
        labels: one per picture; sounds outside ASCII are written as the nearest capital or ``?``.
        columns: pictures per row.
        zoom: every picture is enlarged by this much.

    Returns:
        (H, W, 3) BGR.
    """
    tiles = []
    for picture, label in zip(pictures, labels, strict=True):
        size = round(picture.shape[1] * zoom), round(picture.shape[0] * zoom)
        part = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        head = np.full((LABEL_HEIGHT, size[0], 3), 255, np.uint8)
        cv2.putText(head, _ascii(label), (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
        tiles.append(np.vstack([head, part]))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


_ASCII = str.maketrans("æɑɒʌəᵊɐɜɚɔʊɪᵻɛθðʃʒʧʤŋɹɡɾˈˌ", "@aoV'''3ROUIIETDSZCJNrgd'.")


def _ascii(label: str) -> str:
    return label.translate(_ASCII).encode("ascii", "replace").decode()


def main(
    avatar: Annotated[str, typer.Argument(help="Id of the avatar.")],
    out: Annotated[Path, typer.Argument(help="PNG to write.")],
    store: Annotated[Path, typer.Option(help="Folder with avatars of your own.")] = BUILTIN_ROOT,
    text: Annotated[str, typer.Option(help="What is said.")] = SENTENCE,
    around: Annotated[str, typer.Option(help="Show the frames around these sounds, e.g. mbp.")] = "",
    frames: Annotated[
        str, typer.Option(help="Or these frames, FIRST:STOP or FIRST:STOP:STEP; speech begins at 0.")
    ] = "",
    region: Annotated[str, typer.Option(help="face, mouth, eyes or all.")] = "face",
    columns: Annotated[int, typer.Option(help="Pictures per row.")] = 2 * NEIGHBOURS + 1,
    zoom: Annotated[float, typer.Option(help="Enlarges every picture.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Varies blinks and gaze.")] = 0,
) -> None:
    """Write a picture with labelled frames of an avatar that speaks."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    avatars = AvatarStore(store)
    performance = asyncio.run(perform(text))
    if around:
        wanted = [f + d for f in performance.frames_of(around) for d in range(-NEIGHBOURS, NEIGHBOURS + 1)]
    else:
        first, stop, step = ([int(n) for n in frames.split(":")] + [1])[:3] if frames else (0, FPS, 1)
        wanted = list(range(first, stop, step))
    if not wanted:
        raise typer.BadParameter(f"none of the sounds {around!r} is in the text")
    begin, end = min(0, *wanted), max(wanted) + 1
    spoken = len(performance.patches)
    patches = [performance.patches[i] if 0 <= i < spoken else None for i in range(begin, end)]
    # Slots count from 0; frames before speech are shifted there.
    drawn = draw(avatars, avatar, patches, seed=seed)
    x, y, w, h = _region(avatars, avatar, region)
    pictures = [as_picture(drawn[i - begin])[y : y + h, x : x + w] for i in wanted]
    labels = [f"{i} {performance.sounds(i) if 0 <= i < spoken else 'idle'}" for i in wanted]
    cv2.imwrite(str(out), lay_out(pictures, labels, columns, zoom))
    _log.info("%s: %d frames", out, len(wanted))


def _region(store: AvatarStore, avatar: str, name: str) -> tuple[int, int, int, int]:
    atlas = store.get(avatar).atlas()
    height, width = atlas.still.shape[:2]
    if name == "mouth":
        x, y, w, h = (int(v) for v in atlas.mouth_rect)
        return x, y, w, h
    if name == "eyes":
        x, y, w, h = (int(v) for v in atlas.eye_rect)
        return x, y, w, h
    if name == "face":
        low, high = atlas.landmarks.min(axis=0), atlas.landmarks.max(axis=0)
        pad = 0.12 * (high - low)
        x0, y0 = np.clip(low - pad, 0, None).astype(int)
        x1, y1 = np.minimum(high + pad, (width, height)).astype(int)
        return int(x0), int(y0), int(x1 - x0), int(y1 - y0)
    return 0, 0, width, height


if __name__ == "__main__":
    typer.run(main)
