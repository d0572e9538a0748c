"""What is known of a job, as it crosses the pipe and as it is kept."""

from __future__ import annotations

from typing import Any

import msgspec

from server.jobs.job import ENDED, JobKind, JobStatus, StepStatus
from streaming.slots import Word


class StepRecord(msgspec.Struct, kw_only=True):
    """One step; see :class:`server.jobs.job.Step`."""

    name: str
    title: str
    weight: float
    status: StepStatus = "waiting"
    progress: float = 0.0
    seconds: float | None = None
    preview: bool = False
    notes: list[str] = []


class Film(msgspec.Struct, frozen=True):
    """What came of a render.

    Attributes:
        seconds: of the film.
        frames: of the film.
        words: that are spoken in it, as far as they are known.
    """

    seconds: float
    frames: int
    words: list[Word] = []


class JobRecord(msgspec.Struct, kw_only=True):
    """A job; see :class:`server.jobs.job.Job`.

    Attributes:
        order: what is wanted, as JSON has it.
        film: what came of a render.
    """

    id: str
    kind: JobKind
    created: float
    order: dict[str, Any]
    status: JobStatus = "queued"
    steps: list[StepRecord] = []
    report: dict[str, Any] = {}
    notes: list[str] = []
    film: Film | None = None
    finished: float | None = None
    code: str | None = None
    message: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing about it changes any more."""
        return self.status in ENDED

    def step(self, name: str) -> StepRecord:
        """One of its steps."""
        return next(step for step in self.steps if step.name == name)


class StepEnd(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """How a step ended: what is kept of it for good.

    Attributes:
        at: unix seconds.
        seconds: that it took.
        preview: whether it left a picture.
        notes: sentences for the person.
        report: what was judged.
        film: of a render.
        code: why it failed; ``None`` when it did not.
        message: the same for people.
    """

    at: float
    seconds: float = 0.0
    preview: bool = False
    notes: list[str] = []
    report: dict[str, Any] = {}
    film: Film | None = None
    code: str | None = None
    message: str | None = None


def fold(job: JobRecord, name: str, ended: StepEnd) -> None:
    """Note in a job how one of its steps ended."""
    for step in job.steps:
        if step.name == name:
            step.status = "failed" if ended.code else "done"
            step.progress = step.progress if ended.code else 1.0
            step.seconds, step.preview, step.notes = ended.seconds, ended.preview, list(ended.notes)
    job.notes = [*job.notes, *(note for note in ended.notes if note not in job.notes)]
    if ended.report:
        job.report = {**job.report, name: ended.report}
    job.film = ended.film or job.film
    job.code, job.message = ended.code, ended.message


def end(job: JobRecord, status: JobStatus, at: float) -> None:
    """Note that a job has ended, and how."""
    job.status, job.finished = status, at
    for step in job.steps:
        if step.status in ("waiting", "running"):
            step.status = "skipped"
