# pyright: reportMissingImports=false
"""Both models on one card: the program's own engines, loaded from files, on the thread that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gpu.absent import stand_in
from benchmarks.gpu.compute import WatchedCompute
from benchmarks.gpu.memory import forget
from benchmarks.gpu.sizes import Scale
from benchmarks.gpu.subject import give_part

stand_in()

from benchmarks.gpu.talking import Heard, talk  # noqa: E402
from streaming.face.musetalk.drawing import NAME as FACES  # noqa: E402
from streaming.face.musetalk.options import MuseTalkOptions  # noqa: E402
from streaming.options import EngineOptions, GpuOptions  # noqa: E402
from streaming.performer.base import CardDescription  # noqa: E402
from streaming.performer.engines import Engines  # noqa: E402
from streaming.resources import Resources  # noqa: E402
from streaming.speech.qwen3.options import Qwen3Options  # noqa: E402
from streaming.speech.qwen3.voices import NAME as TALKER  # noqa: E402

WARM_UP_SECONDS = 2.0


@dataclass(slots=True)
class Level:
    """What so many sessions got.

    Attributes:
        heard: by each.
        wall: seconds that it took.
        talker: of them, those in which the card was busy with speech.
        faces: likewise.
        steps: of either, by name.
        peak: bytes of the card since everything was loaded and measured.
        places: for how many sessions the talker was loaded.
    """

    heard: list[Heard]
    wall: float
    talker: float
    faces: float
    steps: dict[str, int]
    peak: int
    places: int


@dataclass(slots=True)
class Loaded:
    """What one loading of both models was found to carry.

    Attributes:
        seconds: that it took, the calibration included.
        admitted: sessions, by the calibration.
        frame_rate: by the calibration.
        text: what the calibration says.
        resident: bytes of the card that stay taken while nobody speaks.
        unloaded: the same after idle unloading.
        again: seconds from a text to its first frame, both models loaded for it; 0: not measured this time.
    """

    seconds: float
    admitted: int
    frame_rate: float
    text: str
    resident: int
    unloaded: int = 0
    again: float = 0.0


@dataclass(slots=True)
class Together:
    """All of one size of the talker.

    Attributes:
        talker: its name.
        levels: by number of sessions.
        loaded: by places of the talker.
    """

    talker: str
    levels: dict[int, Level] = field(default_factory=dict)
    loaded: dict[int, Loaded] = field(default_factory=dict)


def measure_both(
    talker: str,
    checkpoint: Path,
    faces: Path,
    data_dir: Path,
    device: str,
    scale: Scale,
    done: Callable[[Together], None],
) -> Together:
    """Load both models as the program does and let sessions speak, for each number of places in turn.

    Args:
        talker: name of its size.
        checkpoint: folder of the talker.
        faces: folder of MuseTalk's weights.
        data_dir: of the engines.
        device: as torch names it.
        scale: how much.
        done: is told after each level, so that nothing is lost.
    """
    together = Together(talker)
    give_part(data_dir)
    for places, levels in scale.places.items():
        asyncio.run(
            _measure(together, places, levels, checkpoint, faces, data_dir, device, scale, done),
        )
    return together


async def _measure(
    together: Together,
    places: int,
    levels: tuple[int, ...],
    checkpoint: Path,
    faces: Path,
    data_dir: Path,
    device: str,
    scale: Scale,
    done: Callable[[Together], None],
) -> None:
    forget(device)
    compute = WatchedCompute()
    options = EngineOptions(
        qwen3=Qwen3Options(model=str(checkpoint), device=device, sessions=places),
        musetalk=MuseTalkOptions(folder=str(faces), device=device),
        gpu=GpuOptions(memory_gb=scale.memory_gb),
    )
    resources = Resources(data_dir, options, compute=compute)
    clock = resources.clock
    try:
        began = clock.now()
        engines = Engines(TALKER, FACES, resources)
        await engines.warm_up()
        card = _card(engines)
        loaded = together.loaded[places] = Loaded(
            clock.now() - began, card.sessions, card.frame_rate, card.plan, card.memory_bytes
        )
        # The first one loads what is loaded late.
        await talk(engines, 1, clock, WARM_UP_SECONDS, 1)
        for sessions in levels:
            busy, steps, began = compute.busy.copy(), compute.steps.copy(), clock.now()
            heard = await talk(engines, sessions, clock, scale.seconds, scale.answers)
            together.levels[sessions] = Level(
                heard,
                clock.now() - began,
                compute.busy[TALKER] - busy[TALKER],
                compute.busy[FACES] - busy[FACES],
                {name: compute.steps[name] - steps[name] for name in (TALKER, FACES)},
                _card(engines).memory_peak_bytes,
                places,
            )
            done(together)
        await engines.unload()
        loaded.unloaded = _card(engines).memory_bytes
        if len(together.loaded) == 1:
            (again,) = await talk(engines, 1, clock, WARM_UP_SECONDS, 1)
            loaded.again = again.first_frame[0] if again.first_frame else 0.0
            await engines.unload()
        done(together)
    finally:
        await asyncio.to_thread(compute.close)
        forget(device)


def _card(engines: Engines) -> CardDescription:
    card = engines.describe_card()
    assert card is not None
    return card
