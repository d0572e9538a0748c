"""The command ``python -m benchmarks.gpu_schedule``: what cards are predicted to carry, by simulation."""

from __future__ import annotations

import statistics
import sys

from rich.console import Console

from benchmarks.gpu_schedule.cards import CARDS, Card, costs_on, prompt_seconds
from benchmarks.gpu_schedule.talk import Tally
from benchmarks.gpu_schedule.world import World
from benchmarks.result import Row, save
from benchmarks.table import table
from streaming.gpu.admission import FULL_LOAD, Plan, Wish, plan
from streaming.gpu.calibration import in_words

NAME = "gpu_schedule"
COMMAND = f"python -m benchmarks.{NAME}"
SECONDS = 120.0
SEEDS = (1, 2, 3)
MOST = Wish(sessions=32)
MISSED = 0.5
"""Per cent of slots that may be late at the admitted number of sessions."""


def simulate(card: Card, planned: Plan, seed: int, more: int = 0, files: int = 0) -> World:
    """Let the admitted sessions (and ``more``) talk."""
    world = World(costs_on(card), planned, prompt_seconds(card), files, seed)
    for _ in range(planned.sessions):
        world.enter()
    for _ in range(more):
        world.crowd()
    world.run(SECONDS)
    return world


def rows_of(card: Card) -> list[Row]:
    """What is told about a card."""
    costs = costs_on(card)
    planned = plan(costs, MOST)
    note = in_words(planned, costs)
    alone = [simulate(card, planned, seed) for seed in SEEDS]
    beside = [simulate(card, planned, seed, files=1) for seed in SEEDS]
    over = [simulate(card, planned, seed, more=1) for seed in SEEDS]
    waits = [wait for world in alone for wait in world.tally().waits]
    files = [world.files[0] for world in beside]
    drawn = sum(file.utterance.sent for file in files if file.utterance is not None)

    def row(name: str, value: float, unit: str, target: float | None = None, note: str = "") -> Row:
        return Row(f"{card.name}: {name}", value, unit, target, note=note)

    return [
        row("sessions let in", planned.sessions, "sessions", note=note),
        row("load by the plan, all speaking at once", planned.load * 100, "%", FULL_LOAD * 100),
        row("late slots", _missed(alone), "%", MISSED),
        row("late slots with a file rendered beside", _missed(beside), "%", MISSED),
        row("late slots with one session more", _missed(over), "%"),
        row("first frame after the text, median", statistics.median(waits) * 1000, "ms", 250),
        row("first frame after the text, 95 of 100", _at(waits, 0.95) * 1000, "ms"),
        row("file rendered beside", drawn / SECONDS / len(SEEDS), "fps"),
        row("longest wait of that file", max(file.tally.gap for file in files), "s", 5.0),
    ]


def _missed(worlds: list[World]) -> float:
    tallies: list[Tally] = [world.tally() for world in worlds]
    return 100 * sum(t.late for t in tallies) / max(1, sum(t.slots for t in tallies))


def _at(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> int:
    """Simulate every card, print and save."""
    console = Console()
    rows: list[Row] = []
    for card in CARDS:
        console.print(f"simulating {card.name} ...")
        rows += rows_of(card)
    where = {
        "kind": "a simulation: the program's scheduling and admission, with predicted costs of the steps",
        "costs": "benchmarks/gpu_schedule/cards.py",
        "seconds": f"{SECONDS:g} for each of {len(SEEDS)} seeds",
    }
    console.print(table([save(NAME, COMMAND, rows, where)]))
    console.print("A simulation with predicted costs: nothing here was measured on a card.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
