# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

from collections.abc import Callable
from pathlib import Path

import torch

from streaming.speech.qwen3.graphs import GraphLoop
from streaming.speech.qwen3.loop import Stream
from streaming.speech.qwen3.machine import load_machine
from streaming.speech.qwen3.options import Qwen3Options


@pytest.mark.parametrize("kind", ["base", "custom_voice", "voice_design"])
def test_whatever_speaks_has_spoken_before_anybody_waits(
    checkpoint: Callable[[str], Path], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Stream] = []
    step = GraphLoop.step

    def watched(loop: GraphLoop, streams: list[Stream]) -> list[torch.Tensor | None]:
        said.extend(stream for stream in streams if stream not in said)
        return step(loop, streams)

    monkeypatch.setattr(GraphLoop, "step", watched)
    machine = load_machine(checkpoint(kind), Qwen3Options(device="cpu", sessions=2))
    assert [stream.frames for stream in said] == [2]
    assert machine.loop.free == machine.loop.capacity == 2
