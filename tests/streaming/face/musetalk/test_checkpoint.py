# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from streaming.errors import EngineUnavailable
from streaming.face.musetalk.checkpoint import (
    below,
    build,
    place,
    read_config,
    read_tensors,
    renamed,
    weight_bytes,
)
from streaming.gpu.placement import Placement


class Runs:
    """What a pickle must not be able to do."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("it ran",)


def test_pickles_and_safetensors_give_the_same(tmp_path: Path) -> None:
    tensors = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.ones(1)}
    torch.save(tensors, tmp_path / "new.pth")
    torch.save(tensors, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file(tensors, tmp_path / "it.safetensors")
    for name in ("new.pth", "old.pth", "it.safetensors"):
        found = read_tensors(tmp_path / name)
        assert found.keys() == tensors.keys()
        assert all(torch.equal(found[key], tensors[key]) for key in tensors)


def test_nothing_in_a_pickle_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"a": Runs()}, tmp_path / "bad.pth")
    with pytest.raises(EngineUnavailable, match="Fetch them anew"):
        read_tensors(tmp_path / "bad.pth")
    assert "it ran" not in capsys.readouterr().out


def test_what_is_not_whole_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(100)}, tmp_path / "cut.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "cut.pth").read_bytes()[:-60])
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0")
    torch.save({"a": {"b": torch.ones(1)}}, tmp_path / "nested.pth")
    for name in ("cut.pth", "cut.safetensors", "nested.pth", "not there.pth"):
        with pytest.raises(EngineUnavailable, match="Fetch them anew"):
            read_tensors(tmp_path / name)
    for text in ("{", "[]"):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(EngineUnavailable, match="Fetch it anew"):
            read_config(tmp_path / "config.json")


def test_a_network_takes_exactly_its_tensors(tmp_path: Path) -> None:
    weights = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}
    network = build(lambda: nn.Linear(3, 2), weights, tmp_path)
    assert network.weight.data_ptr() == weights["weight"].data_ptr()
    assert not network.training and not network.weight.requires_grad
    for wrong in (
        {"weight": weights["weight"]},
        {**weights, "more": torch.ones(1)},
        {**weights, "bias": torch.ones(3)},
    ):
        with pytest.raises(EngineUnavailable, match="do not fit MuseTalk"):
            build(lambda: nn.Linear(3, 2), wrong, tmp_path)


def test_placing_changes_precision_and_layout() -> None:
    network = place(nn.Conv2d(3, 8, 3), Placement("cpu", "float16"))
    assert network.weight.dtype is torch.float16
    assert network.weight.is_contiguous(memory_format=torch.channels_last)
    assert weight_bytes(network) == 2 * (3 * 8 * 9 + 8)


def test_old_names_of_attention_are_understood() -> None:
    old = {
        "encoder.mid_block.attentions.0.query.weight": torch.ones(4, 4, 1, 1),
        "encoder.mid_block.attentions.0.key.bias": torch.ones(4),
        "encoder.mid_block.attentions.0.proj_attn.weight": torch.ones(4, 4),
        "decoder.conv_in.weight": torch.ones(4, 4, 1, 1),
        "value": torch.ones(1),
    }
    assert {name: tuple(value.shape) for name, value in renamed(old).items()} == {
        "encoder.mid_block.attentions.0.to_q.weight": (4, 4),
        "encoder.mid_block.attentions.0.to_k.bias": (4,),
        "encoder.mid_block.attentions.0.to_out.0.weight": (4, 4),
        "decoder.conv_in.weight": (4, 4, 1, 1),
        "value": (1,),
    }


def test_a_part_of_a_checkpoint_is_found_under_either_name() -> None:
    one, two = torch.ones(1), torch.zeros(1)
    for prefix in ("model.encoder.", "encoder.", ""):
        found = below({f"{prefix}conv.weight": one, "model.decoder.x": two}, "model.encoder.", "encoder.")
        assert found["conv.weight"] is one
