"""Jobs: what takes long and is asked for once. Films and avatars, with steps, progress and cancelling.

``job.py`` says what a job is, and ``base.py`` what routes do with jobs.
"""

from server.jobs.job import ENDED, AvatarJob, Job, JobKind, JobStatus, Step, StepStatus
from server.jobs.renders import RenderJob, RenderJobs

__all__ = [
    "ENDED",
    "AvatarJob",
    "Job",
    "JobKind",
    "JobStatus",
    "RenderJob",
    "RenderJobs",
    "Step",
    "StepStatus",
]
