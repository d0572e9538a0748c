"""What crosses the pipe between the server and the jobs process (msgspec tagged unions)."""

from __future__ import annotations

import msgspec

from server.jobs.records import Film, JobRecord


class Submit(msgspec.Struct, frozen=True, tag="submit"):
    """Keep a job and do it; its folder lies in the server's incoming folder. Answered by ``Changed``."""

    job: JobRecord


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Stop a job for good. Answered by a ``Changed`` that says how it ended, or by ``Gone``."""

    id: str


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """Delete a job; one that runs is cancelled first. Answered by ``Gone``."""

    id: str


class Rendered(msgspec.Struct, frozen=True, tag="rendered"):
    """The film of a ``Render`` is in its folder."""

    id: str
    film: Film


class NotRendered(msgspec.Struct, frozen=True, tag="not_rendered"):
    """There is none; ``code`` and ``message`` say why."""

    id: str
    code: str
    message: str


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """A job, as it is kept now. All of them come before ``Ready``."""

    job: JobRecord


class Gone(msgspec.Struct, frozen=True, tag="gone"):
    """There is no such job any more."""

    id: str


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """A job that was submitted is not kept."""

    id: str
    code: str
    message: str


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Everything that is kept has been told."""


class Render(msgspec.Struct, frozen=True, tag="render"):
    """Make this film. Asked again by a process that took over from one that died."""

    id: str


class StopRender(msgspec.Struct, frozen=True, tag="stop_render"):
    """It is not wanted any more."""

    id: str


class Unable(msgspec.Struct, frozen=True, tag="unable"):
    """Jobs cannot be kept; the process ends."""

    message: str


ToJobs = Submit | Cancel | Forget | Rendered | NotRendered
FromJobs = Changed | Gone | Refused | Ready | Render | StopRender | Unable
