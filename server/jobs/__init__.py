"""Jobs: what takes long and is asked for once. Films and avatars, with steps, progress and cancelling.

``job.py`` says what a job is, and ``base.py`` what routes do with jobs. In the server, ``durable.py`` mirrors
what the jobs process keeps, to which ``link.py`` holds the pipe. That process (``child.py``) does the jobs in
``workshop.py``, keeps them with DBOS in ``ledger.py``, and has the stages of each avatar run in a process of
their own (``stage_child.py``), which can be killed at any time, as all of them can.
"""

from server.jobs.job import ENDED, AvatarJob, Job, JobKind, JobStatus, RenderJob, Step, StepStatus

__all__ = ["ENDED", "AvatarJob", "Job", "JobKind", "JobStatus", "RenderJob", "Step", "StepStatus"]
