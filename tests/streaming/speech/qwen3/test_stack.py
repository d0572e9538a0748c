# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

from collections.abc import Callable
from pathlib import Path

import torch

from streaming.gpu.placement import Placement
from streaming.speech.qwen3.layers import fused
from streaming.speech.qwen3.model import Qwen3Model
from streaming.speech.qwen3.stack import Stack
from tests.support.qwen3 import LONG_TEXT, Rig

STEPS = 4


def package_states(model: Qwen3Model, embeds: torch.Tensor) -> torch.Tensor:
    """The talker's last hidden states by the package's own layers, all at once; (STEPS, D) float32."""
    with torch.inference_mode():
        output = model.talker.model(inputs_embeds=embeds.to(model.dtype), use_cache=False)
    return output.last_hidden_state[0, -STEPS:].float()


def our_states(model: Qwen3Model, embeds: torch.Tensor, slots: int = 1) -> torch.Tensor:
    """Likewise by a prefill and single steps, in the last of several slots."""
    config, length = model.config.talker_config, embeds.shape[1] - STEPS
    with torch.inference_mode():
        stack = Stack(model.talker.model, config, slots, 256)
        rows = embeds[0].to(model.dtype)
        states = [stack.prefill(rows[: length + 1], slots - 1)]
        for step in range(length + 1, embeds.shape[1]):
            x = torch.randn(slots, rows.shape[1]).to(model.dtype)
            x[-1] = rows[step]
            # The other slots do something else at other positions.
            positions = torch.full((slots,), 7)
            positions[-1] = step
            states.append(stack.step(x, positions)[-1])
    return torch.stack(states).float()


@pytest.mark.parametrize("slots", [1, 3])
def test_states_are_those_of_the_package(base: Rig, slots: int) -> None:
    embeds = base.builder.build(LONG_TEXT, base.clone()).embeds
    expected = package_states(base.model, embeds)
    assert torch.allclose(our_states(base.model, embeds, slots), expected, atol=1e-4)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_16_bits_lose_no_more_than_in_the_package(
    base: Rig, checkpoint: Callable[[str], Path], dtype: str
) -> None:
    embeds = base.builder.build(LONG_TEXT, base.clone()).embeds
    truth = package_states(base.model, embeds)
    model = Qwen3Model.load(checkpoint("base"), Placement("cpu", dtype))
    theirs = (package_states(model, embeds) - truth).norm() / truth.norm()
    ours = (our_states(model, embeds) - truth).norm() / truth.norm()
    assert ours < 1.2 * theirs < 0.2


def test_the_predictor_steps_as_it_runs_at_once(base: Rig) -> None:
    predictor = base.model.talker.code_predictor
    torch.manual_seed(0)
    x = torch.randn(2, 6, predictor.config.hidden_size)
    with torch.inference_mode():
        expected = predictor.model(inputs_embeds=x, use_cache=False).last_hidden_state
        stack = Stack(predictor.model, predictor.config, 3, 17)
        states = [stack.at(x[:, :2], 0), *(stack.at(x[:, at : at + 1], at) for at in range(2, 6))]
    assert torch.allclose(torch.stack(states, 1), expected[:, 1:], atol=1e-4)


def test_matrices_are_put_below_each_other_once() -> None:
    layers = [torch.nn.Linear(4, rows, bias=False) for rows in (3, 2, 5)]
    expected = torch.cat([layer.weight.data for layer in layers])
    whole = fused(layers)
    assert torch.equal(whole, expected) and fused(layers).data_ptr() == whole.data_ptr()
    assert torch.equal(torch.cat([layer.weight for layer in layers]), expected)
    assert fused(layers[:2]).shape == (5, 4) and torch.equal(fused(layers[:2]), expected[:5])
    swapped = fused([layers[1], layers[0]])
    assert torch.equal(swapped, torch.cat((expected[3:5], expected[:3])))
