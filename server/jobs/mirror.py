"""Jobs as the server knows them, made from what the jobs process tells."""

from __future__ import annotations

from precompute.order import AvatarOrder
from server.jobs.folders import FILM, JobFolders
from server.jobs.job import AvatarJob, Job, RenderJob, Step
from server.jobs.orders import request_of
from server.jobs.records import JobRecord, StepRecord
from streaming.render import RenderResult
from streaming.sinks.formats import FORMATS


def job_of(record: JobRecord, folders: JobFolders) -> Job:
    """A job that was not known before."""
    folder = folders.of(record.id)
    token = folders.token(record.id)
    if record.kind == "avatar":
        job: Job = AvatarJob(
            id=record.id,
            token=token,
            kind="avatar",
            folder=folder,
            created=record.created,
            order=AvatarOrder.model_validate(record.order),
        )
    else:
        request = request_of(record.order, folder)
        job = RenderJob(
            id=record.id,
            token=token,
            kind="render",
            folder=folder,
            created=record.created,
            request=request,
            path=folder / f"{FILM}{FORMATS[request.format].suffix}",
        )
    take_over(job, record)
    return job


def take_over(job: Job, record: JobRecord) -> None:
    """Bring a job up to date. What was done never becomes less, though a step may have to be begun again."""
    job.status, job.finished = record.status, record.finished
    job.code, job.message = record.code, record.message
    job.report, job.notes = record.report, record.notes
    job.steps = [_step_of(step) for step in record.steps]
    if isinstance(job, RenderJob) and record.film is not None:
        film = record.film
        job.result = RenderResult(job.path, film.seconds, film.frames, film.words)
    if job.status == "done":
        job.progress = 1.0
    elif whole := sum(step.weight for step in job.steps):
        done = sum(step.weight * (1.0 if step.status == "done" else step.progress) for step in job.steps)
        job.progress = max(job.progress, min(1.0, done / whole))


def _step_of(record: StepRecord) -> Step:
    return Step(
        name=record.name,
        title=record.title,
        weight=record.weight,
        status=record.status,
        progress=record.progress,
        seconds=record.seconds,
        preview=record.preview,
        notes=record.notes,
    )
