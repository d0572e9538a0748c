"""What the engines of one performer share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from streaming.clock import Clock, SystemClock
from streaming.gpu.compute import ComputeThread
from streaming.options import EngineOptions


@dataclass(frozen=True, slots=True)
class Resources:
    """Handed to every engine that is made; each takes what it needs.

    Attributes:
        data_dir: the program's data folder, where fetched voices and the user's avatars lie; ``None``: there
            is none.
        options: what is set about engines.
        clock: of the process.
        compute: the thread of everything that runs on the card. It begins with its first task.
    """

    data_dir: Path | None = None
    options: EngineOptions = field(default_factory=EngineOptions)
    clock: Clock = field(default_factory=SystemClock)
    compute: ComputeThread = field(default_factory=ComputeThread)

    @property
    def avatars_dir(self) -> Path:
        """Where the user's own avatars lie."""
        return avatars_folder(self.data_dir or Path())


def avatars_folder(data_dir: Path) -> Path:
    """Where in a data folder the user's own avatars lie."""
    return data_dir / "avatars"
