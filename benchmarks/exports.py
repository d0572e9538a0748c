"""What it costs to show people before a colour or a film, to mark frames, and to export in each format.

Frames of all kinds are drawn in turn, so that whatever else the machine does slows them alike.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.store import AvatarStore
from benchmarks.result import Row
from streaming.compositor.assets import load_assets
from streaming.compositor.atlas_compositor import AtlasCompositor
from streaming.compositor.base import Compositor
from streaming.compositor.behind import Film, Plain
from streaming.compositor.colours import colour
from streaming.compositor.layered import BackedCompositor, TransparentCompositor
from streaming.compositor.life import Life
from streaming.compositor.loop import LoopAssets
from streaming.compositor.loop_compositor import LoopCompositor
from streaming.compositor.mark import mark_of
from streaming.compositor.marked import MarkedCompositor
from streaming.compositor.matte import LoopMatte, LoopMattes, WarpedMatte, still_matte
from streaming.compositor.planes import pack, packed_size
from streaming.credits import Credits
from streaming.sinks.formats import FORMATS
from streaming.sinks.opening import open_sink
from streaming.slots import MouthShape, Patch
from streaming.timing import FPS, SLOT_SAMPLES

MATTE = Path(__file__).parent / "mattes" / "mira.png"
ROUNDS = 600
MORE = 0.35
"""Milliseconds that a background may add to a frame."""
EXPORTED = 4 * FPS


def _speech(index: int) -> Patch | None:
    """Two seconds of speech, one of silence, and so on."""
    if index // FPS % 3 == 2:
        return None
    return MouthShape(0.5 + 0.5 * np.sin(index * 0.9), 0.3, energy=0.6)


def _medians(compositors: dict[str, Compositor]) -> dict[str, float]:
    """Milliseconds of one thread for a frame of each."""
    taken: dict[str, list[float]] = {name: [] for name in compositors}
    for index in range(ROUNDS):
        for name, compositor in compositors.items():
            began = time.thread_time()
            compositor.compose(index, _speech(index))
            taken[name].append(time.thread_time() - began)
    return {name: statistics.median(times) * 1000 for name, times in taken.items()}


def _film(width: int, height: int) -> Film:
    noise = np.random.default_rng(3).integers(16, 236, (FPS, packed_size(width, height)))
    return Film(width, height, noise.astype(np.uint8))


def _matte(width: int, height: int) -> NDArray[np.uint8]:
    whole = cv2.imread(str(MATTE), cv2.IMREAD_GRAYSCALE)
    assert whole is not None
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _photo() -> tuple[list[Row], Callable[[], TransparentCompositor]]:
    with tempfile.TemporaryDirectory() as folder:
        atlas = AvatarStore(Path(folder)).get("mira").atlas()
    height, width = atlas.still.shape[:2]
    plane = _matte(width, height)
    assets = load_assets(atlas)
    matte = still_matte(plane)

    def person() -> tuple[AtlasCompositor, WarpedMatte]:
        drawn = AtlasCompositor(assets, Life(1, assets.eye_span), shown=matte.person)
        return drawn, WarpedMatte(matte, drawn.warp)

    def transparent() -> TransparentCompositor:
        return TransparentCompositor(*person(), Plain(colour(None)))

    taken = _medians(
        {
            "own": AtlasCompositor(assets, Life(1, assets.eye_span)),
            "colour": transparent(),
            "film": BackedCompositor(*person(), _film(width, height)),
        }
    )
    return _rows("photo", taken), transparent


def _loop() -> list[Row]:
    width = height = 512
    plane = _matte(width, height)
    still = pack(np.repeat(plane[..., None], 3, axis=2))
    loop = LoopAssets(width, height, np.array([np.roll(still, n) for n in range(FPS)]))
    mattes = LoopMattes(width, height, np.array([np.roll(plane, n).reshape(-1) for n in range(FPS)]))

    def person() -> tuple[LoopCompositor, LoopMatte]:
        drawn = LoopCompositor(loop)
        return drawn, LoopMatte(mattes, drawn)

    taken = _medians(
        {
            "own": LoopCompositor(loop),
            "colour": BackedCompositor(*person(), Plain(colour(None))),
            "film": BackedCompositor(*person(), _film(width, height)),
        }
    )
    return _rows("loop", taken)


def _rows(what: str, taken: dict[str, float]) -> list[Row]:
    return [
        Row(f"{what}, own background", taken["own"], "ms/frame"),
        Row(f"{what}, before a colour: more than that", taken["colour"] - taken["own"], "ms/frame", MORE),
        Row(f"{what}, before a film: more than that", taken["film"] - taken["own"], "ms/frame", MORE),
    ]


class _Nothing:
    """Frames that cost nothing, so that what is drawn into them is all there is."""

    position = 0

    def __init__(self, side: int) -> None:
        self.width = self.height = side
        self._frame = av.VideoFrame(side, side, "yuv420p")

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        return self._frame


def _mark() -> Row:
    marked = MarkedCompositor(_Nothing(512), mark_of("AI-generated", 512, 512))
    return Row("mark in the corner", _medians({"mark": marked})["mark"], "ms/frame")


def _exports(transparent: Callable[[], TransparentCompositor]) -> list[Row]:
    rows: list[Row] = []
    quiet = np.zeros(SLOT_SAMPLES, np.float32)
    for name, known in FORMATS.items():
        compositor = transparent()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"film{known.suffix}"
            sink = open_sink(
                name, path, compositor.width, compositor.height, Credits("Mira"), transparent=known.alpha
            )
            began = time.process_time()
            for index in range(EXPORTED):
                if known.alpha:
                    layers = compositor.compose_layers(index, _speech(index))
                    sink.write(layers.frame, quiet, layers.alpha)
                else:
                    sink.write(compositor.compose(index, _speech(index)), quiet)
            seconds = sink.close()
            taken = (time.process_time() - began) / EXPORTED * 1000
            size = path.stat().st_size / seconds / 1e6
        rows.append(Row(f"export as {name}, drawn and encoded", taken, "ms/frame"))
        rows.append(Row(f"size as {name}", size, "MB/s"))
    return [*rows[::2], *rows[1::2]]


async def measure() -> list[Row]:
    cv2.setNumThreads(1)
    photo, transparent = _photo()
    rows = [*photo, *_loop(), _mark(), *_exports(transparent)]
    return [replace(row, value=round(row.value, 4)) for row in rows]
