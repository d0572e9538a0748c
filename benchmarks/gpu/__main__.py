# pyright: reportMissingImports=false
"""The command ``python -m benchmarks.gpu``: faces alone and both models together, on the device at hand."""

from __future__ import annotations

import importlib.metadata
import logging
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import structlog
import torch
import typer
from rich.console import Console

from benchmarks.gpu.both import measure_both
from benchmarks.gpu.checks import run_checks
from benchmarks.gpu.drawing import measure_ours, measure_recipe
from benchmarks.gpu.figures import Targets, rows_of_both, rows_of_faces
from benchmarks.gpu.memory import forget
from benchmarks.gpu.prediction import rows_of_t4
from benchmarks.gpu.random_weights import write_weights
from benchmarks.gpu.saving import NAME, Saving
from benchmarks.gpu.sizes import REAL, SMALL, Scale
from benchmarks.gpu_tts.random_weights import write_checkpoint
from benchmarks.gpu_tts.sizes import SIZES
from benchmarks.gpu_tts.subject import random_model
from benchmarks.result import Result, Row
from benchmarks.table import table
from streaming.errors import EngineUnavailable, LipstreamError
from streaming.face.musetalk.package import find_face_placement
from streaming.face.musetalk.weights import MuseTalkWeights, find_weights
from streaming.gpu.placement import Placement, find_placement

COMMAND = f"python -m benchmarks.{NAME}"
PARTS = ("faces", "checks", "both")
KIND = "custom_voice"
PACKAGES = ("torch", "diffusers", "transformers", "qwen-tts")


@contextmanager
def _weights(placement: Placement, scale: Scale) -> Iterator[tuple[Path, MuseTalkWeights]]:
    with tempfile.TemporaryDirectory(prefix="musetalk-") as folder:
        write_weights(Path(folder), scale.networks, placement)
        forget(placement.device)
        yield Path(folder), find_weights(folder)


def _measure(
    parts: tuple[str, ...],
    device: str,
    scale: Scale,
    targets: Targets,
    say: Callable[[str], None],
    keep: Callable[[str, list[Row]], None],
) -> None:
    """Measure these parts one after another; each is kept as soon as it is there."""
    faces, speech = find_face_placement(device), find_placement(device)
    keep("T4, predicted", rows_of_t4())
    say("writing random weights of MuseTalk ...")
    with _weights(faces, scale) as (folder, weights):
        if "faces" in parts:
            say("drawing faces: the recipe ...")
            recipe = measure_recipe(weights, faces, scale)
            say("drawing faces: ours ...")
            ours = measure_ours(weights, faces, scale)
            keep("faces", rows_of_faces(recipe, ours, targets))
        if "checks" in parts:
            say("checking pictures ...")
            talker = partial(random_model, SIZES[scale.talkers[0]], KIND, speech)
            keep("checks", run_checks(weights, talker, faces, scale))
        if "both" in parts:
            for size in scale.talkers:
                _measure_both(size, folder, speech, scale, targets, say, keep)


def _measure_both(
    size: str,
    faces: Path,
    placement: Placement,
    scale: Scale,
    targets: Targets,
    say: Callable[[str], None],
    keep: Callable[[str, list[Row]], None],
) -> None:
    name = SIZES[size].name
    with tempfile.TemporaryDirectory(prefix="qwen3-") as folder:
        say(f"writing random weights of Qwen3-TTS {name} ...")
        checkpoint = write_checkpoint(Path(folder, "model"), SIZES[size], KIND, placement=placement)
        say(f"both models, sessions in real time, beside Qwen3-TTS {name} ...")
        measure_both(
            name,
            checkpoint,
            faces,
            Path(folder, "data"),
            placement.device,
            scale,
            lambda together: keep(f"both {name}", rows_of_both(together, targets)),
        )


def _where(placement: Placement) -> tuple[dict[str, str], tuple[int, int] | None]:
    device = torch.device(placement.device)
    where, capability = {"device": platform.processor() or "cpu", "dtype": placement.dtype}, None
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        where["device"] = torch.cuda.get_device_name(device)
        where["compute_capability"] = ".".join(map(str, capability))
        where["cuda"] = str(torch.version.cuda)
    where["python"] = platform.python_version()
    return where | {name: importlib.metadata.version(name) for name in PACKAGES}, capability


def _scale(tiny: bool, talkers: str, seconds: float) -> Scale:
    scale = SMALL if tiny else REAL
    if seconds:
        scale = replace(scale, seconds=seconds)
    if talkers and not tiny:
        chosen = tuple(talkers.lower().split(","))
        if unknown := [name for name in chosen if name not in SIZES]:
            raise typer.BadParameter(f"unknown sizes {', '.join(unknown)}; there are {', '.join(SIZES)}")
        scale = replace(scale, talkers=chosen)
    return scale


def main(
    device: Annotated[str, typer.Option(help="cuda, mps, cpu or auto")] = "auto",
    tiny: Annotated[bool, typer.Option("--tiny", help="tiny networks, to try the benchmark itself")] = False,
    only: Annotated[str, typer.Option(help=f"parts, separated by commas: {', '.join(PARTS)}")] = "",
    talkers: Annotated[str, typer.Option(help="sizes of Qwen3-TTS, separated by commas")] = "",
    seconds: Annotated[float, typer.Option(min=0.0, help="that sessions speak; 0: as usual")] = 0.0,
    verbose: Annotated[bool, typer.Option("--verbose", help="show the program's own log")] = False,
) -> None:
    """Measure MuseTalk alone and beside Qwen3-TTS, with random weights of the published sizes.

    Results are written only from a CUDA device and with the published sizes; parts that are not measured
    this time keep the figures that they have, if they are of the same device.
    """
    console = Console()
    level = logging.INFO if verbose else logging.ERROR
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    parts = tuple(only.lower().split(",")) if only else PARTS
    if unknown := [part for part in parts if part not in PARTS]:
        raise typer.BadParameter(f"unknown parts {', '.join(unknown)}; there are {', '.join(PARTS)}")
    scale = _scale(tiny, talkers, seconds)
    try:
        placement = find_face_placement(device)
        if device == "auto" and not tiny and not placement.device.startswith("cuda"):
            raise EngineUnavailable(
                f"PyTorch {torch.__version__} finds no CUDA device; elsewhere these sizes take hours. "
                "Is it a build for CUDA that the card's driver can run (nvidia-smi tells)? To try the "
                "benchmark: --tiny. To measure elsewhere all the same: --device cpu."
            )
        where, capability = _where(placement)
        written = capability is not None and not tiny
        saving = Saving(" ".join((COMMAND, *sys.argv[1:])), where, written)
        console.print(f"measuring on {where['device']} ...")
        _measure(parts, placement.device, scale, Targets(capability), console.print, saving.keep)
    except LipstreamError as error:
        console.print(error.message)
        raise typer.Exit(1) from error
    if not written:
        console.print("Not written: only figures of a CUDA device and of the published sizes are.")
    console.print(table([Result(NAME, COMMAND, saving.rows)]))


if __name__ == "__main__":
    typer.run(main)
