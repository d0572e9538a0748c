# pyright: reportMissingImports=false
"""PyTorch, or what to do where it is missing."""

from __future__ import annotations

from streaming.errors import EngineUnavailable

INSTALL = "pip install torch --index-url https://download.pytorch.org/whl/cpu, and pip install onnx"

try:
    import torch
except ImportError as error:
    raise EngineUnavailable(
        f"Training needs PyTorch, which the program itself does not: {INSTALL}"
    ) from error

__all__ = ["torch"]
