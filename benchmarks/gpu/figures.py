"""From measurements to figures with their targets."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.result import Row
from streaming.timing import FPS

if TYPE_CHECKING:
    from benchmarks.gpu.both import Level, Loaded, Together
    from benchmarks.gpu.drawing import OurCosts, RecipeCosts

HOPPER = (9, 0)
"""The compute capability that the targets are set for."""
SPEEDUP_TARGET = 8.0
FIRST_FRAME_TARGET_MS = 250.0
SESSIONS_TARGET = 16
MEMORY_TARGET_GB, MEMORY_SESSIONS = 8.0, 4
FULL_RATE = 0.99
"""Share of 25 frames per second that the slowest session has to see."""
MISSED = 0.005
"""Share of slots that may come late."""


@dataclass(frozen=True, slots=True)
class Targets:
    """What is asked of a card; nothing of others than Hopper's."""

    capability: tuple[int, int] | None

    def of(self, target: float) -> float | None:
        """A target, where it holds."""
        return target if self.capability is not None and self.capability >= HOPPER else None


def rows_of_faces(recipe: RecipeCosts, ours: OurCosts, targets: Targets) -> list[Row]:
    """Frames per second, and what each stage takes."""
    rows: list[Row] = []

    def row(name: str, value: float, unit: str, target: float | None = None, note: str = "") -> None:
        better = "higher" if unit in ("fps", "x") else "lower"
        rows.append(Row(f"faces: {name}", value, unit, target, better, note))

    for batch, seconds in recipe.whole.items():
        row(f"recipe, batch {batch}", 1 / seconds, "fps", note="from sound to pictures in their frames")
        row(f"recipe without pasting, batch {batch}", 1 / recipe.drawn[batch], "fps")
        row(f"recipe's UNet, batch {batch}", recipe.unet[batch] * 1e3, "ms", note="eager")
        row(f"recipe's VAE, batch {batch}", recipe.decode[batch] * 1e3, "ms", note="whole pictures")
        row(f"recipe's pictures to the CPU, batch {batch}", recipe.bring[batch] * 1e3, "ms")
    row("recipe's ears", recipe.hear * 1e3, "ms", note="a sound, padded to 30 s")
    row(
        "recipe's pasting",
        recipe.paste * 1e3,
        "ms/frame",
        note="Pillow, 512 x 512; for ours see blending.json, too",
    )
    if recipe.peak:
        row("recipe's peak memory", recipe.peak / 1e9, "GB")
    for decoder, whole in ours.whole.items():
        for size, seconds in whole.items():
            row(
                f"{decoder}, batch {size}", _frame_rate(ours, decoder, size), "fps", note="listening included"
            )
            rest = seconds - ours.unet[size] - ours.decode[decoder][size]
            row(f"decoding by {decoder}, batch {size}", ours.decode[decoder][size] * 1e3, "ms")
            row(
                f"around it with {decoder}, batch {size}",
                rest * 1e3,
                "ms",
                note="inputs, cutting out, transfer",
            )
    for size, seconds in ours.unet.items():
        row(f"UNet, batch {size}", seconds * 1e3, "ms")
    for count, seconds in ours.hear.items():
        row(f"ears, {count} windows", seconds * 1e3, "ms", note="5 s each, two frames")
    if ours.blend is not None:
        row("blend", ours.blend * 1e3, "ms/frame", note="512 x 512, in the process of the media")
    if ours.peak:
        row("peak memory", ours.peak / 1e9, "GB", note="reserved: both decoders, all graphs")
    row("weights read", ours.load[0], "s")
    row("captured", ours.load[1], "s")
    taesd = _best(ours, "taesd")
    row(
        "against the recipe",
        taesd * min(recipe.whole.values()),
        "x",
        targets.of(SPEEDUP_TARGET),
        "the best batch of each; pasting of ours is done beside it, in another process",
    )
    row("against the recipe without pasting", taesd * min(recipe.drawn.values()), "x")
    if "vae" in ours.whole:
        row("with the whole VAE against the recipe", _best(ours, "vae") * min(recipe.whole.values()), "x")
    return rows


def _frame_rate(ours: OurCosts, decoder: str, size: int) -> float:
    # Two frames hear one window.
    ears = min(seconds / count for count, seconds in ours.hear.items()) / 2 if ours.hear else 0.0
    return 1 / (ours.whole[decoder][size] / size + ears)


def _best(ours: OurCosts, decoder: str) -> float:
    return max(_frame_rate(ours, decoder, size) for size in ours.whole[decoder])


def rows_of_both(together: Together, targets: Targets) -> list[Row]:
    """What sessions get of both models on one card."""
    rows: list[Row] = []
    for sessions, level in together.levels.items():
        rows += _rows_of_level(f"both {together.talker}: {sessions} sessions", sessions, level, targets)

    def row(name: str, value: float, unit: str, target: float | None = None, note: str = "") -> None:
        better = "higher" if name == "sessions at 25 fps" else "lower"
        rows.append(Row(f"both {together.talker}: {name}", value, unit, target, better, note))

    seen = carried(together)
    row(
        "sessions at 25 fps",
        seen,
        "sessions",
        targets.of(SESSIONS_TARGET),
        f"{max(together.levels, default=0)} at most were tried",
    )
    for places, loaded in together.loaded.items():
        _rows_of_loading(row, places, loaded)
    if together.loaded and together.levels:
        loaded = together.loaded[max(together.loaded)]
        full = loaded.admitted if loaded.frame_rate == FPS else 0
        over = max(0, min(full, max(together.levels)) - seen)
        row(
            "sessions let in beyond those that were seen to be carried",
            over,
            "sessions",
            0 if targets.capability is not None else None,
        )
    return rows


def _rows_of_level(name: str, sessions: int, level: Level, targets: Targets) -> list[Row]:
    heard = level.heard
    rates = [each.frame_rate for each in heard]
    slots = max(1, sum(each.slots for each in heard))
    wanted = max(1, sum(each.fresh + each.repeated for each in heard))
    sound = sum(each.sound for each in heard) / sessions
    failures = [text for each in heard for text in each.failures]
    stalled = sum(each.stalled for each in heard)
    rows = [
        Row(f"{name}, frame rate of the slowest", min(rates), "fps", note=f"median {_middle(rates):.2f}"),
        Row(
            f"{name}, frames late", 100 * sum(each.repeated for each in heard) / wanted, "%", note="repeated"
        ),
        Row(
            f"{name}, slots after they were due",
            100 * sum(each.missed for each in heard) / slots,
            "%",
            note=f"{stalled:.2f} s without sound, of {sum(each.slots for each in heard) / FPS:.0f}",
        ),
        Row(
            f"{name}, speech real-time factor",
            level.talker / max(sound, 1e-9),
            "",
            note="card's time for a second of everybody's sound; a little high, as answers are broken off",
        ),
        Row(
            f"{name}, card busy",
            100 * (level.talker + level.faces) / max(level.wall, 1e-9),
            "%",
            note=f"speech {level.talker / level.wall:.0%}, faces {level.faces / level.wall:.0%}",
        ),
        Row(f"{name}, failures", len(failures), "", 0, note="; ".join(dict.fromkeys(failures))[:200]),
    ]
    for what, waits, target in (
        ("first audio", [w for each in heard for w in each.first_audio], None),
        ("first frame", [w for each in heard for w in each.first_frame], FIRST_FRAME_TARGET_MS),
    ):
        if waits:
            limit = None if target is None else targets.of(target)
            rows.append(Row(f"{name}, {what} after the text, median", _middle(waits) * 1e3, "ms", limit))
            rows.append(Row(f"{name}, {what} after the text, worst", max(waits) * 1e3, "ms"))
    if level.peak:
        limit = targets.of(MEMORY_TARGET_GB) if sessions == MEMORY_SESSIONS else None
        note = f"reserved since the models were loaded, with places for {level.places}"
        rows.append(Row(f"{name}, peak memory", level.peak / 1e9, "GB", limit, note=note))
    return rows


def _rows_of_loading(row: Callable[..., None], places: int, loaded: Loaded) -> None:
    many = f"places for {places}"
    row(f"{many}, sessions let in", loaded.admitted, "sessions", note=loaded.text)
    row(f"{many}, loaded and measured", loaded.seconds, "s")
    row(f"{many}, memory while nobody speaks", loaded.resident / 1e9, "GB")
    if loaded.unloaded:
        row(f"{many}, memory when unloaded", loaded.unloaded / 1e9, "GB")
    if loaded.again:
        row(f"{many}, first frame when unloaded", loaded.again, "s", note="both models are loaded for it")


def carried(together: Together) -> int:
    """The largest number of sessions that was tried and got all that it should."""
    good = [sessions for sessions, level in together.levels.items() if _is_carried(level)]
    return max(good, default=0)


def _is_carried(level: Level) -> bool:
    slots = sum(each.slots for each in level.heard)
    missed = sum(each.missed for each in level.heard)
    return (
        bool(level.heard)
        and min(each.frame_rate for each in level.heard) >= FULL_RATE * FPS
        and missed <= MISSED * slots
        and not any(each.failures for each in level.heard)
    )


def _middle(values: Sequence[float]) -> float:
    return statistics.median(values)
