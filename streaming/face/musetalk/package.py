# pyright: reportMissingImports=false
"""The optional packages of MuseTalk: what is missing, what installs it, and the classes that are used."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import Any

from streaming.errors import EngineUnavailable
from streaming.gpu.placement import Placement, find_placement

INSTALL = 'pip install "lipstream[musetalk]"'
"""The one command that makes everything ready (on a machine with an NVIDIA card too)."""
NEEDED = ("torch", "diffusers", "transformers")
HALF_CAPABILITY = (7, 0)
"""The first compute capability (Volta) with tensor cores, which compute in float16."""


@dataclass(frozen=True, slots=True)
class Classes:
    """The networks' classes, as their packages define them."""

    unet: Any
    vae: Any
    tiny_vae: Any
    whisper_config: Any
    whisper_encoder: Any


def missing() -> tuple[str, ...]:
    """What the engine needs and is not installed; imports nothing."""
    absent: list[str] = []
    for name in NEEDED:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            absent.append(name)
    return tuple(absent)


def import_classes() -> Classes:
    """The classes of the networks.

    Raises:
        EngineUnavailable: something is not installed, or does not work; the message holds the command.
    """
    if absent := missing():
        raise EngineUnavailable(f"The face engine 'musetalk' needs {', '.join(absent)}: {INSTALL}")
    try:
        from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel
        from transformers import WhisperConfig
        from transformers.models.whisper.modeling_whisper import WhisperEncoder
    except (ImportError, RuntimeError) as error:  # Both packages import late, and wrap what goes wrong.
        raise EngineUnavailable(
            f"The face engine 'musetalk' cannot import its networks ({error}): {INSTALL}"
        ) from error
    return Classes(UNet2DConditionModel, AutoencoderKL, AutoencoderTiny, WhisperConfig, WhisperEncoder)


def dtype_for_faces(device: str, capability: tuple[int, int] | None = None) -> str:
    """The precision that faces are drawn in: float16 wherever there are tensor cores for it.

    Not bfloat16, even where it is as fast: its eight bits are less than a pixel has.

    Args:
        device: as torch names it.
        capability: (major, minor) of a CUDA device.
    """
    if not device.startswith("cuda") or capability is None or capability < HALF_CAPABILITY:
        return "float32"
    return "float16"


def find_face_placement(device: str = "auto", dtype: str = "auto") -> Placement:
    """The placement that settings ask for, on this machine.

    Args:
        device: ``auto``, or as torch names it.
        dtype: ``auto``, or one of :data:`streaming.gpu.placement.DTYPES`.

    Raises:
        EngineUnavailable: PyTorch or the device is missing, or a name is unknown.
    """
    if "torch" in missing():
        raise EngineUnavailable(f"The face engine 'musetalk' needs PyTorch: {INSTALL}")
    found = find_placement(device, dtype)
    if dtype != "auto":
        return found
    import torch

    on_card = found.device.startswith("cuda")
    capability = torch.cuda.get_device_capability(torch.device(found.device)) if on_card else None
    return Placement(found.device, dtype_for_faces(found.device, capability))
