# pyright: reportMissingImports=false
"""The optional packages of Qwen3-TTS: what is missing, what installs it, and how it is imported.

``qwen-tts`` 0.1.1 asks for far more than its 12 Hz models use (gradio, sox, onnxruntime, torchaudio), and
importing it fails where those of the 25 Hz tokenizer are missing. So it is installed without its
requirements, and that one module is replaced by an empty stand-in before the import. Likewise librosa and
soundfile, which it imports at once and uses for recordings only: who makes no voice, as a benchmark, can do
without them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from streaming.errors import EngineUnavailable

QWEN_TTS_VERSION = "0.1.1"
TRANSFORMERS_VERSION = "4.57.3"
INSTALL = f'pip install "lipstream[qwen3]" && pip install --no-deps qwen-tts=={QWEN_TTS_VERSION}'
"""The one command that makes everything ready (on a machine with an NVIDIA card too)."""

_NEEDED = {
    "qwen-tts": QWEN_TTS_VERSION,
    "transformers": TRANSFORMERS_VERSION.rpartition(".")[0],
    "torch": "",
}
"""Distribution, and how its version has to begin."""
_FOR_RECORDINGS = {"librosa": "", "soundfile": ""}
"""What is needed besides to make voices of recordings."""
_TOKENIZER_25HZ = "qwen_tts.core.tokenizer_25hz.modeling_qwen3_tts_tokenizer_v1"


def missing(for_recordings: bool = True) -> tuple[str, ...]:
    """What the engine needs and is not installed, or not in a version that works; imports nothing.

    Args:
        for_recordings: count what makes voices of recordings, which models with voices of their own never do.
    """
    return _missing(_NEEDED | _FOR_RECORDINGS if for_recordings else _NEEDED)


def _missing(needed: Mapping[str, str]) -> tuple[str, ...]:
    wrong: list[str] = []
    for name, version in needed.items():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(name)
            continue
        if version and found != version and not found.startswith(f"{version}."):
            wrong.append(f"{name} {version} (here: {found})")
    return tuple(wrong)


def import_qwen_tts() -> ModuleType:
    """The package ``qwen_tts``, importable without what only its 25 Hz tokenizer or recordings use.

    Raises:
        EngineUnavailable: something is not installed; the message holds the command.
    """
    if wrong := _missing(_NEEDED):
        raise EngineUnavailable(f"The speech engine 'qwen3' needs {', '.join(wrong)}: {INSTALL}")
    if "qwen_tts" not in sys.modules:
        sys.modules.setdefault(_TOKENIZER_25HZ, _without_25hz())
    try:
        with _stand_ins():
            return importlib.import_module("qwen_tts")
    except ImportError as error:
        raise EngineUnavailable(
            f"The speech engine 'qwen3' cannot import qwen-tts ({error}): {INSTALL}"
        ) from error


@contextmanager
def _stand_ins() -> Generator[None]:
    """Where a package for recordings is not installed, an empty one takes its place for the import alone."""

    def refuse(*_args: Any, **_settings: Any) -> None:
        raise EngineUnavailable(f"Making a voice of a recording needs librosa: {INSTALL}")

    added: list[str] = []
    for name in ("librosa", "librosa.filters", "soundfile"):
        if name.partition(".")[0] in _missing(_FOR_RECORDINGS) and name not in sys.modules:
            module = ModuleType(name)
            # Others ask for it to find out what is installed.
            module.__spec__ = ModuleSpec(name, None)
            vars(module)["mel"] = refuse
            sys.modules[name] = module
            added.append(name)
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


def _without_25hz() -> ModuleType:
    class Qwen3TTSTokenizerV1Model:
        """Takes the place of the 25 Hz tokenizer's network, which none of the 12 Hz models uses."""

        def __init__(self, *_args: Any, **_settings: Any) -> None:
            raise EngineUnavailable("The 25 Hz models of Qwen3-TTS are not supported; use a 12 Hz model.")

    module = ModuleType(_TOKENIZER_25HZ)
    vars(module)["Qwen3TTSTokenizerV1Model"] = Qwen3TTSTokenizerV1Model
    return module
