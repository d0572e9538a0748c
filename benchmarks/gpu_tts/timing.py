# pyright: reportMissingImports=false
"""Timings of decode loops, of the package, and of the codec."""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch

from benchmarks.gpu_tts.counting import synchronise
from benchmarks.gpu_tts.subject import endless
from streaming.speech.qwen3.codec import StreamingDecoder
from streaming.speech.qwen3.loop import DecodeLoop
from streaming.speech.qwen3.model import CODEBOOKS, Qwen3Model
from streaming.speech.qwen3.prompt import Prompt

SKIPPED = 5
"""Frames at the beginning that are not counted."""


def frame_seconds(loop: DecodeLoop, prompt: Prompt, sessions: int, frames: int) -> float:
    """Median time of a step that gives each of these sessions a frame."""
    streams = [loop.open(prompt, endless(frames), seed) for seed in range(sessions)]
    times: list[float] = []
    for _ in range(frames):
        begun = time.perf_counter()
        given = loop.step(streams)
        times.append(time.perf_counter() - begun)
        if any(frame is None for frame in given):
            raise RuntimeError(f"A measured utterance ended early: {[stream.ending for stream in streams]}.")
    for stream in streams:
        stream.close()
    loop.step(streams)
    return statistics.median(times[SKIPPED:])


def first_sound_seconds(loop: DecodeLoop, codec: StreamingDecoder, prompt: Prompt, repeats: int) -> float:
    """Median time from a prompt to the samples of the first frame, on the CPU."""
    times: list[float] = []
    for seed in range(repeats + 1):
        begun = time.perf_counter()
        stream = loop.open(prompt, endless(2), seed)
        (codes,) = loop.step([stream])
        if codes is None:
            raise RuntimeError(f"A measured utterance ended early: {stream.ending}.")
        codec.decode(codes[None], codec.start())
        times.append(time.perf_counter() - begun)
        stream.close()
    return statistics.median(times[1:])


def codec_seconds(codec: StreamingDecoder, frames: int, repeats: int) -> float:
    """Median time for a chunk of frames, to samples on the CPU."""
    codes = torch.randint(0, 2048, (frames, CODEBOOKS), generator=torch.Generator().manual_seed(0))
    state = codec.start()
    times: list[float] = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        codec.decode(codes, state)
        times.append(time.perf_counter() - begun)
    return statistics.median(times[1:])


def package_frame_seconds(model: Qwen3Model, prompt: Prompt, frames: int) -> float:
    """Time of one more frame in the package's own generation: of a long run less that of a short one.

    Its cache grows, and some libraries prepare something for each new length, so all come once before.
    """
    short = max(2, frames // 4)
    _package_seconds(model, prompt, frames)
    seconds = [_package_seconds(model, prompt, count) for count in (short, frames)]
    return (seconds[1] - seconds[0]) / (frames - short)


def package_seconds(model: Qwen3Model, prompt: Prompt, frames: int) -> float:
    """Time of a whole utterance of codes in the package, which gives nothing before its end."""
    return _package_seconds(model, prompt, frames)


@torch.inference_mode()
def _package_seconds(model: Qwen3Model, prompt: Prompt, frames: int) -> float:
    config, settings = model.config.talker_config, model.generation
    never = config.vocab_size - 1
    arguments: dict[str, Any] = {
        "inputs_embeds": prompt.embeds,
        "attention_mask": torch.ones(prompt.embeds.shape[:2], dtype=torch.long, device=model.device),
        "trailing_text_hidden": prompt.text.rows,
        "tts_pad_embed": prompt.pad,
        # One token more than frames: the last is never made a frame.
        "max_new_tokens": frames + 1,
        "min_new_tokens": 2,
        "eos_token_id": never,
        "suppress_tokens": list(range(config.vocab_size - 1024, config.vocab_size)),
        "output_hidden_states": True,
        "return_dict_in_generate": True,
        "subtalker_dosample": True,
        **{name: settings[name] for name in ("do_sample", "top_k", "top_p", "temperature")},
        **{name: settings[name] for name in ("repetition_penalty", "subtalker_top_k", "subtalker_top_p")},
        "subtalker_temperature": settings["subtalker_temperature"],
    }
    synchronise(model.device)
    begun = time.perf_counter()
    result = model.talker.generate(**arguments)
    synchronise(model.device)
    seconds = time.perf_counter() - begun
    made = sum(codes is not None for _, codes in result.hidden_states)
    if made != frames:
        raise RuntimeError(f"The package made {made} frames, not {frames}.")
    return seconds
