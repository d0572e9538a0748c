# pyright: reportMissingImports=false
"""What is measured: a model of random weights on the device, and what it is asked to say."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from benchmarks.gpu_tts.random_weights import (
    GENERATION,
    feature_extractor,
    made_on,
    random_codec,
    random_network,
    write_processor,
)
from benchmarks.gpu_tts.sizes import Size
from streaming.gpu.placement import Placement
from streaming.speech.qwen3.model import Qwen3Model
from streaming.speech.qwen3.prompt import Layout, Prompt, PromptBuilder, Speaker
from streaming.speech.qwen3.sampling import Sampling

TEXT = "The harbour museum opens at nine, and the last boat leaves at half past five."
INSTRUCTION = "Speak calmly and clearly, like a guide who has told this to many people and still likes it."
"""With it the prompt is about as long as that of a cloned voice with a short reference."""


def random_model(size: Size, kind: str, placement: Placement) -> Qwen3Model:
    """A model of random weights, made on the device in its precision."""
    with made_on(placement):
        network = random_network(size, kind)
    codec = SimpleNamespace(model=random_codec(size), feature_extractor=feature_extractor())
    with TemporaryDirectory() as folder:
        processor = write_processor(Path(folder))
    return Qwen3Model(network, codec, processor, placement, GENERATION)


def prompt_of(model: Qwen3Model) -> Prompt:
    """The same prompt for all that is measured."""
    speaker = Speaker("english", name=model.speakers[0], instruction=INSTRUCTION)
    if not model.takes_instructions:
        speaker = Speaker("english", name=model.speakers[0])
    return PromptBuilder(model).build(TEXT, speaker, Layout.WHOLE)


def endless(frames: int) -> Sampling:
    """The published way of drawing, with exactly that many frames."""
    return Sampling(min_frames=frames + 1, max_frames=frames)
