# pyright: reportMissingImports=false
"""All that speaks, loaded: networks, prompts, decode loop and codec. Used on the compute thread alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from streaming.gpu.placement import find_placement
from streaming.speech.qwen3.codec import LONGEST_CHUNK, StreamingDecoder
from streaming.speech.qwen3.codec_memory import CodecState
from streaming.speech.qwen3.graphs import GraphLoop
from streaming.speech.qwen3.loop import DecodeLoop
from streaming.speech.qwen3.model import Kind, Qwen3Model
from streaming.speech.qwen3.options import DEFAULT_INSTRUCTION, Qwen3Options
from streaming.speech.qwen3.prompt import Layout, Prompt, PromptBuilder, Speaker

CHUNK_FRAMES = (1, 1, 1, 2, 2, 3, 4, 5, 6, LONGEST_CHUNK)
"""Frames that are decoded and handed on at a time; the last entry holds for all others. Each is made while
those before it are heard, if frames are made 1.33 times as fast as they are heard; doubling asks for 2."""

_REHEARSAL = "Good morning."


@dataclass(frozen=True, slots=True)
class Machine:
    """One checkpoint, ready to speak."""

    model: Qwen3Model
    builder: PromptBuilder
    loop: DecodeLoop
    decoder: StreamingDecoder


class Cast:
    """Who speaks: what the talker is told, and what the codec has heard of the voice before.

    Args:
        speaker: without its language, which may change from sentence to sentence.
    """

    def __init__(self, speaker: Speaker) -> None:
        self.speaker = speaker
        self._prefix: CodecState | None = None

    def codec_state(self, decoder: StreamingDecoder) -> CodecState:
        """A state of its own for one sentence. The voice's reference is run through once."""
        if self.speaker.reference is None:
            return decoder.start()
        if self._prefix is None:
            self._prefix = decoder.prime(self.speaker.reference.codes)
        return self._prefix.clone()


def load_machine(folder: Path, options: Qwen3Options) -> Machine:
    """Read a checkpoint and run everything once.

    Raises:
        EngineUnavailable: packages, device or files are missing.
    """
    placement = find_placement(options.device, text_embedding_on_cpu=options.text_embedding_on_cpu)
    model = Qwen3Model.load(folder, placement)
    nucleus = min(model.sampling.talker.top_p, model.sampling.predictor.top_p) < 1
    loop = GraphLoop(model, options.sessions, nucleus=nucleus)
    loop.warm_up()
    decoder = StreamingDecoder(model.decoder)
    decoder.warm_up()
    builder = PromptBuilder(model)
    _rehearse(model, builder, loop)
    return Machine(model, builder, loop, decoder)


def rehearsal_prompt(model: Qwen3Model, builder: PromptBuilder) -> Prompt:
    """Something to say to nobody, in a voice that any checkpoint of this kind has."""
    speakers = {
        Kind.BASE: Speaker(embedding=torch.zeros(model.config.talker_config.hidden_size)),
        Kind.CUSTOM_VOICE: Speaker(name=next(iter(model.speakers), None)),
        Kind.VOICE_DESIGN: Speaker(instruction=DEFAULT_INSTRUCTION),
    }
    return builder.build(_REHEARSAL, speakers[model.kind], Layout.BESIDE)


def _rehearse(model: Qwen3Model, builder: PromptBuilder, loop: DecodeLoop) -> None:
    """Say something to nobody: a card loads each kernel when it is first used, those of prompts too."""
    stream = loop.open(rehearsal_prompt(model, builder), model.sampling, 0)
    for _ in range(2):
        loop.step([stream])
    stream.close()
    loop.step([stream])
