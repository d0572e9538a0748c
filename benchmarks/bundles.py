"""What an avatar's bundle costs to open and to play, and whether the seam of its loop shows.

The video is a portrait that sways before a wall, with a camera's noise; it goes the whole way that videos go.
Opening and playing are measured in processes of their own that have loaded no avatar before.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatars.loop import loop_period
from avatars.manifest import LoopKind
from avatars.store import AvatarStore
from benchmarks.musetalk_part import Means
from benchmarks.peak import peak_memory
from benchmarks.result import Row
from benchmarks.video import moving
from precompute.create_from_video import create_from_video
from precompute.landmarks import FaceFinder, FaceMesh
from precompute.mesh_points import UPPER_FACE
from precompute.musetalk.builder import MuseTalkBuilder
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.slots import FacePixels
from streaming.timing import FPS

SECONDS = 33
"""Of the video; its loop is half a minute at most."""
RATE = 25
WIDTH, HEIGHT = 960, 540
PERIODS = (5.03, 3.77, 3.02)
"""Seconds in which the person comes nearer, leans and sways: after half a minute nearly as before."""
SESSIONS = 4
"""That show one avatar at once."""
OPENINGS = 5
MAX_OPEN_MS, MAX_BUNDLE_MB, MAX_PLAYING_MB = 300, 50, 300

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Opened:
    """Milliseconds until the first frame, and until all have been shown; and of the thread's own work."""

    first: float
    whole: float
    work: float


@dataclass(frozen=True, slots=True)
class Played:
    """Memory in bytes: what playing takes beyond a process that has opened nothing, and all of it."""

    extra: int
    whole: int
    frames: int


@dataclass(frozen=True, slots=True)
class Seam:
    """The largest steps at the seam, and the usual ones within the loop.

    Attributes:
        kind: how the loop goes on.
        seconds: how long it is.
        jump: mean motion of the upper face's landmarks in pixels of the avatar.
        usual_jump: the median of the same.
        busy_jump: what one step of twenty exceeds.
        luma: mean change of luma in levels.
        usual_luma: the median of the same.
        busy_luma: what one step of twenty exceeds.
    """

    kind: LoopKind
    seconds: float
    jump: float
    usual_jump: float
    busy_jump: float
    luma: float
    usual_luma: float
    busy_luma: float


def _write(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "20"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index, picture in enumerate(moving(WIDTH, HEIGHT, RATE, SECONDS, PERIODS)):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _make(root: Path, video: Path) -> dict[str, int]:
    """The avatar of the video, with a part for MuseTalk; bytes of its parts."""
    store = AvatarStore(root)
    create_from_video(video, "anna", store, parts=[MuseTalkBuilder(Means())])
    return {name: part.bytes for name, part in store.get("anna").manifest.parts.items()}


def _open(root: Path, avatar: str) -> Opened:
    factory = AvatarCompositorFactory(AvatarStore(root))
    began, busy = time.perf_counter(), time.thread_time()
    compositor = factory.open(avatar)
    compositor.compose(0, None)
    first, work = time.perf_counter(), time.thread_time() - busy
    for index in range(1, AvatarStore(root).manifest(avatar).frames):
        compositor.compose(index, None)
    return Opened(*(1000 * passed for passed in (first - began, time.perf_counter() - began, work)))


def _play(root: Path, avatar: str) -> Played:
    """Some sessions that begin one after the other, and speak half of the time."""
    store = AvatarStore(root)
    factory = AvatarCompositorFactory(store)
    with peak_memory() as memory:
        frames = _show(store, factory, avatar)
    return Played(memory.extra, memory.most, frames)


def _show(store: AvatarStore, factory: AvatarCompositorFactory, avatar: str) -> int:
    manifest = store.manifest(avatar)
    part = store.find_musetalk(avatar)
    size = (0, 0) if part is None else tuple(int(n) for n in part.part.patch_rect[2:])
    number = 0 if part is None else part.part.number
    del part
    pixels = b"\x80" * (size[0] * size[1] * 3 // 2)
    sessions = [factory.open(avatar, seed) for seed in range(SESSIONS)]
    count = manifest.frames if "heads.npz" in manifest.parts or manifest.frames > 1 else 1
    frames = loop_period(manifest.frames, manifest.loop)
    for index in range(frames):
        for seed, session in enumerate(sessions):
            # Those that began later are elsewhere in the loop.
            speaks = pixels and (index // 50 + seed) % 2
            shown = session.position % count
            session.compose(index, FacePixels(shown, pixels, part=number) if speaks else None)
    return frames


def _seam(root: Path, avatar: str) -> Seam:
    store, finder = AvatarStore(root), FaceFinder()
    manifest = store.manifest(avatar)
    compositor = AvatarCompositorFactory(store).open(avatar)
    points: list[NDArray[np.float32]] = []
    lumas: list[NDArray[np.float32]] = []
    mesh: FaceMesh | None = None
    # Once over the seam: it lies between the last frame and the first, and where both were mixed before it.
    for index in range(manifest.frames + 2):
        picture = np.asarray(compositor.compose(index, None).to_ndarray(format="bgr24"), np.uint8)
        mesh = finder.mesh(picture, mesh or finder.detect(picture)[0])
        points.append(mesh.points[list(UPPER_FACE), :2])
        lumas.append(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32))
    jumps = np.array([np.linalg.norm(b - a, axis=1).mean() for a, b in pairwise(points)])
    changes = np.array([np.abs(b - a).mean() for a, b in pairwise(lumas)])
    seam = slice(manifest.frames - 10, None)
    rest = slice(None, manifest.frames - 10)
    return Seam(
        manifest.loop,
        manifest.frames / FPS,
        float(jumps[seam].max()),
        float(np.median(jumps[rest])),
        float(np.percentile(jumps[rest], 95)),
        float(changes[seam].max()),
        float(np.median(changes[rest])),
        float(np.percentile(changes[rest], 95)),
    )


async def measure() -> list[Row]:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        root, video = Path(folder) / "avatars", Path(folder) / "video.mp4"
        await asyncio.to_thread(_write, video)

        def alone(function, *arguments):
            with context.Pool(1) as pool:
                return pool.apply(function, (root, *arguments))

        parts = await asyncio.to_thread(alone, _make, video)
        opened = {name: [await asyncio.to_thread(alone, _open, name) for _ in range(OPENINGS)]
                  for name in ("mira", "anna")}  # fmt: skip
        played = {name: await asyncio.to_thread(alone, _play, name) for name in ("mira", "anna")}
        seam = await asyncio.to_thread(alone, _seam, "anna")
    whole = sum(parts.values()) / 1e6
    rows: list[Row] = []
    for name, what in (("mira", "a photo"), ("anna", "half a minute of video")):
        first, whole_loop, work = (
            statistics.median(getattr(one, field) for one in opened[name])
            for field in ("first", "whole", "work")
        )
        note = f"median of {OPENINGS}; {work:.0f} ms of processor time"
        rows.append(Row(f"{what}: opened, and first frame", first, "ms", MAX_OPEN_MS, note=note))
        if name == "anna":
            note = "decoded ahead of need by a thread; to play them takes half a minute"
            rows.append(Row(f"{what}: all of its frames", whole_loop, "ms", note=note))
    loop = parts["idle.mp4"] / 1e6
    share = parts["musetalk.safetensors"] / 1e6
    rows += [
        Row("half a minute of video: bundle", whole, "MB", MAX_BUNDLE_MB, note="with its part for MuseTalk"),
        Row("of which the loop", loop, "MB", note=f"{seam.seconds:.1f} s, {seam.kind}"),
        Row("of which the part for MuseTalk", share, "MB"),
    ]
    for name, what in (("mira", "a photo"), ("anna", "half a minute of video")):
        extra, total = played[name].extra / 1e6, played[name].whole / 1e6
        note = f"{SESSIONS} sessions together; the whole process {total:.0f} MB"
        rows.append(Row(f"{what}: memory while it is played", extra, "MB", MAX_PLAYING_MB, note=note))
    return [
        *rows,
        Row("largest step of the face at the seam", seam.jump, "px", seam.busy_jump,
            note=f"median {seam.usual_jump:.2f} px; one step of twenty is larger than {seam.busy_jump:.2f}"),
        Row("largest change of luma at the seam", seam.luma, "levels", seam.busy_luma,
            note=f"median {seam.usual_luma:.2f}; one step of twenty is larger than {seam.busy_luma:.2f}"),
    ]  # fmt: skip
