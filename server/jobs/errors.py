"""What can go wrong with jobs themselves."""

from __future__ import annotations

from streaming.errors import LipstreamError


class JobsUnavailable(LipstreamError):
    """Jobs cannot be kept now: their process does not come up, or another server has this data folder."""

    code = "jobs_unavailable"


class StageUnknown(LipstreamError):
    """A job was begun by another version of the program, which had other stages."""

    code = "stage_unknown"
