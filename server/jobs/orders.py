"""What is wanted, as it is kept: JSON, without what lies in files."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from server.jobs.folders import SOURCE
from streaming.render import RenderRequest

RECORDED = "recorded"
"""Whether a recording lies beside it."""
_TYPES = get_type_hints(RenderRequest)
_KEPT = tuple(field.name for field in fields(RenderRequest) if field.name not in ("audio", "feed"))


def order_of(request: RenderRequest, recorded: bool) -> dict[str, Any]:
    """A request for a film as it is kept.

    Args:
        request: what is wished for.
        recorded: whether a recording lies beside it.
    """
    return msgspec.to_builtins({name: getattr(request, name) for name in _KEPT} | {RECORDED: recorded})


def request_of(order: dict[str, Any], folder: Path) -> RenderRequest:
    """The request again.

    Args:
        order: as it was kept, by this version or an earlier one.
        folder: of the job, where the recording is.
    """
    known = {name: msgspec.convert(order[name], _TYPES[name]) for name in _KEPT if name in order}
    return RenderRequest(**known, audio=folder / SOURCE if order.get(RECORDED) else None)
