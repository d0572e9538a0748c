# pyright: reportMissingImports=false
"""MuseTalk under test: networks of the real classes with random weights, tiny or of the published sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from benchmarks.gpu.sizes import MINI as MINI
from benchmarks.gpu.sizes import TINY as TINY
from streaming.face.musetalk.checkpoint import place
from streaming.face.musetalk.decoder import TaesdDecoder, VaeDecoder
from streaming.face.musetalk.model import MuseTalkModel
from streaming.face.musetalk.package import import_classes
from streaming.face.musetalk.sizes import Config, Sizes
from streaming.face.musetalk.unet import FaceUNet
from streaming.gpu.placement import Placement

CPU = Placement("cpu", "float32")


def settings(config: Config) -> Config:
    """What a network's class takes of a configuration."""
    return {name: value for name, value in config.items() if not name.startswith("_")}


def random_model(sizes: Sizes, placement: Placement, seed: int = 0, with_vae: bool = True) -> MuseTalkModel:
    """Networks with random weights, made on the device in the precision that they run in."""
    classes = import_classes()
    with _made_on(placement, seed):
        unet = FaceUNet(_ready(classes.unet(**settings(sizes.unet))))
        taesd = TaesdDecoder(_ready(classes.tiny_vae(**settings(sizes.taesd))).decoder)
        vae = VaeDecoder(_ready(classes.vae(**settings(sizes.vae)))) if with_vae else None
        whisper = _ready(classes.whisper_encoder(classes.whisper_config(**sizes.whisper)))
    return MuseTalkModel(
        unet=place(unet, placement),
        taesd=place(taesd, placement),
        vae=place(vae, placement) if vae is not None else None,
        whisper=place(whisper, placement),
        placement=placement,
    )


def write_folder(path: Path, sizes: Sizes = TINY, seed: int = 0) -> Path:
    """A folder of weights as docs/musetalk.md describes it, in the formats of the published files."""
    from transformers import WhisperModel

    classes = import_classes()
    torch.manual_seed(seed)
    for name, config in (("musetalkV15/musetalk", sizes.unet), ("sd-vae/config", sizes.vae)):
        write_config(path / f"{name}.json", config)
    write_config(path / "taesd/config.json", sizes.taesd)
    write_config(path / "whisper/config.json", sizes.whisper)
    torch.save(classes.unet(**settings(sizes.unet)).state_dict(), path / "musetalkV15/unet.pth")
    diffusers = "diffusion_pytorch_model.safetensors"
    save_file(classes.vae(**settings(sizes.vae)).state_dict(), path / "sd-vae" / diffusers)
    taesd = _louder(classes.tiny_vae(**settings(sizes.taesd)).state_dict(), "decoder", 2)
    save_file(taesd, path / "taesd" / diffusers)
    whisper = _louder(WhisperModel(classes.whisper_config(**sizes.whisper)).state_dict(), "encoder.conv", 10)
    named = {f"model.{name}": value.contiguous() for name, value in whisper.items()}
    save_file(named, path / "whisper/model.safetensors")
    return path


def _louder(tensors: dict[str, torch.Tensor], convolutions: str, gain: float) -> dict[str, torch.Tensor]:
    """Random networks say nearly the same whatever they are given; with more gain it can be told apart."""
    return {
        name: gain * value if convolutions in name and value.ndim > 2 else value
        for name, value in tensors.items()
    }


def write_config(path: Path, config: Config) -> None:
    """As the published files are written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config, indent=2) + "\n", "utf-8")


def _ready(network: Any) -> Any:
    return network.eval().requires_grad_(False)


@contextmanager
def _made_on(placement: Placement, seed: int) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.manual_seed(seed)
    torch.set_default_dtype(placement.torch_dtype)
    try:
        with torch.device(placement.device):
            yield
    finally:
        torch.set_default_dtype(before)
