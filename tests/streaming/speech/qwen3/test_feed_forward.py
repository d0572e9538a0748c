# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional

from streaming.gpu.placement import Placement
from streaming.speech.qwen3.eager import EagerLoop
from streaming.speech.qwen3.feed_forward import GUARD_SCALE, GuardedFeedForward, gated
from streaming.speech.qwen3.loop import DecodeLoop
from streaming.speech.qwen3.model import Qwen3Model
from streaming.speech.qwen3.prompt import PromptBuilder, Speaker
from streaming.speech.qwen3.static import StaticLoop
from tests.support.qwen3 import TEXT, sampling_of, speak


def overflowing(model: Qwen3Model) -> None:
    """One channel of each of the predictor's feed-forwards reaches twice the largest float16."""
    with torch.inference_mode():
        for layer in model.talker.code_predictor.model.layers:
            layer.post_attention_layernorm.weight[0] = 350
            layer.post_attention_layernorm.weight[1:] = 0.05
            for half in (layer.mlp.gate_proj, layer.mlp.up_proj):
                half.weight[0] = 0
                half.weight[0, 0] = 1
            layer.mlp.down_proj.weight[:, 0] *= 1e-3


def test_the_guard_keeps_to_what_float16_can_hold() -> None:
    gate, up = torch.full((1, 1), 400.0, dtype=torch.float16), torch.full((1, 1), 400.0, dtype=torch.float16)
    assert (functional.silu(gate) * up).isinf().all()
    assert gated(gate, up, GUARD_SCALE, gate.new_zeros(())).item() == 400 * 400 * GUARD_SCALE


def test_a_guarded_layer_computes_what_it_replaces() -> None:
    class Layer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate_proj, self.up_proj = torch.nn.Linear(32, 96), torch.nn.Linear(32, 96)
            self.down_proj = torch.nn.Linear(96, 32, bias=False)

    torch.manual_seed(0)
    layer, x = Layer(), torch.randn(5, 32)
    with torch.inference_mode():
        expected = layer.down_proj(functional.silu(layer.gate_proj(x)) * layer.up_proj(x))
        half = GuardedFeedForward(layer.half())(x.half())
    assert half.dtype is torch.float16
    assert (half.float() - expected).norm() / expected.norm() < 2e-3


@pytest.mark.parametrize("make", [EagerLoop, StaticLoop])
def test_a_predictor_that_overflows_still_speaks_in_float16(
    checkpoint: Callable[[str], Path], make: Callable[[Qwen3Model], DecodeLoop]
) -> None:
    folder = checkpoint("voice_design")
    model = Qwen3Model.load(folder, Placement("cpu", "float16"))
    overflowing(model)
    prompt = PromptBuilder(model).build(TEXT, Speaker("english", instruction="old man"))
    assert len(speak(make(model), prompt, sampling_of(4), 1)) == 4


@pytest.mark.parametrize("make", [EagerLoop, StaticLoop])
def test_bfloat16_speaks_too(
    checkpoint: Callable[[str], Path], make: Callable[[Qwen3Model], DecodeLoop]
) -> None:
    model = Qwen3Model.load(checkpoint("voice_design"), Placement("cpu", "bfloat16"))
    prompt = PromptBuilder(model).build(TEXT, Speaker("english", instruction="old man"))
    assert len(speak(make(model), prompt, sampling_of(4), 1)) == 4
