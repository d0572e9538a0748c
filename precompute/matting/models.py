"""The networks that tell a person from the background, by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from precompute.matting import modnet, rembg_model
from precompute.matting.rembg_model import Matter

SMALLEST = "u2netp"
MATTING_MODELS = (*rembg_model.MODELS, modnet.NAME)
"""rembg's that run on this machine, and MODNet; all Apache-2.0 or MIT."""


def matter_of(model: str | None = None) -> Matter:
    """The network of that name, which is loaded when it is first needed.

    Args:
        model: one of ``MATTING_MODELS``; ``None``: MODNet where its file is on this machine, else ``u2netp``.

    Raises:
        EngineUnavailable: there is no such model.
    """
    if model is None:
        model = SMALLEST if modnet.model_file() is None else modnet.NAME
    return modnet.ModnetMatter() if model == modnet.NAME else rembg_model.RembgMatter(model)


def is_installed() -> bool:
    """Whether the packages are here that every matte needs: rembg, and pymatting, which comes with it."""
    return all(importlib.util.find_spec(name) is not None for name in ("rembg", "pymatting"))


def models_here() -> list[str]:
    """The models whose files are on this machine, in no way loaded."""
    home = modnet.models_home()
    older = Path.home() / ".u2net"
    places = {
        name: (home / "models" / name / f"{name}.onnx", home / f"{name}.onnx", older / f"{name}.onnx")
        for name in rembg_model.MODELS
    }
    found = [name for name, paths in places.items() if any(path.is_file() for path in paths)]
    return found if modnet.model_file() is None else [*found, modnet.NAME]
