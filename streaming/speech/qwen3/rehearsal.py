# pyright: reportMissingImports=false
"""The talker's and the codec's steps with nobody listening, for a calibration to time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch

from streaming.gpu.calibration import SpeechSteps
from streaming.speech.qwen3.codec import LONGEST_CHUNK
from streaming.speech.qwen3.codec_memory import CodecState
from streaming.speech.qwen3.loop import Stream
from streaming.speech.qwen3.machine import Machine, rehearsal_prompt
from streaming.speech.qwen3.model import CODEBOOKS
from streaming.speech.qwen3.static import batches

CHUNKS = (1, 4, LONGEST_CHUNK)
"""Lengths of chunks of sound that are timed."""


@contextmanager
def rehearsing(machine: Machine) -> Generator[SpeechSteps]:
    """All places of the loop speak to nobody until the block ends; on the compute thread.

    Args:
        machine: in which nobody speaks.

    Raises:
        CapacityReached: somebody does.
    """
    loop, model = machine.loop, machine.model
    prompt = rehearsal_prompt(model, machine.builder)
    endless = replace(model.sampling, min_frames=model.sampling.max_frames)
    streams: list[Stream] = []
    try:
        for number in range(loop.capacity):
            streams.append(loop.open(prompt, endless, number))
        state = machine.decoder.start()
        codes = torch.zeros(LONGEST_CHUNK, CODEBOOKS, dtype=torch.long)
        yield SpeechSteps(
            {count: partial(_step, machine, streams[:count]) for count in batches(loop.capacity)},
            {frames: partial(_decode, machine, codes[:frames], state) for frames in CHUNKS},
        )
    finally:
        for stream in streams:
            stream.close()
        # Their places become free.
        loop.step(streams)


def _step(machine: Machine, streams: Sequence[Stream]) -> None:
    machine.loop.step(streams)


def _decode(machine: Machine, codes: torch.Tensor, state: CodecState) -> None:
    machine.decoder.decode(codes, state)
