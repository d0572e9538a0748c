"""Measures, on the card at hand and with all models resident, what each kind of step costs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from streaming.gpu.admission import LONGEST_BATCH, Memory, Plan, Wish, plan
from streaming.gpu.budget import MemoryReport, is_out_of_memory, release
from streaming.gpu.costs import Costs, Table
from streaming.timing import FPS

BUDGET_SECONDS = 3.0
"""What all measuring may take together; each step is measured once, however slow."""
REPEATS = 9
"""Runs of a step at most: their median counts."""
TOO_LONG = 2 * LONGEST_BATCH
"""Larger batches are not measured once one has taken so long."""

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class SpeechSteps:
    """What a talker does over and over, ready to be called.

    Attributes:
        speech: by number of sentences: the next frame of each.
        codec: by number of frames: those of one sentence to sound.
    """

    speech: Mapping[int, Step] = field(default_factory=dict)
    codec: Mapping[int, Step] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FaceSteps:
    """What a face engine does over and over, ready to be called.

    Attributes:
        face: by decoder and number of frames: a batch, to the bytes of its patches.
        encoder: by number of windows: the audio encoder.
    """

    face: Mapping[str, Mapping[int, Step]] = field(default_factory=dict)
    encoder: Mapping[int, Step] = field(default_factory=dict)


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured, and what follows from it.

    Attributes:
        device: in words, such as ``Tesla T4``.
        costs: of the steps.
        plan: sessions, decoder, batch sizes, frame rate.
        memory: once everything is loaded and has run.
        seconds: that the measuring took.
    """

    device: str
    costs: Costs
    plan: Plan
    memory: MemoryReport
    seconds: float

    @property
    def text(self) -> str:
        """One line for the log, ``doctor`` and ``/ready``."""
        return f"{self.device}: {in_words(self.plan, self.costs)}; {self.memory.text}"


class Stopwatch:
    """Times steps, the device's own work included.

    Args:
        now: monotonic seconds, such as a clock's ``now``.
        synchronize: waits until the device has done all that it was given.
    """

    def __init__(self, now: Callable[[], float], synchronize: Callable[[], None]) -> None:
        self._now, self._synchronize = now, synchronize

    def now(self) -> float:
        """Monotonic seconds."""
        return self._now()

    def once(self, step: Step) -> float:
        """Seconds that one run takes."""
        self._synchronize()
        began = self._now()
        step()
        self._synchronize()
        return self._now() - began


def measure_costs(
    speech: SpeechSteps, face: FaceSteps, stopwatch: Stopwatch, budget: float = BUDGET_SECONDS
) -> Costs:
    """Run every step some times; call it on the compute thread.

    A size for which there is not enough memory is left out, and those above it.

    Args:
        speech: of the talker; empty where speech is not made on the card.
        face: of the face engine; likewise.
        stopwatch: times them.
        budget: seconds for all of them together.

    Raises:
        Exception: what a step raises, beside a lack of memory.
    """
    tables = [*face.face.values(), face.encoder, speech.speech, speech.codec]
    share = budget / max(1, sum(len(table) for table in tables))
    return Costs(
        face={name: _table(steps, stopwatch, share) for name, steps in face.face.items()},
        encoder=_table(face.encoder, stopwatch, share),
        speech=_table(speech.speech, stopwatch, share),
        codec=_table(speech.codec, stopwatch, share),
    )


def calibrate(
    speech: SpeechSteps,
    face: FaceSteps,
    stopwatch: Stopwatch,
    device: str,
    report: Callable[[], MemoryReport],
    wish: Wish | None = None,
    per_session: int | None = None,
    budget: float = BUDGET_SECONDS,
) -> Calibration:
    """Measure, and decide how to use the card; on the compute thread, once everything is loaded.

    Args:
        speech: see :func:`measure_costs`.
        face: likewise.
        stopwatch: likewise.
        device: the card in words.
        report: of the memory; asked after every step has run.
        wish: what is asked for.
        per_session: bytes that a session takes beside the models.
        budget: seconds for all measuring.
    """
    began = stopwatch.now()
    costs = measure_costs(speech, face, stopwatch, budget)
    lacking = _lacking(speech, face, costs)
    # A table without sizes stands for what does not run on the card at all, and would cost nothing.
    costs = msgspec.structs.replace(costs, face={name: table for name, table in costs.face.items() if table})
    used = report()
    memory = Memory(budget=used.budget, resident=used.working or used.peak)
    if per_session is not None:
        memory = msgspec.structs.replace(memory, per_session=per_session)
    return Calibration(
        device=device,
        costs=costs,
        plan=_no_room(costs, lacking) if lacking else plan(costs, wish, memory),
        memory=used,
        seconds=stopwatch.now() - began,
    )


def in_words(planned: Plan, costs: Costs) -> str:
    """A plan in one line, with the costs that decided it."""
    if not planned.sessions:
        return f"no live sessions, files only ({planned.reason})"
    many = f"{planned.sessions} live session{'s' if planned.sessions > 1 else ''}"
    rate = "25 fps" if planned.frame_rate == FPS else f"{planned.frame_rate:g} fps, each frame shown twice"
    parts = [f"{many} at {rate} ({planned.reason})", f"load {planned.load:.0%}"]
    if planned.face_sizes:
        table = costs.face[planned.decoder]
        sizes = ", ".join(f"{size} in {table[size] * 1000:.0f} ms" for size in planned.face_sizes)
        parts.append(f"faces by {planned.decoder}: {sizes}")
    if costs.speech:
        steps = ", ".join(f"{n} in {cost * 1000:.0f} ms" for n, cost in sorted(costs.speech.items()))
        parts.append(f"80 ms of speech: {steps}")
    return "; ".join(parts)


def _lacking(speech: SpeechSteps, face: FaceSteps, costs: Costs) -> str:
    """What is made on the card and cannot be done even once, in words; empty where there is nothing."""
    kinds = {
        "a frame of a face": (face.face, any(costs.face.values())),
        "a window of sound": (face.encoder, costs.encoder),
        "one voice": (speech.speech, costs.speech),
        "a frame of its sound": (speech.codec, costs.codec),
    }
    return ", ".join(what for what, (steps, table) in kinds.items() if steps and not table)


def _no_room(costs: Costs, lacking: str) -> Plan:
    return msgspec.structs.replace(
        plan(costs, Wish(sessions=0)),
        reason=f"the memory budget holds the models and no room for {lacking}: raise LIPSTREAM_GPU_MEMORY_GB",
    )


def _table(steps: Mapping[int, Step], stopwatch: Stopwatch, share: float) -> Table:
    table: Table = {}
    for size in sorted(steps):
        try:
            # The first run may still allocate or choose kernels.
            spent = stopwatch.once(steps[size])
            runs = [stopwatch.once(steps[size])]
            while len(runs) < REPEATS and spent + sum(runs) + runs[-1] <= share:
                runs.append(stopwatch.once(steps[size]))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            runs = []
        if not runs:
            release()
            break
        table[size] = statistics.median(runs)
        if table[size] > TOO_LONG:
            break
    return table
