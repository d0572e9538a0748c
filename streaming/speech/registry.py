"""Names of speech engines, and chains built from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streaming.errors import EngineUnavailable, LipstreamError
from streaming.resources import Resources
from streaming.speech import espeak, hibari, kokoro, kokoro_voices
from streaming.speech.base import EngineStatus, SpeechEngine
from streaming.speech.chain import FallbackChain
from streaming.speech.qwen3 import engine as qwen3

DEFAULT_CHAIN = "hibari,kokoro,espeak"
"""Engines that are not installed are passed over. qwen3 has to be asked for: it fetches gigabytes."""


@dataclass(frozen=True, slots=True)
class SpeechEntry:
    """How to make an engine, and how to ask about it without making it.

    ``create`` raises :class:`EngineUnavailable` when the engine cannot run here; it loads no model.
    """

    create: Callable[[Resources], SpeechEngine]
    status: Callable[[Resources], EngineStatus]


ENGINES: Mapping[str, SpeechEntry] = MappingProxyType(
    {
        "hibari": SpeechEntry(lambda _: hibari.HibariEngine(), lambda _: hibari.status()),
        "kokoro": SpeechEntry(
            lambda resources: kokoro.KokoroEngine(resources.data_dir),
            lambda resources: kokoro_voices.status(resources.data_dir),
        ),
        "espeak": SpeechEntry(lambda _: espeak.EspeakEngine(), lambda _: espeak.status()),
        "qwen3": SpeechEntry(
            lambda resources: qwen3.Qwen3Engine(
                resources.data_dir, resources.options.qwen3, resources.compute
            ),
            lambda resources: qwen3.status(resources.data_dir, resources.options.qwen3),
        ),
    }
)


def create(name: str, resources: Resources | None = None) -> SpeechEngine:
    """The engine of this name.

    Raises:
        EngineUnavailable: there is no such engine, or it cannot run here.
    """
    return _entry(name).create(resources or Resources())


def build_chain(names: str = DEFAULT_CHAIN, resources: Resources | None = None) -> FallbackChain:
    """A chain from names such as ``"qwen3,hibari"``, the preferred engine first.

    Engines that cannot run here are left out and listed in the chain's ``skipped``.

    Raises:
        EngineUnavailable: a name is unknown, or none of the engines can run here.
    """
    wanted = list(dict.fromkeys(name.strip().lower() for name in names.split(",") if name.strip()))
    if not wanted:
        raise EngineUnavailable(f"No speech engine is named. Choose from: {_known()}.")
    entries = [(name, _entry(name)) for name in wanted]
    resources = resources or Resources()
    engines: list[SpeechEngine] = []
    skipped: list[tuple[str, LipstreamError]] = []
    for name, entry in entries:
        try:
            engines.append(entry.create(resources))
        except EngineUnavailable as error:
            skipped.append((name, error))
    if not engines:
        raise EngineUnavailable(" ".join(error.message for _, error in skipped))
    return FallbackChain(engines, skipped)


def statuses(resources: Resources | None = None) -> list[EngineStatus]:
    """Every known engine: ready or not, and how to make it so."""
    return [entry.status(resources or Resources()) for entry in ENGINES.values()]


def _entry(name: str) -> SpeechEntry:
    entry = ENGINES.get(name)
    if entry is None:
        raise EngineUnavailable(f"There is no speech engine '{name}'. Choose from: {_known()}.")
    return entry


def _known() -> str:
    return ", ".join(ENGINES)
