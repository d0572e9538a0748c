"""What crosses the pipe between the jobs process and that of a job's stages."""

from __future__ import annotations

import msgspec

from server.jobs.records import StepEnd


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Sit down at the desk of a job: its folder, and its order as JSON."""

    folder: str
    order: str


class Run(msgspec.Struct, frozen=True, tag="run"):
    """Do a stage. Answered by ``Ended``."""

    stage: str


class Withdraw(msgspec.Struct, frozen=True, tag="withdraw"):
    """Take the job's avatar out of the store, if it is there. Answered by ``Ended``."""


class Told(msgspec.Struct, frozen=True, tag="told"):
    """How far a stage is, and what there is of it."""

    stage: str
    progress: float
    preview: bool
    notes: list[str]


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A stage is over."""

    stage: str
    end: StepEnd


ToStages = Open | Run | Withdraw
FromStages = Told | Ended
