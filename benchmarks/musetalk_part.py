"""What an avatar's part for MuseTalk costs to build, without the network, and what it takes on the disk.

The VAE is replaced by the means of small squares: its own time is the card's.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatars.bundle import BundleWriter
from avatars.manifest import AvatarDetails
from avatars.musetalk import CROP
from avatars.store import AvatarStore
from benchmarks.peak import peak_memory
from benchmarks.result import Row
from precompute.idle import CRF
from precompute.landmarks import FaceFinder
from precompute.musetalk.builder import MuseTalkBuilder
from streaming.encoders.bt601 import tag_bt601
from streaming.timing import FPS, FRAME_TIME_BASE

LOOP_FRAMES = 750
"""Half a minute."""
LARGE_FRAMES = 100
SWAY = (8.0, 4.0)
"""Pixels that the head goes aside, and up and down."""
MAX_MEGABYTES = 50
"""Of an avatar of half a minute, its idle loop among it."""

Image = NDArray[np.uint8]


class Means:
    """Stands for the VAE."""

    def identity(self) -> str:
        return "means"

    def open(self) -> Means:
        return self

    def encode(self, faces: Image) -> NDArray[np.float16]:
        cells = faces.reshape(-1, CROP // 8, 8, CROP // 8, 8, 3).mean(axis=(2, 4)) / 127.5 - 1
        four = np.concatenate([cells, cells[..., :1]], axis=3).transpose(0, 3, 1, 2)
        return np.concatenate([four, four], axis=1).astype(np.float16)


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one build: processor time and memory above that of the idle process, and what came of it."""

    frames: int
    seconds: float
    cpu: float
    extra_bytes: int
    part_bytes: int
    loop_bytes: int


def _swaying(still: Image, width: int, height: int, count: int) -> Iterator[Image]:
    face = cv2.resize(still, (height, height), interpolation=cv2.INTER_CUBIC)
    edge = (width - height) // 2
    wide = cv2.copyMakeBorder(face, 0, 0, edge, width - height - edge, cv2.BORDER_REPLICATE)
    for index in range(count):
        turn = 2 * np.pi * index / (3 * FPS)
        move = np.array([[1, 0, SWAY[0] * np.sin(turn)], [0, 1, SWAY[1] * np.cos(2 * turn)]])
        moved = cv2.warpAffine(wide, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
        yield np.asarray(moved, np.uint8)


def _write_avatar(store: AvatarStore, avatar: str, width: int, height: int, count: int) -> None:
    still = store.get("mira").atlas().still
    with BundleWriter(store.root) as writer:
        with av.open(str(writer.path("idle.mp4")), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=FPS, options={"crf": CRF, "preset": "veryfast"})
            assert isinstance(stream, VideoStream)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            tag_bt601(stream.codec_context)
            for index, picture in enumerate(_swaying(still, width, height, count)):
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
                frame.pts, frame.time_base = index, FRAME_TIME_BASE
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        writer.commit(
            AvatarDetails(
                id=avatar, name=avatar, width=width, height=height, fps=FPS, frames=count,
                created=datetime.now(UTC), engines=(),
            )
        )  # fmt: skip


def _cost(root: Path, avatar: str) -> Cost:
    """Runs in a process of its own, so that its memory is that of the build."""
    store, builder = AvatarStore(root), MuseTalkBuilder(Means())
    FaceFinder()
    began, cpu = time.perf_counter(), time.process_time()
    with peak_memory() as memory:
        builder.build(store, avatar, force=True)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    found = store.find_musetalk(avatar)
    assert found is not None
    return Cost(
        found.part.frames,
        seconds,
        cpu,
        memory.extra,
        found.path.stat().st_size,
        store.get(avatar).part("idle.mp4").stat().st_size,
    )


async def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        store = AvatarStore(root)
        await asyncio.to_thread(_write_avatar, store, "loop", 512, 512, LOOP_FRAMES)
        await asyncio.to_thread(_write_avatar, store, "large", 1920, 1080, LARGE_FRAMES)
        context = multiprocessing.get_context("spawn")
        costs = {}
        for avatar in ("mira", "loop", "large"):
            with context.Pool(1) as pool:
                costs[avatar] = await asyncio.to_thread(pool.apply, _cost, (root, avatar))
    one, loop, large = costs["mira"], costs["loop"], costs["large"]
    whole = (loop.part_bytes + loop.loop_bytes) / 1e6
    return [
        Row("part of a photo: processor time", one.cpu * 1000, "ms"),
        Row("part of a photo", one.part_bytes / 1e3, "kB"),
        Row("loop of 512x512: processor time", loop.cpu / loop.frames * 1000, "ms/frame", note="one thread"),
        Row("loop of 1920x1080: processor time", large.cpu / large.frames * 1000, "ms/frame"),
        Row(f"part of {LOOP_FRAMES} frames", loop.part_bytes / 1e6, "MB"),
        Row("the same with its idle loop", whole, "MB", MAX_MEGABYTES),
        Row("memory that building it takes", loop.extra_bytes / 1e6, "MB", note="most at any moment"),
    ]
