# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="diffusers is not installed")

import copy

import torch

from streaming.face.musetalk.package import import_classes
from streaming.face.musetalk.sizes import UNET
from streaming.face.musetalk.unet import FaceUNet, fold_time
from tests.support.musetalk import TINY, settings

INPUTS = 3


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(3)
    return import_classes().unet(**settings(TINY.unet)).eval().requires_grad_(False)


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    made = torch.Generator().manual_seed(4)
    return (torch.randn(INPUTS, 8, 32, 32, generator=made), torch.randn(INPUTS, 50, 384, generator=made))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_draws_what_diffusers_draws_at_timestep_0(
    network: torch.nn.Module, layout: torch.memory_format
) -> None:
    latents, features = inputs()
    plain = network(latents, torch.tensor([0]), encoder_hidden_states=features).sample
    elsewhere = network(latents, torch.tensor([500]), encoder_hidden_states=features).sample
    folded = FaceUNet(copy.deepcopy(network)).to(memory_format=layout)
    with torch.inference_mode():
        drawn = folded(latents.contiguous(memory_format=layout), features)
    torch.testing.assert_close(drawn, plain, atol=1e-5, rtol=0)
    # The embedding of time does matter, so it was not lost on the way.
    assert (plain - elsewhere).abs().max() > 1e-3


def test_nothing_of_time_is_left(network: torch.nn.Module) -> None:
    folded = FaceUNet(copy.deepcopy(network))
    assert not [name for name, _ in folded.named_parameters() if "time" in name]
    assert not any(parameter.requires_grad for parameter in folded.parameters())


def test_the_embedding_is_rounded_once(network: torch.nn.Module) -> None:
    """Weights that are in half precision already are added up in float32."""
    half = copy.deepcopy(network).half()
    assert fold_time(half) == 22
    biases = [module.conv1.bias for module in half.modules() if hasattr(module, "conv1")]
    assert {bias.dtype for bias in biases} == {torch.float32} and len(biases) == 22


def test_the_real_one_folds_22_blocks_and_saves_28_million_weights() -> None:
    with torch.device("meta"):
        whole = import_classes().unet(**settings(UNET))
    blocks = [module for module in whole.modules() if getattr(module, "time_emb_proj", None) is not None]
    time = sum(p.numel() for name, p in whole.named_parameters() if "time_emb" in name)
    assert len(blocks) == 22 and round(time / 1e6) == 28
