"""From measurements to figures with their targets, and what they say of a card that is not here."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.result import Row

FRAME_SECONDS = 0.08
SPEEDUP_TARGET, FLOOR_TARGET = 5.0, 2.5
FIRST_SOUND_TARGET_MS = 60.0
"""On a Hopper card."""
HOPPER = (9, 0)
MEMORY_TARGET_GB = 6.0
"""Of the 1.7B with :data:`MEMORY_SESSIONS` sessions."""
MEMORY_SESSIONS = 4
GRAPHS = ("graphs", "compiled")
"""The loops that run captured: as they are, and with what torch's compiler fuses."""
T4_BANDWIDTH = 320e9
"""Bytes per second by its data sheet."""
T4_REACHED = 0.75
"""The part of it that matrix-vector products usually reach."""


@dataclass(slots=True)
class Measured:
    """Everything measured of one size; times in seconds.

    Attributes:
        size: its name.
        package: a frame of the package's own generation.
        package_utterance: a whole utterance there, and how many frames it has.
        loops: a frame of one session, by loop.
        sessions: a step of the fastest loop, by number of sessions.
        first_sound: prompt to the samples of the first frame, by loop.
        codec: a chunk of the codec, by frames.
        peak_bytes: reserved on the card with :data:`MEMORY_SESSIONS` sessions; 0 when not measured.
        weight_bytes: read per frame.
        kernels: per frame, by loop.
        half_kernels: of the static loop in float16.
        half_bytes: weights read per frame in 16 bits.
    """

    size: str
    package: float = 0.0
    package_utterance: tuple[float, int] = (0.0, 0)
    loops: dict[str, float] = field(default_factory=dict)
    sessions: dict[int, float] = field(default_factory=dict)
    first_sound: dict[str, float] = field(default_factory=dict)
    codec: dict[int, float] = field(default_factory=dict)
    peak_bytes: int = 0
    weight_bytes: int = 0
    kernels: dict[str, int] = field(default_factory=dict)
    half_kernels: int = 0
    half_bytes: int = 0


def _time(loop: tuple[str, float]) -> float:
    return loop[1]


def rows_of(measured: Measured, bandwidth: float, capability: tuple[int, int] | None) -> list[Row]:
    """The figures of one size.

    Args:
        measured: of that size.
        bandwidth: bytes per second that the device copies.
        capability: of a CUDA device; without one there are no targets.
    """
    size = measured.size
    floor = measured.weight_bytes / bandwidth
    name, best = min(((name, measured.loops[name]) for name in GRAPHS if name in measured.loops), key=_time)
    speedup, above_floor = (None, None) if capability is None else (SPEEDUP_TARGET, FLOOR_TARGET)
    hopper = capability is not None and capability >= HOPPER
    rows = [
        Row(f"{size} weights read per frame", measured.weight_bytes / 1e9, "GB"),
        Row(f"{size} floor per frame", floor * 1e3, "ms", note="weights / measured copy bandwidth"),
        Row(f"{size} package per frame", measured.package * 1e3, "ms", note="qwen-tts 0.1.1 generate()"),
        Row(f"{size} package real-time factor", measured.package / FRAME_SECONDS, ""),
        Row(
            f"{size} package first audio",
            measured.package_utterance[0] * 1e3,
            "ms",
            note=f"codes of all {measured.package_utterance[1]} frames; nothing comes before the end",
        ),
    ]
    for name, seconds in measured.loops.items():
        rows.append(Row(f"{size} {name} per frame", seconds * 1e3, "ms"))
        rows.append(Row(f"{size} {name} real-time factor", seconds / FRAME_SECONDS, ""))
    rows += [
        Row(f"{size} best against the package", measured.package / best, "x", speedup, "higher", name),
        Row(f"{size} best against the floor", best / floor, "x", above_floor, note=name),
    ]
    for name, seconds in measured.first_sound.items():
        target = FIRST_SOUND_TARGET_MS if hopper and name in GRAPHS else None
        rows.append(Row(f"{size} {name} first audio", seconds * 1e3, "ms", target, note="prompt to samples"))
    for sessions, seconds in measured.sessions.items():
        rows.append(
            Row(
                f"{size} {sessions} sessions per frame",
                seconds * 1e3,
                "ms",
                note=f"graphs, one batch; {sessions * FRAME_SECONDS / seconds:.1f} s of speech per second",
            )
        )
    for frames, seconds in measured.codec.items():
        rows.append(Row(f"{size} codec, {frames} frames", seconds * 1e3, "ms", note="to samples on the CPU"))
    if measured.peak_bytes:
        target = MEMORY_TARGET_GB if size == "1.7B" else None
        rows.append(
            Row(
                f"{size} peak memory, {MEMORY_SESSIONS} sessions",
                measured.peak_bytes / 1e9,
                "GB",
                target,
                note="reserved by torch: weights, codec, caches, graphs",
            )
        )
    for name, number in measured.kernels.items():
        note = "counted; operators where the counters are closed" if capability else "operators, no card here"
        rows.append(Row(f"{size} {name} kernels per frame", number, "", note=note))
    if capability is not None:
        rows.append(prediction(measured, bandwidth))
    return rows


def prediction(measured: Measured, bandwidth: float) -> Row:
    """What a frame would take on a T4: bytes at its speed, kernels at what one costs here beyond its bytes.

    A prediction, not a measurement: a kernel may cost more on a T4.
    """
    here = measured.loops["graphs"] - measured.weight_bytes / bandwidth
    each = max(0.0, here / measured.kernels["static"])
    reading = measured.half_bytes / (T4_BANDWIDTH * T4_REACHED)
    seconds = reading + measured.half_kernels * each
    return Row(
        f"{measured.size} predicted for a T4 per frame",
        seconds * 1e3,
        "ms",
        note=(
            f"PREDICTION: {measured.half_bytes / 1e9:.2f} GB at {T4_REACHED:.0%} of 320 GB/s, and "
            f"{measured.half_kernels} kernels at {each * 1e6:.2f} us, which is what one costs on this card"
        ),
    )
