# pyright: reportMissingImports=false
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.qwen3 import Rig

KINDS = ("base", "custom_voice", "voice_design")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a checkpoint of a kind: a tiny one made here, or the real one that is named."""
    from benchmarks.gpu_tts.random_weights import write_checkpoint
    from benchmarks.gpu_tts.sizes import SIZES
    from streaming.speech.qwen3.weights import find_weights
    from tests.support.qwen3 import REAL

    made: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if real := os.environ.get(REAL):
            path = find_weights(real)
            if f'"tts_model_type": "{kind}"' not in (path / "config.json").read_text("utf-8"):
                pytest.skip(f"{REAL} names a model of another kind than {kind}")
            return path
        if kind not in made:
            path = tmp_path_factory.mktemp(kind)
            made[kind] = write_checkpoint(path, SIZES["tiny"], kind, seed=KINDS.index(kind))
        return made[kind]

    return folder


@pytest.fixture(scope="session")
def rigs(checkpoint: Callable[[str], Path]) -> Callable[[str], Rig]:
    """Loaded checkpoints by kind."""
    import torch

    from tests.support.qwen3 import Rig

    torch.set_num_threads(1)
    loaded: dict[str, Rig] = {}

    def rig(kind: str) -> Rig:
        folder = checkpoint(kind)
        if kind not in loaded:
            loaded[kind] = Rig(folder)
        return loaded[kind]

    return rig


@pytest.fixture
def base(rigs: Callable[[str], Rig]) -> Rig:
    return rigs("base")
