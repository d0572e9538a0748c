# pyright: reportMissingImports=false
"""What a checkpoint's files say about it, without loading it and without PyTorch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from streaming.errors import EngineUnavailable
from streaming.speech.qwen3.languages import tags_of
from streaming.speech.qwen3.weights import FILES, MODELS, check_folder, hub_address

BASE, CUSTOM_VOICE, VOICE_DESIGN = "base", "custom_voice", "voice_design"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint that lies on this machine.

    Attributes:
        folder: where.
        kind: :data:`BASE`, :data:`CUSTOM_VOICE` or :data:`VOICE_DESIGN`.
        size: as it calls itself, such as ``1b7``.
        speakers: built-in ones, in lower case.
        languages: tags, English first.
        name: under which voices keep what it made of them.
        revision: tells its weights from others of that name.
    """

    folder: Path
    kind: str
    size: str
    speakers: tuple[str, ...]
    languages: tuple[str, ...]
    name: str
    revision: str


def read_checkpoint(folder: Path, model: str) -> Checkpoint:
    """Look at a folder.

    Args:
        folder: of a checkpoint.
        model: how the settings call it.

    Raises:
        EngineUnavailable: it holds no 12 Hz model.
    """
    check_folder(folder)
    text = (folder / "config.json").read_bytes()
    config = json.loads(text)
    talker = config.get("talker_config") or {}
    if config.get("tts_model_type") not in (BASE, CUSTOM_VOICE, VOICE_DESIGN):
        raise EngineUnavailable(
            f"The folder '{folder}' holds a model of unknown kind. Use one of: {', '.join(MODELS)}."
        )
    sizes = sorted((path.name, path.stat().st_size) for path in folder.glob("*.safetensors"))
    repository = MODELS.get(model.lower(), model)
    return Checkpoint(
        folder,
        config["tts_model_type"],
        str(config.get("tts_model_size", "")),
        tuple(talker.get("spk_id") or ()),
        tags_of(talker.get("codec_language_id") or ()),
        repository if not Path(model).expanduser().is_dir() else folder.resolve().name,
        hashlib.sha256(text + repr(sizes).encode()).hexdigest()[:16],
    )


def local_folder(model: str, revision: str) -> Path | None:
    """The folder of a model if it is on this machine already; the network is not asked.

    Raises:
        EngineUnavailable: the model is a folder that holds something else, or is no model at all.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        check_folder(folder)
        return folder
    repository, commit = hub_address(model, revision)
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError:
        return None
    try:
        found = snapshot_download(
            repository, revision=commit, allow_patterns=list(FILES), local_files_only=True
        )
    except (LocalEntryNotFoundError, OSError, ValueError):
        return None
    try:
        check_folder(Path(found))
    except EngineUnavailable:
        # Fetched in part.
        return None
    return Path(found)


def fetch_command(model: str, revision: str) -> str:
    """What fetches a model that is not here."""
    repository, commit = hub_address(model, revision)
    return f"hf download {repository} --revision {commit}"
