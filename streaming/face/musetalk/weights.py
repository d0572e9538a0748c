# pyright: reportMissingImports=false
"""From nothing, or the name of a folder, to the files of MuseTalk's four networks.

Commits and checksums are those that many public projects pin; none disagrees. Files from the hub that differ
are refused. A folder may hold other weights (MuseTalk's training is public), so there it is only said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import structlog

from avatars.digest import digest_of
from streaming.errors import EngineUnavailable
from streaming.face.musetalk.package import INSTALL

FOLDER_SETTING = "LIPSTREAM_MUSETALK_FOLDER"
_POINTER = b"version https://git-lfs"
"""What a file begins with that was copied without its contents."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """Where one network comes from.

    Attributes:
        repository: on the Hugging Face hub.
        commit: of that repository.
        config: its configuration there.
        weights: its weights there.
        folders: names of its folder in a local copy; the first is ours.
        others: further names of the weights' file in such a folder. ``.bin`` and ``.pth`` are pickles, and
            read as plain tensors only.
    """

    repository: str
    commit: str
    config: str
    weights: str
    folders: tuple[str, ...]
    others: tuple[str, ...]


PARTS: Mapping[str, Part] = {
    "unet": Part(
        "TMElyralab/MuseTalk",
        "3ef28bc5cff08c90ad8178a25f1b570cd800170f",
        "musetalkV15/musetalk.json",
        "musetalkV15/unet.pth",
        ("musetalkV15",),
        ("unet.safetensors",),
    ),
    "whisper": Part(
        "openai/whisper-tiny",
        "169d4a4341b33bc18d8881c4b69c2e104e1cc0af",
        "config.json",
        "model.safetensors",
        ("whisper",),
        ("pytorch_model.bin",),
    ),
    "taesd": Part(
        "madebyollin/taesd",
        "614f76814bbe30edbe2e627ace1c2234c81a2c0e",
        "config.json",
        "diffusion_pytorch_model.safetensors",
        ("taesd",),
        (),
    ),
    "vae": Part(
        "stabilityai/sd-vae-ft-mse",
        "31f26fdeee1355a5c34592e401dd41e45d25a493",
        "config.json",
        "diffusion_pytorch_model.safetensors",
        ("sd-vae", "sd-vae-ft-mse"),
        ("diffusion_pytorch_model.bin",),
    ),
}
CHECKSUMS: Mapping[tuple[str, str], str] = {
    ("unet", "musetalk.json"): "5b6923aee04d71692e0e9846c471e0a4ea07a4f686d39545e472bd4ba17e1b47",
    ("unet", "unet.pth"): "7ebf6c98c181e20838e4c0054e96e944ac60d5d692cc01db42839fe11b787007",
    ("whisper", "config.json"): "ffdccec4f3211f4c63310f2b7098f309fe70f3952cedc5e4d11e43f5b2379b98",
    ("whisper", "model.safetensors"): "7ebd0e69e78190ffe1438491fa05cc1f5c1aa3a4c4db3bc1723adbb551ea2395",
    ("whisper", "pytorch_model.bin"): "9607f98a2b22d9e229ae43c52ecea79dcede9e0c5cfae67e8da6eda86d8aac1d",
    ("taesd", "diffusion_pytorch_model.safetensors"): (
        "db169d69145ec4ff064e49d99c95fa05d3eb04ee453de35824a6d0f325513549"
    ),
    ("vae", "config.json"): "92d3dfb746fca211a2c9e019e285f8597412211728dce3c5bcf4eda0f2d62e7e",
    ("vae", "diffusion_pytorch_model.safetensors"): (
        "a1d993488569e928462932c8c38a0760b874d166399b14414135bd9c42df5815"
    ),
    ("vae", "diffusion_pytorch_model.bin"): (
        "1b4889b6b1d4ce7ae320a02dedaeff1780ad77d415ea0d744b476155c6377ddc"
    ),
}
"""SHA-256 by network and name of the file."""
LIVE = ("unet", "whisper", "taesd")
"""What drawing live needs; ``vae`` besides for the best quality, and to prepare an avatar."""
ALL = tuple(PARTS)


@dataclass(frozen=True, slots=True)
class PartFiles:
    """The files of one network.

    Attributes:
        config: its configuration, JSON.
        weights: its tensors, ``.safetensors`` or a pickle of tensors.
        sha256: of the weights' file: what was made with them can be told from what was made with others.
    """

    config: Path
    weights: Path
    sha256: str


MuseTalkWeights = Mapping[str, PartFiles]
"""The files by network: names as in :data:`PARTS`."""


def find_weights(folder: str = "", parts: Sequence[str] = ALL) -> MuseTalkWeights:
    """The files of some networks, fetched first if need be, and their checksums compared.

    Args:
        folder: that holds them; empty: they come from the hub, or its cache on this machine.
        parts: names as in :data:`PARTS`.

    Raises:
        EngineUnavailable: something is missing or damaged, or the hub cannot be reached.
    """
    if not folder:
        return {name: _from_hub(name) for name in parts}
    found = {name: _in_folder(Path(folder).expanduser(), name) for name in parts}
    if absent := [_what_is_needed(name) for name, files in found.items() if files is None]:
        raise EngineUnavailable(
            f"The folder '{folder}' does not hold all of MuseTalk; missing: {'; '.join(absent)}. "
            "docs/musetalk.md shows what belongs where."
        )
    return {
        name: PartFiles(*files, _compare(name, files)) for name, files in found.items() if files is not None
    }


def missing_weights(folder: str = "", parts: Sequence[str] = ALL) -> tuple[str, ...]:
    """Networks whose files are not on this machine; fetches nothing.

    Args:
        folder: see :func:`find_weights`.
        parts: likewise.
    """
    if folder:
        return tuple(name for name in parts if _in_folder(Path(folder).expanduser(), name) is None)
    return tuple(name for name in parts if not all(_cached(PARTS[name])))


def _in_folder(folder: Path, name: str) -> tuple[Path, Path] | None:
    """Configuration and weights of a network in somebody's folder."""
    part = PARTS[name]
    for place in part.folders:
        config = folder / place / Path(part.config).name
        for weights in (Path(part.weights).name, *part.others):
            if config.is_file() and (folder / place / weights).is_file():
                return config, folder / place / weights
    return None


def _what_is_needed(name: str) -> str:
    part = PARTS[name]
    return f"{part.folders[0]}/{Path(part.config).name} and {part.folders[0]}/{Path(part.weights).name}"


def _compare(name: str, files: tuple[Path, Path]) -> str:
    """The checksum of the weights; says so where a file of a folder is not the published one.

    Raises:
        EngineUnavailable: it holds but the name of what should be there.
    """
    config, weights = files
    with weights.open("rb") as file:
        if file.read(len(_POINTER)) == _POINTER:
            raise EngineUnavailable(
                f"'{weights}' is a pointer of Git LFS, not the weights. Fetch the file itself (git lfs pull)."
            )
    found = sha256(weights)
    known = CHECKSUMS.get((name, weights.name))
    if known is not None and found != known:
        log.warning("musetalk weights are not the published ones", file=str(weights), sha256=found)
    else:
        log.info("musetalk weights", part=name, file=str(weights), config=str(config), published=bool(known))
    return found


def sha256(path: Path) -> str:
    """The checksum of a file; computed once, unless the file changes."""
    about = path.stat()
    return _sha256(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=4 * len(PARTS))
def _sha256(path: Path, _size: int, _changed: int) -> str:
    return digest_of(path)


def _cached(part: Part) -> Iterator[bool]:
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        yield False
        return
    for file in (part.config, part.weights):
        yield isinstance(try_to_load_from_cache(part.repository, file, revision=part.commit), str)


def _from_hub(name: str) -> PartFiles:
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise EngineUnavailable(f"Fetching weights needs huggingface_hub: {INSTALL}") from error
    part = PARTS[name]
    try:
        config, weights = (
            Path(hf_hub_download(part.repository, file, revision=part.commit))
            for file in (part.config, part.weights)
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, OSError) as error:
        raise EngineUnavailable(
            f"The weights of {part.repository} are not on this machine and cannot be fetched "
            f"({type(error).__name__}). With a connection: hf download {part.repository} {part.config} "
            f"{part.weights} --revision {part.commit}. Without one: copy the files into a folder as "
            f"docs/musetalk.md shows, and let {FOLDER_SETTING} name it."
        ) from error
    _verified(name, config)
    checksum = _verified(name, weights)
    log.info("musetalk weights", part=name, repository=part.repository, commit=part.commit)
    return PartFiles(config, weights, checksum)


def _verified(name: str, path: Path) -> str:
    """The checksum of a file of the hub; what is not as published is removed from the cache.

    Raises:
        EngineUnavailable: it is another one than the published.
    """
    found, known = sha256(path), CHECKSUMS.get((name, path.name))
    if known is not None and found != known:
        path.resolve().unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise EngineUnavailable(
            f"'{path.name}' of {PARTS[name].repository} came damaged, or is not the file that this program "
            f"knows (SHA-256 {found}, not {known}). It was removed; start again to fetch it anew."
        )
    return found
