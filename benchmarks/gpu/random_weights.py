# pyright: reportMissingImports=false
"""Random weights of MuseTalk's networks, laid out as published ones, so that the real loading reads them.

Pictures of random networks are grey, and numbers of deep ones vanish or overflow: so all weights are drawn
to keep the size of what passes through them, and the last layer of each decoder is scaled to give pictures
whose pixels differ as much as those of photographs.
"""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from benchmarks.gpu_tts.random_weights import made_on
from streaming.face.musetalk.package import import_classes
from streaming.face.musetalk.sizes import LATENT_SCALE, Config, Sizes
from streaming.gpu.placement import Placement

_PICTURE = "diffusion_pytorch_model.safetensors"
_SPREAD = 0.4
"""Standard deviation of pixels in -1..1."""


def settings(config: Config) -> Config:
    """What a network's class takes of a configuration."""
    return {name: value for name, value in config.items() if not name.startswith("_")}


def write_weights(folder: Path, sizes: Sizes, placement: Placement, seed: int = 0) -> Path:
    """Write all four networks as docs/musetalk.md lays them out.

    Args:
        folder: takes them.
        sizes: configurations.
        placement: where they are made, and the precision that they are written in.
        seed: the same one gives the same weights on the same device.
    """
    for path, config in (
        ("musetalkV15/musetalk.json", sizes.unet),
        ("sd-vae/config.json", sizes.vae),
        ("taesd/config.json", sizes.taesd),
        ("whisper/config.json", sizes.whisper),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    makers = {
        "musetalkV15/unet.safetensors": (_unet, "", sizes.unet),
        f"sd-vae/{_PICTURE}": (_vae, "", sizes.vae),
        f"taesd/{_PICTURE}": (_taesd, "", sizes.taesd),
        "whisper/model.safetensors": (_whisper, "model.encoder.", sizes.whisper),
    }
    for path, (make, prefix, config) in makers.items():
        # One at a time: all of them would take twice what they take when loaded.
        with made_on(placement, seed), torch.no_grad():
            tensors = make(config).state_dict()
        save_file({prefix + name: value.cpu().contiguous() for name, value in tensors.items()}, folder / path)
        del tensors
        gc.collect()
    return folder


def _unet(config: Config) -> Any:
    return _drawn(import_classes().unet(**settings(config)))


def _vae(config: Config) -> Any:
    vae = _drawn(import_classes().vae(**settings(config)))
    _scale(vae.decoder.conv_out, lambda: vae.decode(_latents() / LATENT_SCALE).sample, 0.0, _SPREAD)
    return vae


def _taesd(config: Config) -> Any:
    taesd = _drawn(import_classes().tiny_vae(**settings(config)))
    # Its layers give 0..1.
    last = taesd.decoder.layers[-1]
    _scale(last, lambda: (taesd.decoder(_latents()) + 1) / 2, 0.5, _SPREAD / 2)
    return taesd


def _whisper(config: Config) -> Any:
    classes = import_classes()
    encoder = classes.whisper_encoder(classes.whisper_config(**config))
    positions = encoder.embed_positions.weight.clone()
    _drawn(encoder).embed_positions.weight.copy_(positions)
    return encoder


def _latents() -> torch.Tensor:
    """As large as those of faces, on the default device."""
    return torch.randn(1, 4, 32, 32) * 0.9


def _drawn(network: Any) -> Any:
    """Weights that keep the size of what passes through them."""
    for weight in network.parameters():
        if weight.dim() > 1:
            weight.normal_(std=weight[0].numel() ** -0.5)
    return network.eval().requires_grad_(False)


def _scale(last: Any, pictures: Any, middle: float, spread: float) -> None:
    """Change the last convolution so that pixels have this mean and this standard deviation."""
    last.bias.zero_()
    made = pictures().float()
    factor = spread / float(made.std())
    last.weight.mul_(factor)
    last.bias.fill_(middle - float(made.mean()) * factor)
