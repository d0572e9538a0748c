# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="diffusers is not installed")

from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from streaming.face.musetalk.decoder import VAE_BATCH, TaesdDecoder, VaeDecoder
from streaming.face.musetalk.package import import_classes
from streaming.face.musetalk.sizes import LATENT_SCALE, TAESD, VAE
from tests.support.musetalk import TINY, settings

GIGA = 1e9


@pytest.fixture(scope="module")
def taesd() -> Any:
    """Of the published size: it is small enough."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return import_classes().tiny_vae(**settings(TAESD)).eval().requires_grad_(False)


def latents(count: int) -> torch.Tensor:
    return torch.randn(count, 4, 32, 32, generator=torch.Generator().manual_seed(count))


@torch.inference_mode()
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_leaving_rows_out_changes_no_bit_of_the_rest(taesd: Any, layout: torch.memory_format) -> None:
    network, z = taesd.to(memory_format=layout), latents(1).contiguous(memory_format=layout)
    whole = network.decode(z).sample
    decoder = TaesdDecoder(network.decoder)
    for first_row in (0, 1, 7, 64, 104, 109, 112, 255):
        assert torch.equal(decoder(z, first_row), whole[:, :, first_row:]), first_row


@torch.inference_mode()
def test_leaving_rows_out_saves_a_third(taesd: Any) -> None:
    decoder, z = TaesdDecoder(taesd.decoder), latents(1)
    flops = {}
    for first_row in (0, 104):
        with FlopCounterMode(display=False) as counter:
            decoder(z, first_row)
        flops[first_row] = counter.get_total_flops() / GIGA
    assert flops[0] == pytest.approx(35.3, abs=0.05)
    assert flops[104] == pytest.approx(23.1, abs=0.05)


def test_rows_that_are_asked_for_grow_towards_the_latents(taesd: Any) -> None:
    starts = TaesdDecoder(taesd.decoder).starts(104)
    assert starts[0] == 0 and starts[-1] == 104 and starts == sorted(starts)


@torch.inference_mode()
def test_the_vae_decodes_whole_and_in_parts() -> None:
    torch.manual_seed(1)
    vae = import_classes().vae(**settings(TINY.vae)).eval()
    decoder, z = VaeDecoder(vae), latents(VAE_BATCH + 2)
    whole = vae.decode(z / LATENT_SCALE).sample
    torch.testing.assert_close(decoder(z, 0), whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(decoder(z, 96), whole[:, :, 96:], atol=1e-5, rtol=0)


def test_the_scale_is_the_one_of_the_published_vae() -> None:
    with torch.device("meta"):
        assert import_classes().vae(**settings(VAE)).config.scaling_factor == LATENT_SCALE
        assert import_classes().tiny_vae(**settings(TAESD)).config.scaling_factor == 1
