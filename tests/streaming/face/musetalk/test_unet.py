# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="diffusers is not installed")

import copy
from collections import Counter
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from streaming.face.musetalk.package import import_classes
from streaming.face.musetalk.sizes import UNET
from streaming.face.musetalk.unet import FaceUNet, fold_time
from streaming.face.musetalk.unet_parts import activated
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


class _Counting(TorchDispatchMode):
    """What is computed, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


def test_nothing_is_computed_that_changes_nothing(network: torch.nn.Module) -> None:
    latents, features = inputs()
    folded = FaceUNet(copy.deepcopy(network)).to(memory_format=torch.channels_last)
    with torch.inference_mode(), _Counting() as plain:
        network(latents, torch.tensor([0]), encoder_hidden_states=features)
    with torch.inference_mode(), _Counting() as counted:
        folded(latents.contiguous(memory_format=torch.channels_last), features)
    assert counted.seen["div"] == 0
    # Three matrices less for each of sixteen pairs of attentions.
    assert plain.seen["linear"] - counted.seen["linear"] >= 3 * 16
    weights = [
        sum(
            p.numel()
            for n, p in net.named_parameters()
            if "attn" in n or "query" in n or "key" in n or ".seen" in n or ".heard" in n
        )
        for net in (network, folded)
    ]
    assert weights[0] == weights[1], "joined matrices take the place of those that they were"


def test_pictures_come_out_channels_last_whatever_a_norm_makes_of_them() -> None:
    """On CUDA group norms give channels first."""
    first = torch.randn(2, 8, 4, 4)
    assert not first.is_contiguous(memory_format=torch.channels_last)
    for picture in (first, first.contiguous(memory_format=torch.channels_last)):
        made = activated(picture)
        assert made.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(made, torch.nn.functional.silu(picture))
