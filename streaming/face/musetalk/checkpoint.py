# pyright: reportMissingImports=false
"""From files to networks: plain tensors only, every name and shape as expected, no memory taken twice."""

from __future__ import annotations

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from streaming.errors import EngineUnavailable
from streaming.face.musetalk.sizes import Config
from streaming.gpu.placement import Placement

Tensors = dict[str, torch.Tensor]

_OLD_ATTENTION = {
    "query": "to_q",
    "key": "to_k",
    "value": "to_v",
    "proj_attn": "to_out.0",
}
"""What the VAE's attention was called when its weights were published, and what it is called since."""


def read_config(path: Path) -> Config:
    """A network's configuration.

    Raises:
        EngineUnavailable: it is no JSON object.
    """
    try:
        config = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"'{path}' is damaged ({error}). Fetch it anew.") from error
    if not isinstance(config, dict):
        raise EngineUnavailable(f"'{path}' is no configuration. Fetch it anew.")
    return config


def read_tensors(path: Path) -> Tensors:
    """The tensors of a file, on the CPU. They stay in the file as far as possible, until they are used.

    A pickle is read with ``weights_only``, so nothing in it can run.

    Raises:
        EngineUnavailable: it cannot be read, or holds other things than tensors by name.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors import SafetensorError
            from safetensors.torch import load_file

            try:
                return load_file(path)
            except SafetensorError as error:
                raise _damaged(path, str(error)) from error
        # Files from before PyTorch 1.6 are no archives, and cannot be mapped.
        mapped = zipfile.is_zipfile(path)
        found = torch.load(path, map_location="cpu", mmap=mapped, weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise _damaged(path, str(error).partition("\n")[0]) from error
    if not isinstance(found, dict) or not all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in found.items()
    ):
        raise _damaged(path, "it is no list of tensors by name")
    return dict(found)


def renamed(tensors: Tensors) -> Tensors:
    """The VAE's tensors under the names of today; of old, attention's matrices were 1 x 1 convolutions."""
    named: Tensors = {}
    for name, value in tensors.items():
        stem, _, kind = name.rpartition(".")
        before, _, last = stem.rpartition(".")
        if ".attentions." in f".{before}." and last in _OLD_ATTENTION:
            stem = f"{before}.{_OLD_ATTENTION[last]}"
            value = value[:, :, 0, 0] if value.dim() == 4 else value
        named[f"{stem}.{kind}" if stem else kind] = value
    return named


def below(tensors: Tensors, *prefixes: str) -> Tensors:
    """The tensors whose names begin with one of the prefixes, without it; all, where there is none such."""
    for prefix in prefixes:
        found = {
            name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)
        }
        if found:
            return found
    return tensors


def build(make: Any, tensors: Tensors, path: Path) -> Any:
    """A network with exactly these tensors, which it takes over as they are.

    Args:
        make: called to make it; nothing is allocated for its own weights.
        tensors: all of its tensors by name, and no others.
        path: where they come from, for the message.

    Raises:
        EngineUnavailable: the configuration is none of this class, or names and shapes are others.
    """
    try:
        with torch.device("meta"):
            network = make()
        network.load_state_dict(tensors, strict=True, assign=True)
    except (RuntimeError, TypeError, ValueError, KeyError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise _damaged(path, " ".join(lines[:2])[:300]) from error
    return network.eval().requires_grad_(False)


def place(network: Any, placement: Placement) -> Any:
    """Move a network to its device in its precision, channels last; one tensor after the other."""
    return network.eval().to(
        device=placement.device, dtype=placement.torch_dtype, memory_format=torch.channels_last
    )


def weight_bytes(*networks: torch.nn.Module) -> int:
    """Memory that the weights take."""
    return sum(
        tensor.numel() * tensor.element_size()
        for network in networks
        for tensor in (*network.parameters(), *network.buffers())
    )


def _damaged(path: Path, reason: str) -> EngineUnavailable:
    return EngineUnavailable(f"The weights in '{path}' do not fit MuseTalk ({reason}). Fetch them anew.")
