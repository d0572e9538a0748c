"""Names of face engines, and chains built from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streaming.errors import EngineUnavailable, LipstreamError
from streaming.face.atlas_face import AtlasFace
from streaming.face.base import FaceEngine
from streaming.face.chain import FaceChain
from streaming.face.musetalk import engine as musetalk
from streaming.face.viseme_net import MODEL
from streaming.resources import Resources
from streaming.speech.base import EngineStatus

DEFAULT_FACE = "atlas"


@dataclass(frozen=True, slots=True)
class FaceEntry:
    """How to make an engine, and how to ask about it without making it.

    ``create`` raises :class:`EngineUnavailable` when the engine cannot run here; it loads no model.
    """

    create: Callable[[Resources], FaceEngine]
    status: Callable[[Resources], EngineStatus]


def _atlas_status(_: Resources) -> EngineStatus:
    detail = "mouth atlas on the CPU; follows timed phonemes, and listens to speech without them"
    if MODEL.is_file():
        return EngineStatus("atlas", "face", True, detail)
    detail = "mouth atlas on the CPU, for speech with timed phonemes only: its listening network is missing"
    return EngineStatus("atlas", "face", True, detail)


ENGINES: Mapping[str, FaceEntry] = MappingProxyType(
    {
        "atlas": FaceEntry(lambda _: AtlasFace(), _atlas_status),
        "musetalk": FaceEntry(musetalk.MuseTalkEngine, musetalk.status),
    }
)


def build_face(names: str = DEFAULT_FACE, resources: Resources | None = None) -> FaceChain:
    """A chain from names such as ``"musetalk,atlas"``, the preferred engine first.

    Engines that cannot run here are left out and listed in the chain's ``skipped``.

    Raises:
        EngineUnavailable: a name is unknown, or none of the engines can run here.
    """
    resources = resources or Resources()
    wanted = list(dict.fromkeys(name.strip().lower() for name in names.split(",") if name.strip()))
    engines: list[FaceEngine] = []
    skipped: list[tuple[str, LipstreamError]] = []
    for name, entry in [(name, _entry(name)) for name in wanted]:
        try:
            engines.append(entry.create(resources))
        except EngineUnavailable as error:
            skipped.append((name, error))
    if not engines and skipped:
        raise EngineUnavailable(" ".join(error.message for _, error in skipped))
    return FaceChain(engines, skipped)


def statuses(resources: Resources | None = None) -> list[EngineStatus]:
    """Every known engine: ready or not, and how to make it so."""
    return [entry.status(resources or Resources()) for entry in ENGINES.values()]


def _entry(name: str) -> FaceEntry:
    entry = ENGINES.get(name)
    if entry is None:
        known = ", ".join(ENGINES)
        raise EngineUnavailable(f"There is no face engine '{name}'. Choose from: {known}.")
    return entry
