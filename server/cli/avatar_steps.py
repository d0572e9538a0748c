"""The steps of making an avatar as bars, one below the other."""

from __future__ import annotations

from collections.abc import Sequence

from rich.progress import Progress

from precompute.stages.base import Stage, Watcher


class StepBars(Watcher):
    """Shows each step with a bar of its own.

    Args:
        progress: holds the bars.
        stages: all steps, in their order.
    """

    def __init__(self, progress: Progress, stages: Sequence[Stage]) -> None:
        self._progress = progress
        self._begun: set[str] = set()
        self._bars = {
            stage.name: progress.add_task(f"[dim]{stage.title}", total=1.0, start=False) for stage in stages
        }
        self._titles = {stage.name: stage.title for stage in stages}

    def progress(self, stage: str, done: float) -> None:
        """See :meth:`Watcher.progress`."""
        bar = self._bars[stage]
        if stage not in self._begun:
            self._begun.add(stage)
            self._progress.start_task(bar)
        mark = "[green]✓[/green] " if done >= 1 else ""
        self._progress.update(bar, description=f"{mark}{self._titles[stage]}", completed=done)
