# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

from types import SimpleNamespace
from typing import Any

import torch

from benchmarks.gpu_tts import counting
from benchmarks.gpu_tts.counting import copy_bandwidth, kernels, weight_bytes_per_frame
from benchmarks.gpu_tts.random_weights import random_network
from benchmarks.gpu_tts.sizes import SIZES

CPU = torch.device("cpu")


@pytest.mark.parametrize(("name", "gigabytes"), [("1.7b", 5.3), ("0.6b", 3.3)])
def test_published_sizes_read_what_they_are_known_to_read(name: str, gigabytes: float) -> None:
    """16 bits; counted without making the weights."""
    with torch.device("meta"):
        network = random_network(SIZES[name], "custom_voice")
    model: Any = SimpleNamespace(talker=network.talker)
    assert weight_bytes_per_frame(model) / 2 == pytest.approx(gigabytes * 1e9, rel=0.02)


def test_only_what_computes_is_counted() -> None:
    x = torch.ones(4, 4)
    assert kernels(lambda: x.view(16).reshape(2, 8).to(torch.float32), CPU) == 0
    assert kernels(lambda: (x.t() @ x).add_(1), CPU) == 2
    assert kernels(lambda: x.to(torch.float16), CPU) == 1


def test_a_copy_takes_time() -> None:
    assert 1e8 < copy_bandwidth(CPU) < 1e13


def test_a_card_whose_counters_are_closed_is_not_said_to_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers often may not read them; a prediction is made from the number."""
    monkeypatch.setattr(counting, "synchronise", lambda _: None)
    x = torch.ones(4, 4)
    assert kernels(lambda: (x.t() @ x).add_(1), torch.device("cuda")) == 2
