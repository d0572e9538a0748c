"""What it costs to make an avatar's loop from a video: time, and memory of the processes that take part."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatars.store import BUILTIN_ROOT, AvatarStore
from benchmarks.peak import peak_memory
from benchmarks.result import Row
from precompute.create_from_video import create_from_video
from precompute.landmarks import FaceFinder

SECONDS = 10
MAX_SECONDS, MAX_MEGABYTES = 120, 1500
"""What ten seconds of 720p may take."""
NOISE_LEVELS = 3.0
"""Standard deviation of a camera's noise."""
PERIODS = (4.7, 3.7, 3.1)
"""Seconds in which the person comes nearer, leans and sways."""

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one video."""

    seconds: float
    cpu: float
    peak_bytes: int
    loop_seconds: float
    bundle_bytes: int


def moving(
    width: int,
    height: int,
    rate: int,
    seconds: float = SECONDS,
    periods: tuple[float, float, float] = PERIODS,
) -> Iterator[Image]:
    """A person who sways and breathes before a wall, with a camera's noise."""
    still = cv2.imread(str(BUILTIN_ROOT / "sources" / "mira.png"))
    assert still is not None
    rng = np.random.default_rng(0)
    noise = rng.normal(0, NOISE_LEVELS, (8, height, width, 1)).astype(np.float32)
    side = 0.95 * height
    for index in range(round(seconds * rate)):
        t = 2 * np.pi * index / rate
        scale = side / still.shape[0] * (1 + 0.02 * np.sin(t / periods[0]))
        angle = 0.03 * np.sin(t / periods[1])
        linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = (width / 2 + 0.02 * height * np.sin(t / periods[2]), height - side / 2)
        move = np.column_stack([linear, middle - linear @ (np.array(still.shape[1::-1]) / 2)])
        picture = cv2.warpAffine(still, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
        yield np.clip(picture + noise[index % len(noise)], 0, 255).astype(np.uint8)


def _write(path: Path, width: int, height: int, rate: int, codec: str, options: dict[str, str]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index, picture in enumerate(moving(width, height, rate)):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _cost(root: Path, video: Path, avatar: str) -> Cost:
    """Runs in a process of its own, so that its memory is that of the work, the networks included."""
    process, store = psutil.Process(), AvatarStore(root)
    began, before = time.perf_counter(), process.cpu_times()
    with peak_memory(children=True) as memory:
        bundle, report = create_from_video(video, avatar, store, finder=FaceFinder())
    seconds, after = time.perf_counter() - began, process.cpu_times()
    return Cost(
        seconds,
        sum(after[:4]) - sum(before[:4]),
        memory.most,
        report.end - report.begin,
        sum(part.bytes for part in bundle.manifest.parts.values()),
    )


async def measure() -> list[Row]:
    kinds = {
        "720p, H.264, 30 fps": (1280, 720, 30, "libx264", {"preset": "veryfast", "crf": "20"}),
        "4K, HEVC, 30 fps": (
            3840,
            2160,
            30,
            "libx265",
            {"preset": "ultrafast", "x265-params": "log-level=0"},
        ),
    }
    rows: list[Row] = []
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, kind) in enumerate(kinds.items()):
            video = Path(folder) / f"{number}.mp4"
            await asyncio.to_thread(_write, video, *kind)
            with context.Pool(1) as pool:
                cost = await asyncio.to_thread(pool.apply, _cost, (Path(folder), video, f"avatar-{number}"))
            limits = (MAX_SECONDS, MAX_MEGABYTES) if number == 0 else (None, None)
            note = f"loop of {cost.loop_seconds:.1f} s"
            rows += [
                Row(f"{SECONDS} s of {name}: time", cost.seconds, "s", limits[0], note=note),
                Row(f"{SECONDS} s of {name}: processor time", cost.cpu, "s", note="decoding included"),
                Row(
                    f"{SECONDS} s of {name}: memory",
                    cost.peak_bytes / 1e6,
                    "MB",
                    limits[1],
                    note="at its peak",
                ),
                Row(f"{SECONDS} s of {name}: avatar", cost.bundle_bytes / 1e6, "MB"),
            ]
    return rows
