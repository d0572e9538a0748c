"""What a model made of a voice's reference, kept so that it is made once: ``prompt-<model>.safetensors``."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from streaming.speech.profiles.errors import ProfileInvalid

VERSION = "1"
CODEBOOKS = 16
CODES = 2048
"""Entries of one codebook."""
MAX_FRAMES = 1024
"""A minute has 750, at 12.5 per second."""
MAX_EMBEDDING = 8192
MAX_PROMPT_BYTES = 1 << 20
MAX_MODEL_NAME = 100

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class VoicePrompt:
    """A reference as one model understands it.

    Attributes:
        model: which model made it, such as ``Qwen/Qwen3-TTS-12Hz-0.6B-Base``.
        revision: of its weights. What another revision made is not used.
        speaker_embedding: (D,) float32.
        ref_code: (frames, 16) int64 codes of the reference, 0..2047; ``None`` without a transcript.
    """

    model: str
    revision: str
    speaker_embedding: NDArray[np.float32]
    ref_code: NDArray[np.int64] | None = None


def prompt_name(model: str) -> str:
    """The file that keeps what this model made.

    Raises:
        ProfileInvalid: nothing in the name can name a file.
    """
    name = re.sub(r"[^a-z0-9.]+", "-", model.lower()).strip("-.")
    if not name or len(model) > MAX_MODEL_NAME:
        raise ProfileInvalid(f"'{model[:MAX_MODEL_NAME]}' cannot be a model's name. Use letters and digits.")
    return f"prompt-{name}.safetensors"


def write_prompt(folder: Path, prompt: VoicePrompt, reference_sha256: str) -> None:
    """Keep a prompt in a profile's folder, in one step.

    Raises:
        ProfileInvalid: its shapes, types or values are not those of a prompt.
        OSError: it cannot be written.
    """
    _check(prompt)
    tensors: dict[str, NDArray[np.float32] | NDArray[np.int64]] = {
        "speaker_embedding": np.ascontiguousarray(prompt.speaker_embedding)
    }
    if prompt.ref_code is not None:
        tensors["ref_code"] = np.ascontiguousarray(prompt.ref_code)
    metadata = {
        "version": VERSION,
        "model": prompt.model,
        "revision": prompt.revision,
        "reference_sha256": reference_sha256,
    }
    place = folder / prompt_name(prompt.model)
    hidden = folder / f".{place.name}.{os.getpid()}"
    try:
        with hidden.open("wb") as file:
            file.write(save(tensors, metadata))
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(place)
    finally:
        hidden.unlink(missing_ok=True)


def read_prompt(folder: Path, model: str, revision: str, reference_sha256: str) -> VoicePrompt | None:
    """What this model, in this revision, made of this very reference; ``None`` when it has to be made anew.

    A damaged file counts as none: it is only a copy of what the reference gives.
    """
    path = folder / prompt_name(model)
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    try:
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_PROMPT_BYTES:
            raise ProfileInvalid("it is no plain file of a sensible size")
        with safe_open(path, framework="numpy") as file:
            known = file.metadata() or {}
            wanted = (VERSION, model, revision, reference_sha256)
            if tuple(known.get(k) for k in ("version", "model", "revision", "reference_sha256")) != wanted:
                return None
            names = set(file.keys())
            if not {"speaker_embedding"} <= names <= {"speaker_embedding", "ref_code"}:
                raise ProfileInvalid("it holds other tensors than a prompt has")
            embedding = file.get_tensor("speaker_embedding")
            code = file.get_tensor("ref_code") if "ref_code" in names else None
        prompt = VoicePrompt(model, revision, embedding, code)
        _check(prompt)
    except (OSError, SafetensorError, ProfileInvalid) as error:
        _log.warning("a cached voice prompt is not used", file=str(path), reason=str(error))
        return None
    return prompt


def _check(prompt: VoicePrompt) -> None:
    embedding, code = prompt.speaker_embedding, prompt.ref_code
    if embedding.dtype != np.float32 or embedding.ndim != 1 or not 0 < embedding.size <= MAX_EMBEDDING:
        raise ProfileInvalid(
            f"A speaker embedding is float32 (D,), not {embedding.dtype} {embedding.shape}. Make it anew."
        )
    if not np.isfinite(embedding).all():
        raise ProfileInvalid("The speaker embedding holds NaN or infinity. Make it anew.")
    if code is None:
        return
    if code.dtype != np.int64 or code.ndim != 2 or code.shape[1] != CODEBOOKS:
        raise ProfileInvalid(f"Codes are int64 (T, {CODEBOOKS}), not {code.dtype} {code.shape}.")
    if not 0 < len(code) <= MAX_FRAMES:
        raise ProfileInvalid(f"A reference has 1 to {MAX_FRAMES} frames of codes, not {len(code)}.")
    if code.min() < 0 or code.max() >= CODES:
        raise ProfileInvalid(f"Codes are 0 to {CODES - 1}. Make the prompt anew.")
