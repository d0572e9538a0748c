# pyright: reportMissingImports=false, reportUntypedBaseClass=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

import shutil
from dataclasses import replace
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.gpu_tts.sizes import SIZES
from benchmarks.gpu_tts.subject import random_model
from streaming.gpu.placement import Placement
from streaming.speech.qwen3.eager import EagerLoop
from streaming.speech.qwen3.graphs import GraphLoop
from streaming.speech.qwen3.prompt import PromptBuilder, Speaker
from streaming.speech.qwen3.static import StaticLoop, batches
from tests.support.qwen3 import TEXT, Rig, sampling_of, speak


def test_batches_are_powers_of_two_and_all() -> None:
    assert [batches(capacity) for capacity in (1, 2, 6, 8)] == [(1,), (1, 2), (1, 2, 4, 6), (1, 2, 4, 8)]


def test_every_batch_is_captured_before_serving(base: Rig) -> None:
    loop = GraphLoop(base.model, 3, 128)
    assert not loop.captured
    prompt, sampling = base.builder.build(TEXT, base.any_speaker()), sampling_of(3)
    before = speak(loop, prompt, sampling, 1)
    loop.warm_up()
    assert set(loop.captured) == {1, 2, 3}
    assert torch.equal(speak(loop, prompt, sampling, 1), before)


def test_weights_are_held_once(base: Rig) -> None:
    """Fused matrices take the place of the package's, however many loops there are."""
    first, second = StaticLoop(base.model, 1, 64), StaticLoop(base.model, 1, 64)
    layer = base.model.talker.model.layers[0]
    fused = first._talker._layers[0].qkv
    assert fused.data_ptr() == second._talker._layers[0].qkv.data_ptr()
    assert fused.data_ptr() == layer.self_attn.q_proj.weight.data_ptr()
    assert torch.equal(
        fused,
        torch.cat(
            [p.weight for p in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj)]
        ),
    )


class _NoLooking(TorchDispatchMode):
    """Refuses what makes the CPU wait for a number, which no graph can hold."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal"), name
        return func(*args, **(kwargs or {}))


def test_a_captured_step_looks_at_no_number_and_keeps_its_buffers(base: Rig) -> None:
    loop = GraphLoop(base.model, 2, 128, nucleus=True)
    loop.warm_up()

    def buffers() -> list[int]:
        held = [*vars(loop).values(), *vars(loop._first).values(), *vars(loop._noise).values()]
        return [value.data_ptr() for value in held if isinstance(value, torch.Tensor)]

    before = buffers()
    stream = loop.open(base.builder.build(TEXT, base.any_speaker()), sampling_of(9), 1)
    for _ in range(3):
        assert loop.step([stream])[0] is not None
    with torch.inference_mode(), _NoLooking():
        for batch in loop.batches:
            loop._talks[batch]()
            loop._frames[batch]()
    assert buffers() == before and len(before) > 10


def test_a_model_whose_parts_are_equally_wide_speaks_the_same() -> None:
    """As the 0.6B, where nothing lies between talker and predictor."""
    tiny = SIZES["tiny"]
    size = replace(tiny, label="0b6", predictor={**tiny.predictor, "hidden_size": 64, "head_dim": 16})
    model = random_model(size, "custom_voice", Placement("cpu", "float32"))
    prompt = PromptBuilder(model).build(TEXT, Speaker("english", name="eric"))
    heard = [speak(make(model), prompt, sampling_of(12), 1) for make in (EagerLoop, GraphLoop)]
    assert torch.equal(*heard)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("g++") is None, reason="compiling for the CPU needs g++")
def test_what_the_compiler_fuses_says_the_same(base: Rig) -> None:
    prompt, sampling = base.builder.build(TEXT, base.any_speaker()), sampling_of(12)
    heard: list[torch.Tensor] = []
    for compiled in (False, True):
        loop = GraphLoop(base.model, 1, 128, compiled=compiled)
        loop.warm_up()
        heard.append(speak(loop, prompt, sampling, 1))
    assert torch.equal(*heard)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_replayed_graphs_say_what_the_steps_say(base: Rig) -> None:
    """Where there is a card: captured and uncaptured steps are the same steps."""
    model = random_model(SIZES["tiny"], "custom_voice", Placement("cuda", "float32"))
    prompt = PromptBuilder(model).build(TEXT, Speaker("english", name="aiden"))
    heard = []
    for make in (StaticLoop, GraphLoop):
        loop = make(model, 2, 256)
        loop.warm_up()
        heard.append(speak(loop, prompt, sampling_of(20), 1))
    assert torch.equal(*heard)
