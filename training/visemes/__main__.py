"""``python -m training.visemes``: make the network of the listening face, from nothing to its model file.

Needs, besides the program with its speech engines: ``pip install "lipstream[training]"``, Flite (Debian, for
evaluation) and Kokoro's voices (``lipstream voice install kokoro``). Without a step's name all
are done in order. Every step goes on where it was interrupted, and everything random is seeded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from server.settings import default_data_dir
from streaming.errors import EngineUnavailable
from streaming.face.viseme_net import MODEL
from training.visemes import clips, corpus, hibari_voices

SEED = 7
HIBARI_CLIPS = 2600
KOKORO_ROUNDS = 36
RUNS = (
    (3000, 3e-3, 200, 64),
    (3000, 2e-3, 200, 64),
    (12_000, 2e-3, 800, 16),
    (5000, 1e-3, 800, 16),
)
"""Steps, rate, rows of an example, and examples per step of each. The last two learn to listen for long."""
CORRECTING_RUNS = 3
"""After so many runs timing is as good as it gets."""

app = typer.Typer(add_completion=False, no_args_is_help=False, help=__doc__, rich_markup_mode=None)
_console = Console(highlight=False)


@dataclass(frozen=True, slots=True)
class _Folder:
    """Where a training's files are."""

    root: Path
    data_dir: Path

    @property
    def clips(self) -> Path:
        return self.root / "clips"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def downloads(self) -> Path:
        return self.root / "downloads"

    def weights(self, run: int) -> Path:
        return self.root / f"weights_{run}.npz"

    def alignment(self, run: int) -> Path:
        """Timing that a run, not the first, learns from."""
        return self.root / f"alignment_{min(run - 1, CORRECTING_RUNS)}.npz"


def generate(folder: _Folder) -> None:
    """Speech with known timing: hibari with random speakers, Kokoro with many voices."""
    from training.visemes import kokoro_voices

    hibari_voices.generate(folder.clips / "hibari", HIBARI_CLIPS, SEED)
    kokoro_voices.generate_tests(folder.clips / "kokoro", folder.data_dir)
    kokoro_voices.generate(folder.clips / "kokoro", folder.data_dir, KOKORO_ROUNDS, SEED)


def hear(folder: _Folder) -> None:
    """Rows of every training clip: dry, in a room, through a device."""
    corpus.prepare(folder.clips, folder.features)


def train(folder: _Folder) -> None:
    """All runs; the second to fourth learn from timing that the one before has corrected."""
    from training.visemes import realign
    from training.visemes.augment import Examples
    from training.visemes.train import Run, load, train

    for run, (steps, rate, rows, batch) in enumerate(RUNS, start=1):
        better = None
        if run > 1:
            if not folder.alignment(run).exists():
                network = load(folder.weights(run - 1))
                _say(f"aligning with run {run - 1}")
                found = realign.align(network, clips.load_all(folder.clips))
                corpus.save_alignment(folder.alignment(run), found)
            better = corpus.load_alignment(folder.alignment(run))
        if folder.weights(run).exists():
            continue
        examples = Examples(corpus.read(folder.clips, folder.features, better), rows, SEED + run)
        start = folder.weights(run - 1) if run > 1 else None
        _say(f"run {run} of {len(RUNS)}, {steps} steps")
        train(examples, Run(steps, rate, batch, SEED), folder.weights(run), start, tell=_say)


def export(folder: _Folder) -> None:
    """The model file, checked against the network that it came from."""
    from training.visemes.export import TOLERANCE, export, streamed_difference
    from training.visemes.train import load

    network = load(folder.weights(len(RUNS)))
    export(network, MODEL)
    difference = streamed_difference(network, MODEL)
    _say(f"{MODEL.name}: {MODEL.stat().st_size} bytes, differs by {difference:.1e} from the network")
    if difference > TOLERANCE:
        raise EngineUnavailable(f"The model file differs by {difference} from the network it was made of.")


def tests(folder: _Folder) -> None:
    """Speech for evaluation only: an engine and people that are never trained on."""
    from training.visemes import flite, recordings

    flite.generate_tests(folder.clips / "flite")
    recordings.generate_tests(folder.clips / "people", folder.downloads)


def evaluate(folder: _Folder) -> None:
    """Judge the model file; writes ``benchmarks/results/visemes.json`` and the tables of the model card."""
    from training.visemes import report
    from training.visemes.evaluate import Judge, evaluate

    better = corpus.load_alignment(folder.alignment(len(RUNS)))
    judge = Judge(MODEL, {name: sounds for name, sounds in better.items() if name.startswith("kokoro_test")})
    found = evaluate(judge, (clip for clip in clips.load_all(folder.clips)), tell=_say)
    _console.print(report.table(found))
    report.save_rows(found, MODEL)
    report.write_card(found, MODEL.with_suffix(".md"))


STEPS: dict[str, Callable[[_Folder], None]] = {
    step.__name__: step for step in (generate, hear, train, export, tests, evaluate)
}


@app.command()
def main(
    steps: Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(STEPS)}.")] = None,
    folder: Annotated[Path, typer.Option(help="Where clips, features and weights are kept (4 GB).")] = Path(
        "build/visemes"
    ),
    data_dir: Annotated[
        Path | None, typer.Option(help="Data folder of the program, with Kokoro's voices.")
    ] = None,
) -> None:
    """Do the named steps, or all of them."""
    unknown = [step for step in steps or () if step not in STEPS]
    if unknown:
        raise typer.BadParameter(f"There is no step {', '.join(unknown)}. There are: {', '.join(STEPS)}.")
    try:
        for name in steps or STEPS:
            _say(f"-- {name}")
            STEPS[name](_Folder(folder, data_dir or default_data_dir()))
    except EngineUnavailable as error:
        _console.print(error.message, style="red")
        sys.exit(1)


def _say(line: str) -> None:
    _console.print(line)


if __name__ == "__main__":
    app()
