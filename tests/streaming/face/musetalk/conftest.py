# pyright: reportMissingImports=false
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from streaming.face.musetalk.model import MuseTalkModel


@pytest.fixture(scope="session")
def musetalk_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny networks of random weights, laid out as the published ones. Needs PyTorch."""
    import torch

    from tests.support.musetalk import write_folder

    torch.set_num_threads(1)
    return write_folder(tmp_path_factory.mktemp("musetalk"))


@pytest.fixture(scope="session")
def tiny_model(musetalk_folder: Path) -> MuseTalkModel:
    """Those networks, loaded as real ones are, on the CPU."""
    from streaming.face.musetalk.model import load_model
    from streaming.face.musetalk.weights import find_weights
    from tests.support.musetalk import CPU

    return load_model(find_weights(str(musetalk_folder)), CPU)
