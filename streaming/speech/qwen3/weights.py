# pyright: reportMissingImports=false
"""From the name of a model to a folder with its files."""

from __future__ import annotations

import json
from pathlib import Path

import structlog

from streaming.errors import EngineUnavailable
from streaming.speech.qwen3.package import INSTALL

MODELS = {
    "1.7b-base": "Qwen/Qwen3-TTS-12Hz-1.7B-Base",
    "1.7b-custom": "Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice",
    "1.7b-design": "Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign",
    "0.6b-base": "Qwen/Qwen3-TTS-12Hz-0.6B-Base",
    "0.6b-custom": "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice",
}
"""Short names of the published models. A hub id or a folder may be given instead."""
COMMITS = {
    "Qwen/Qwen3-TTS-12Hz-1.7B-Base": "fd4b254389122332181a7c3db7f27e918eec64e3",
    "Qwen/Qwen3-TTS-12Hz-1.7B-CustomVoice": "0c0e3051f131929182e2c023b9537f8b1c68adfe",
    "Qwen/Qwen3-TTS-12Hz-1.7B-VoiceDesign": "5ecdb67327fd37bb2e042aab12ff7391903235d3",
    "Qwen/Qwen3-TTS-12Hz-0.6B-Base": "5d83992436eae1d760afd27aff78a71d676296fc",
    "Qwen/Qwen3-TTS-12Hz-0.6B-CustomVoice": "85e237c12c027371202489a0ec509ded67b5e4b5",
}
"""The commit of each that is used unless another is asked for. Several public projects pin the same five."""
DEFAULT_REVISION = "main"
"""Of a repository that is not listed. It moves, so the commit that it stood for is written to the log."""
FILES = ("*.json", "*.txt", "*.safetensors", "speech_tokenizer/*.json", "speech_tokenizer/*.safetensors")
"""What is fetched: no pickles, no pictures."""
_MODEL_TYPE = "qwen3_tts"

log = structlog.get_logger(__name__)


def find_weights(model: str, revision: str | None = None) -> Path:
    """The folder that holds a model, fetched first if need be.

    Args:
        model: a folder, a hub id, or one of :data:`MODELS`.
        revision: the commit, tag or branch to fetch from the hub; that of :data:`COMMITS` when not given. Has
            no meaning for a folder.

    Raises:
        EngineUnavailable: there is no such folder, it holds something else, or the hub cannot be reached.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        check_folder(folder)
        return folder
    folder = _fetch(*hub_address(model, revision))
    check_folder(folder)
    return folder


def hub_address(model: str, revision: str | None = None) -> tuple[str, str]:
    """Repository and revision of a model that is no folder.

    Raises:
        EngineUnavailable: that is the name of no model.
    """
    repository = MODELS.get(model.lower(), model)
    if repository.count("/") != 1 or repository.startswith((".", "/", "~")):
        raise EngineUnavailable(
            f"'{model}' is neither a folder nor a model. Let LIPSTREAM_QWEN3_MODEL be the folder of a "
            f"Qwen3-TTS 12 Hz model, a hub id such as {MODELS['1.7b-base']}, or one of: {', '.join(MODELS)}."
        )
    return repository, revision or COMMITS.get(repository, DEFAULT_REVISION)


def check_folder(folder: Path) -> None:
    """Make sure that a folder holds a 12 Hz model.

    Raises:
        EngineUnavailable: it does not; the message says what is missing.
    """
    for name in ("config.json", "speech_tokenizer/config.json"):
        if not (folder / name).is_file():
            raise EngineUnavailable(
                f"The folder '{folder}' holds no Qwen3-TTS model: '{name}' is missing. It has to be a whole "
                f"copy of a repository such as {MODELS['1.7b-base']}."
            )
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except ValueError as error:
        raise EngineUnavailable(f"'{folder / 'config.json'}' is damaged. Fetch the model anew.") from error
    if config.get("model_type") != _MODEL_TYPE or "12hz" not in str(config.get("tokenizer_type")):
        raise EngineUnavailable(
            f"The folder '{folder}' holds another model than Qwen3-TTS 12 Hz (model_type "
            f"'{config.get('model_type')}', tokenizer_type '{config.get('tokenizer_type')}')."
        )


def _fetch(repository: str, revision: str) -> Path:
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise EngineUnavailable(f"Fetching weights needs huggingface_hub: {INSTALL}") from error
    try:
        folder = Path(snapshot_download(repository, revision=revision, allow_patterns=list(FILES)))
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, OSError) as error:
        raise EngineUnavailable(
            f"The weights of {repository} at '{revision}' are not on this machine and cannot be fetched "
            f"({type(error).__name__}). With a connection: hf download {repository} --revision {revision}. "
            "Without one: copy that repository's files here and give the folder as the model."
        ) from error
    # The hub's cache names a snapshot's folder after its commit.
    log.info("qwen3 weights", repository=repository, revision=revision, commit=folder.name)
    if revision == DEFAULT_REVISION:
        log.warning(
            "qwen3 weights are not pinned: set the revision to this commit",
            repository=repository,
            commit=folder.name,
        )
    return folder
