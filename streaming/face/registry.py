"""Names of face engines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streaming.errors import EngineUnavailable
from streaming.face.atlas_face import AtlasFace
from streaming.face.base import FaceEngine
from streaming.face.viseme_net import MODEL
from streaming.speech.base import EngineStatus

DEFAULT_FACE = "atlas"


@dataclass(frozen=True, slots=True)
class FaceEntry:
    """How to make an engine, and how to ask about it without making it.

    ``create`` raises :class:`EngineUnavailable` when the engine cannot run here; it loads no model.
    """

    create: Callable[[], FaceEngine]
    status: Callable[[], EngineStatus]


def _atlas_status() -> EngineStatus:
    detail = "mouth atlas on the CPU; follows timed phonemes, and listens to speech without them"
    if MODEL.is_file():
        return EngineStatus("atlas", "face", True, detail)
    detail = "mouth atlas on the CPU, for speech with timed phonemes only: its listening network is missing"
    return EngineStatus("atlas", "face", True, detail)


ENGINES: Mapping[str, FaceEntry] = MappingProxyType({"atlas": FaceEntry(AtlasFace, _atlas_status)})


def build_face(name: str = DEFAULT_FACE) -> FaceEngine:
    """The face engine of this name.

    Raises:
        EngineUnavailable: there is no such engine, or it cannot run here.
    """
    entry = ENGINES.get(name.strip().lower())
    if entry is None:
        known = ", ".join(ENGINES)
        raise EngineUnavailable(f"There is no face engine '{name}'. Choose from: {known}.")
    return entry.create()


def statuses() -> list[EngineStatus]:
    """Every known engine: ready or not, and how to make it so."""
    return [entry.status() for entry in ENGINES.values()]
