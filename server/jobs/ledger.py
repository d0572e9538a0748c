"""What is kept of jobs for good, by DBOS: in SQLite, or in PostgreSQL.

A job is a workflow. Its input is the job as it was submitted, its steps are those of the job, and what is
kept of a finished one is how it ended (:class:`StepEnd`). A workflow that a killed process left is started
again by the next one: DBOS answers for the steps that are finished, so that only what follows them is done.

DBOS exists once in a process; so does a ledger.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatus, error
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from server.jobs.job import JobKind
from server.jobs.records import JobRecord, StepEnd, end, fold

SCHEMA = "1"
"""Of what is kept. Jobs of another one are not gone on with."""
UNFINISHED = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
NO_ROOM = ("database or disk is full", "disk I/O error")
"""How SQLite says that nothing can be written."""
BROKEN = "The job broke off; the server's log says why. Start it again."

Stopped = error.DBOSWorkflowCancelledError
"""Raised by work that stops because its job was cancelled; nothing is kept of the step it was at."""
Step = Callable[[str, Callable[[], Awaitable[StepEnd]]], Awaitable[StepEnd]]
"""Does a step, or answers for one that is finished already."""
Work = Callable[[str, Step], Awaitable[JobRecord]]
"""Does the job with this id; returns it as it ended."""

log = structlog.get_logger(__name__)


class _Uninteresting(logging.Filter):
    """DBOS logs what it is told to cancel as an error."""

    def filter(self, record: logging.LogRecord) -> bool:
        cause = record.exc_info[1] if record.exc_info else None
        cancelled = error.DBOSWorkflowCancelledError | error.DBOSAwaitedWorkflowCancelledError
        return not isinstance(cause, cancelled) and "was cancelled" not in record.getMessage()


def _wait_for_room(context: ExceptionContext) -> None:
    """Let DBOS try again what a full disk refused; it does so only with a database that is locked.

    Otherwise a job would be told to have failed that is kept as one that goes on, and be done once more by
    the next process.
    """
    said = str(context.original_exception)
    if any(reason in said for reason in NO_ROOM):
        raise RuntimeError(f"{said}; until there is room on the disk, the database is locked")


class Ledger:
    """The book of all jobs of one folder.

    Args:
        url: of the database, as SQLAlchemy takes it.
        node: this folder's name among all that share the database. Jobs are done where their files are.
    """

    def __init__(self, url: str, node: str) -> None:
        logger = logging.getLogger("dbos")
        # With a handler there, DBOS adds none of its own; ours are at the root.
        logger.addHandler(logging.NullHandler())
        logger.addFilter(_Uninteresting())
        self._version = f"{SCHEMA}-{node}"
        DBOS(
            config=DBOSConfig(
                name=f"lipstream-{node}",
                system_database_url=url,
                executor_id=node,
                # A workflow goes on only where this is what it was. DBOS takes a hash of the code otherwise.
                application_version=self._version,
                serializer=DBOSPortableJSONSerializer(),
                log_level="WARNING",
                enable_otlp=False,
            )
        )

        self._workflows: dict[JobKind, Callable[..., Any]] = {}
        self.unreadable: dict[str, float] = {}
        """Jobs that another version kept in a way unknown to this one, and when they were submitted."""

    def launch(self, work: dict[JobKind, Work]) -> None:
        """Open the database, and go on with what is not finished; call it in the event loop that works.

        Raises:
            Exception: the database cannot be opened, as its driver says it.
        """
        self._workflows = {kind: _workflow(kind, do) for kind, do in work.items()}
        DBOS.launch()
        # Not before: a server waits for its jobs process to come up.
        event.listen(Engine, "handle_error", _wait_for_room)

    async def begin(self, job: JobRecord) -> None:
        """Keep a job, and begin it. A second time changes nothing."""
        with SetWorkflowID(job.id):
            await DBOS.start_workflow_async(self._workflows[job.kind], msgspec.to_builtins(job))

    async def cancel(self, job_id: str) -> None:
        """Never go on with a job."""
        await DBOS.cancel_workflow_async(job_id)

    async def delete(self, job_id: str) -> None:
        """Keep nothing of a job."""
        await DBOS.delete_workflow_async(job_id)

    async def all(self) -> list[JobRecord]:
        """Every job that is kept, in the order in which they were submitted."""
        jobs: list[JobRecord] = []
        for status in await DBOS.list_workflows_async(app_version=self._version):
            try:
                jobs.append(await self._job(status))
            except (msgspec.ValidationError, LookupError, TypeError) as error:
                log.warning("a kept job cannot be read", job=status.workflow_id, reason=str(error))
                self.unreadable[status.workflow_id] = (status.created_at or 0) / 1000
        return jobs

    async def _job(self, status: WorkflowStatus) -> JobRecord:
        if status.status == "SUCCESS":
            return msgspec.convert(status.output, JobRecord)
        assert status.input is not None
        job = msgspec.convert(status.input["args"][0], JobRecord)
        ends: list[StepEnd] = []
        for step in await DBOS.list_workflow_steps_async(job.id):
            if step["output"] is not None:
                ends.append(msgspec.convert(step["output"], StepEnd))
                fold(job, step["function_name"], ends[-1])
        if status.status == "CANCELLED":
            end(job, "cancelled", _seconds(status))
        elif status.status not in UNFINISHED:
            job.code, job.message = "internal_error", BROKEN
            end(job, "failed", _seconds(status))
        elif ends and (ends[-1].code is not None or len(ends) == max(1, len(job.steps))):
            # Its process died between its last step and the note that it has ended.
            end(job, "failed" if ends[-1].code else "done", ends[-1].at)
        return job


def _workflow(kind: JobKind, do: Work) -> Callable[..., Any]:
    async def job(kept: dict[str, Any]) -> Any:
        return msgspec.to_builtins(await do(kept["id"], _step))

    # Those who wait for their turn are begun again at every start, so DBOS cannot count when it is too often.
    return DBOS.workflow(name=kind, max_recovery_attempts=None)(job)


async def _step(name: str, do: Callable[[], Awaitable[StepEnd]]) -> StepEnd:
    async def run() -> Any:
        return msgspec.to_builtins(await do())

    return msgspec.convert(await DBOS.run_step_async({"name": name}, run), StepEnd)


def _seconds(status: WorkflowStatus) -> float:
    return (status.completed_at or status.updated_at or 0) / 1000
