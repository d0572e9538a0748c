# pyright: reportMissingImports=false
import struct
from pathlib import Path

import numpy as np
import pytest

from benchmarks.whisper_ggml import HYPERPARAMETERS, MAGIC, encoder_state, read_ggml, whisper_encoder

SIZES = (3, 20, 8, 2, 2, 5, 8, 2, 1, 80, 1)
"""In the order of the format: a vocabulary of 3, 20 positions of 8 numbers, 2 heads, 2 layers, ..."""


def _tensor(name: str, values: np.ndarray) -> bytes:
    kind = 1 if values.ndim > 1 else 0
    head = struct.pack("<3i", values.ndim, len(name), kind)
    shape = struct.pack(f"<{values.ndim}i", *reversed(values.shape))
    return head + shape + name.encode() + values.astype("<f2" if kind else "<f4").tobytes()


def _tensors() -> dict[str, np.ndarray]:
    shapes: dict[str, tuple[int, ...]] = {
        "encoder.positional_embedding": (20, 8),
        "encoder.conv1.weight": (8, 80, 3),
        "encoder.conv1.bias": (8, 1),
        "encoder.conv2.weight": (8, 8, 3),
        "encoder.conv2.bias": (8, 1),
        "encoder.ln_post.weight": (8,),
        "encoder.ln_post.bias": (8,),
        "decoder.positional_embedding": (5, 8),
    }
    for layer in range(2):
        block = f"encoder.blocks.{layer}"
        for norm in ("attn_ln", "mlp_ln"):
            shapes |= {f"{block}.{norm}.weight": (8,), f"{block}.{norm}.bias": (8,)}
        for name in ("query", "key", "value", "out"):
            shapes[f"{block}.attn.{name}.weight"] = (8, 8)
            if name != "key":
                shapes[f"{block}.attn.{name}.bias"] = (8,)
        shapes |= {f"{block}.mlp.0.weight": (32, 8), f"{block}.mlp.0.bias": (32,)}
        shapes |= {f"{block}.mlp.2.weight": (8, 32), f"{block}.mlp.2.bias": (8,)}
    rng = np.random.default_rng(9)
    return {
        name: rng.standard_normal(shape).astype(np.float16).astype(np.float32)
        for name, shape in shapes.items()
    }


def _file(path: Path, tensors: dict[str, np.ndarray]) -> Path:
    words = (b"a", b"", b"some")
    path.write_bytes(
        struct.pack("<12i", MAGIC, *SIZES)
        + struct.pack("<2i", 80, 201)
        + np.full((80, 201), 0.5, "<f4").tobytes()
        + struct.pack("<i", len(words))
        + b"".join(struct.pack("<i", len(word)) + word for word in words)
        + b"".join(_tensor(name, values) for name, values in tensors.items())
    )
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    tensors = _tensors()
    whisper = read_ggml(_file(tmp_path / "tiny.bin", tensors))
    assert whisper.hyperparameters == dict(zip(HYPERPARAMETERS, SIZES, strict=True))
    assert whisper.filters.shape == (80, 201)
    assert whisper.tensors.keys() == tensors.keys()
    assert all(np.array_equal(whisper.tensors[name], values) for name, values in tensors.items())
    state = encoder_state(whisper)
    assert state["conv1.bias"].shape == (8,)
    assert np.array_equal(
        state["layers.1.self_attn.k_proj.weight"], tensors["encoder.blocks.1.attn.key.weight"]
    )
    assert not any("decoder" in name for name in state)


def test_transformers_encoder_takes_every_name(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    encoder = whisper_encoder(_file(tmp_path / "tiny.bin", _tensors()))
    assert encoder.embed_positions.weight.shape == (20, 8) and not encoder.training


def test_other_files_are_refused(tmp_path: Path) -> None:
    whole = _file(tmp_path / "tiny.bin", _tensors()).read_bytes()
    for wrong in (
        b"",
        b"\0" * 100,
        whole[: len(whole) - 3],
        whole + b"1234",
        whole + struct.pack("<3i", 1, 2, 9),
    ):
        (tmp_path / "wrong.bin").write_bytes(wrong)
        with pytest.raises(ValueError):
            read_ggml(tmp_path / "wrong.bin")
