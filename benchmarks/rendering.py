"""Offline MP4: how much faster than real time, and where the time goes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import av

from avatars.store import AvatarStore
from benchmarks.result import Row
from benchmarks.texts import MINUTE
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.performer.local import LocalPerformer
from streaming.render import RenderRequest, render
from streaming.slots import MouthShape
from streaming.timing import FPS

COMPOSED_FRAMES = 500


def _container_seconds(path: Path) -> dict[str, float]:
    with av.open(str(path)) as container:
        seconds = {s.type: float((s.duration or 0) * (s.time_base or 0)) for s in container.streams}
        return seconds | {"container": (container.duration or 0) / av.time_base}


async def measure() -> list[Row]:
    performer = LocalPerformer()
    await performer.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            compositors = AvatarCompositorFactory(AvatarStore(Path(folder)))
            path = Path(folder) / "out.mp4"
            await render(performer, compositors, RenderRequest("Warm up.", "mira"), path)
            began, cpu = time.perf_counter(), time.process_time()
            result = await render(performer, compositors, RenderRequest(MINUTE, "mira"), path)
            took, cpu = time.perf_counter() - began, time.process_time() - cpu
            seconds = _container_seconds(path)
            size = path.stat().st_size
            compositor = compositors.open("mira")
    finally:
        await performer.close()
    began = time.perf_counter()
    for index in range(COMPOSED_FRAMES):
        compositor.compose(index, MouthShape(aperture=index % 20 / 20, width=0.3))
    compose_ms = (time.perf_counter() - began) / COMPOSED_FRAMES * 1000
    worst = max(abs(value - result.frames / FPS) for value in seconds.values())
    return [
        Row(
            "MP4 render, 512x512",
            result.seconds / took,
            "x real time",
            10,
            "higher",
            f"{result.seconds:.1f} s of speech",
        ),
        Row("MP4 render, media process CPU", cpu / result.frames * 1000, "ms/frame"),
        Row("compose, 512x512 to yuv420p", compose_ms, "ms/frame"),
        Row("largest difference of a stream's duration", worst * 1000, "ms", 1),
        Row("MP4 bit rate", size * 8 / result.seconds / 1000, "kbit/s"),
    ]
