# pyright: reportMissingImports=false
"""The command ``python -m benchmarks.gpu_tts``: everything in one run, on the device at hand."""

from __future__ import annotations

import gc
import importlib.metadata
import platform
import sys
from collections.abc import Callable
from functools import partial
from typing import Annotated

import torch
import typer
from rich.console import Console

from benchmarks.gpu_tts.counting import copy_bandwidth, kernels, weight_bytes_per_frame
from benchmarks.gpu_tts.figures import GRAPHS, MEMORY_SESSIONS, Measured, rows_of
from benchmarks.gpu_tts.sizes import SIZES, Size
from benchmarks.gpu_tts.subject import endless, prompt_of, random_model
from benchmarks.gpu_tts.timing import (
    codec_seconds,
    first_sound_seconds,
    frame_seconds,
    package_frame_seconds,
    package_seconds,
)
from benchmarks.result import Result, Row, save
from benchmarks.table import table
from streaming.errors import EngineUnavailable, LipstreamError
from streaming.gpu.placement import Placement, find_placement
from streaming.speech.qwen3.codec import StreamingDecoder
from streaming.speech.qwen3.eager import EagerLoop
from streaming.speech.qwen3.graphs import GraphLoop
from streaming.speech.qwen3.loop import DecodeLoop
from streaming.speech.qwen3.model import Qwen3Model
from streaming.speech.qwen3.prompt import Prompt
from streaming.speech.qwen3.static import StaticLoop

COMMAND = "python -m benchmarks.gpu_tts"
KIND = "custom_voice"
SESSIONS = (1, 2, 4, 8)
CHUNKS = (1, 4)
PACKAGES = ("torch", "transformers", "qwen-tts")


def measure(
    size: Size, placement: Placement, frames: int, repeats: int, compiled: bool, say: Callable[[str], None]
) -> Measured:
    """Measure one size from its making to its end; its memory is free again after.

    Args:
        size: which one.
        placement: where.
        frames: of a measured utterance.
        repeats: of first audio and codec.
        compiled: measure the compiled loop too.
        say: is told what could not be measured.
    """
    device = torch.device(placement.device)
    measured = Measured(size.name)
    model = random_model(size, KIND, placement)
    measured.weight_bytes = weight_bytes_per_frame(model)
    prompt = prompt_of(model)
    measured.peak_bytes = _peak_memory(model, prompt, frames)
    _forget()
    codec = StreamingDecoder(model.decoder)
    _measure_loops(measured, model, codec, prompt, frames, repeats, compiled, say)
    measured.codec = {chunk: codec_seconds(codec, chunk, repeats) for chunk in CHUNKS}
    many = GraphLoop(model, max(SESSIONS))
    many.warm_up()
    measured.sessions = {count: frame_seconds(many, prompt, count, frames) for count in SESSIONS}
    del many
    _forget()
    measured.package = package_frame_seconds(model, prompt, frames)
    measured.package_utterance = package_seconds(model, prompt, frames), frames
    del model, prompt, codec
    _forget()
    # A T4 computes in float16, where the loop has some more kernels.
    half = random_model(size, KIND, Placement(placement.device, "float16"))
    measured.half_bytes = weight_bytes_per_frame(half)
    loop = StaticLoop(half)
    loop.warm_up()
    measured.half_kernels = _kernels(loop, prompt_of(half), device)
    del half, loop
    _forget()
    return measured


def _measure_loops(
    measured: Measured,
    model: Qwen3Model,
    codec: StreamingDecoder,
    prompt: Prompt,
    frames: int,
    repeats: int,
    compiled: bool,
    say: Callable[[str], None],
) -> None:
    loops: dict[str, Callable[[], DecodeLoop]] = {
        "eager": partial(EagerLoop, model),
        "static": partial(StaticLoop, model),
        "graphs": partial(GraphLoop, model),
    }
    if compiled:
        loops["compiled"] = partial(GraphLoop, model, compiled=True)
    for name, make in loops.items():
        try:
            _measure_loop(measured, name, make(), codec, prompt, frames, repeats)
        except Exception as error:
            if name != "compiled":
                raise
            # Without a C compiler, say. The other loops can be measured all the same.
            say(f"the compiled loop cannot be measured here: {type(error).__name__}: {error}")
        _forget()


def _measure_loop(
    measured: Measured,
    name: str,
    loop: DecodeLoop,
    codec: StreamingDecoder,
    prompt: Prompt,
    frames: int,
    repeats: int,
) -> None:
    loop.warm_up()
    seconds = frame_seconds(loop, prompt, 1, frames)
    measured.first_sound[name] = first_sound_seconds(loop, codec, prompt, repeats)
    measured.loops[name] = seconds
    if name not in GRAPHS:
        measured.kernels[name] = _kernels(loop, prompt, codec.device)


def _peak_memory(model: Qwen3Model, prompt: Prompt, frames: int) -> int:
    """Bytes reserved while that many sessions speak; 0 where nothing counts them."""
    if model.device.type != "cuda":
        return 0
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(model.device)
    loop, codec = GraphLoop(model, MEMORY_SESSIONS), StreamingDecoder(model.decoder)
    loop.warm_up()
    streams = [loop.open(prompt, endless(frames), seed) for seed in range(MEMORY_SESSIONS)]
    states = [codec.start() for _ in streams]
    for _ in range(frames):
        for codes, state in zip(loop.step(streams), states, strict=True):
            if codes is not None:
                codec.decode(codes[None].expand(CHUNKS[-1], -1), state)
    return torch.cuda.max_memory_reserved(model.device)


def _kernels(loop: DecodeLoop, prompt: Prompt, device: torch.device) -> int:
    """Kernels of a frame that is not the first."""
    stream = loop.open(prompt, endless(4), 0)
    loop.step([stream])
    number = kernels(lambda: loop.step([stream]), device)
    stream.close()
    loop.step([stream])
    return number


def _forget() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _where(placement: Placement) -> tuple[dict[str, str], tuple[int, int] | None]:
    device = torch.device(placement.device)
    where = {"device": platform.processor() or "cpu", "dtype": placement.dtype}
    capability = None
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        where["device"] = torch.cuda.get_device_name(device)
        where["compute_capability"] = ".".join(map(str, capability))
        where["cuda"] = str(torch.version.cuda)
    where["python"] = platform.python_version()
    return where | {name: importlib.metadata.version(name) for name in PACKAGES}, capability


def main(
    device: Annotated[str, typer.Option(help="cuda, mps, cpu or auto")] = "auto",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16, float16 or auto")] = "auto",
    tiny: Annotated[bool, typer.Option("--tiny", help="tiny networks, to try the benchmark itself")] = False,
    sizes: Annotated[str, typer.Option(help="sizes, separated by commas")] = "1.7b,0.6b",
    frames: Annotated[int, typer.Option(min=12, help="frames of a measured utterance")] = 60,
    repeats: Annotated[int, typer.Option(min=1, help="of first audio and codec")] = 10,
    compiled: Annotated[
        bool, typer.Option(help="measure the compiled loop too; needs a C compiler, takes minutes")
    ] = False,
) -> None:
    """Measure Qwen3-TTS with random weights of the published sizes.

    The result is written only from a CUDA device and with the published sizes.
    """
    console = Console()
    chosen = ["tiny"] if tiny else sizes.lower().split(",")
    if unknown := [name for name in chosen if name not in SIZES]:
        raise typer.BadParameter(f"unknown sizes {', '.join(unknown)}; there are {', '.join(SIZES)}")
    try:
        placement = find_placement(device, dtype)
        if device == "auto" and not tiny and not placement.device.startswith("cuda"):
            raise EngineUnavailable(
                f"PyTorch {torch.__version__} finds no CUDA device; elsewhere these sizes take hours. "
                "Is it a build for CUDA that the card's driver can run (nvidia-smi tells)? To try the "
                "benchmark: --tiny. To measure elsewhere all the same: --device cpu."
            )
        where, capability = _where(placement)
        bandwidth = copy_bandwidth(torch.device(placement.device))
        rows = [Row("copy bandwidth", bandwidth / 1e9, "GB/s", note="read and written")]
        for name in chosen:
            console.print(f"measuring {SIZES[name].name} on {where['device']} ...")
            measured = measure(SIZES[name], placement, frames, repeats, compiled, console.print)
            rows += rows_of(measured, bandwidth, capability)
            if capability is not None and not tiny:
                # After each size, so that nothing is lost should the next one not come to its end.
                save("gpu_tts", " ".join((COMMAND, *sys.argv[1:])), rows, where)
    except LipstreamError as error:
        console.print(error.message)
        raise typer.Exit(1) from error
    if capability is None or tiny:
        console.print("Not written: only figures of a CUDA device and of the published sizes are.")
    console.print(table([Result("gpu_tts", COMMAND, rows)]))


if __name__ == "__main__":
    typer.run(main)
