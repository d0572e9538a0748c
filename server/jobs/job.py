"""What a job is, to those who ask about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from precompute.order import AvatarOrder
    from streaming.render import RenderRequest, RenderResult

JobKind = Literal["avatar", "render"]
JobStatus = Literal["queued", "running", "done", "failed", "cancelled"]
StepStatus = Literal["waiting", "running", "done", "skipped", "failed"]

ENDED: frozenset[JobStatus] = frozenset({"done", "failed", "cancelled"})


@dataclass
class Step:
    """One step of a job.

    Attributes:
        name: of the stage, ``[a-z_]+``.
        title: for people.
        weight: its share of the whole job's time.
        status: how far it is; ``skipped`` when the job ended before its turn.
        progress: 0..1.
        seconds: that it took, once it has ended.
        preview: whether there is a picture of what it made.
        notes: what there is to say about it, for people.
    """

    name: str
    title: str
    weight: float
    status: StepStatus = "waiting"
    progress: float = 0.0
    seconds: float | None = None
    preview: bool = False
    notes: list[str] = field(default_factory=list)


@dataclass(eq=False, kw_only=True)
class Job:
    """A job, as far as is known now. Times are unix seconds.

    Attributes:
        id: safe as a file's name.
        token: the secret that owns it.
        kind: what is made.
        folder: where everything about it lies.
        created: when it was asked for.
        status: how far it is.
        progress: of the whole, 0..1; never goes back.
        revision: rises with every change; it starts anew with the server.
        steps: in their order; none for renders.
        report: what was judged, by step.
        notes: all that there is to say, for people.
        finished: when it ended.
        code: why it failed.
        message: the same for people, and what to do.
    """

    id: str
    token: str = field(repr=False)
    kind: JobKind
    folder: Path
    created: float
    status: JobStatus = "queued"
    progress: float = 0.0
    revision: int = 1
    steps: list[Step] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    finished: float | None = None
    code: str | None = None
    message: str | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing about it changes any more."""
        return self.status in ENDED


@dataclass(eq=False, kw_only=True)
class AvatarJob(Job):
    """An avatar that is made."""

    order: AvatarOrder


@dataclass(eq=False, kw_only=True)
class RenderJob(Job):
    """A film that is made.

    Attributes:
        request: what is rendered.
        path: where the film is, once done.
        result: what came of it.
    """

    request: RenderRequest
    path: Path
    result: RenderResult | None = None
