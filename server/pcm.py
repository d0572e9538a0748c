"""Bodies of raw PCM: what says how to read them, and their samples as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any

import numpy as np
from fastapi import Query, Request
from numpy.typing import NDArray

from server.problems import HTTPProblem
from server.uploads import BINARY, is_sound, media_type
from streaming.audio.pcm import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, AudioEncoding, PcmReader

STEP_BYTES = 64 << 10
"""A second of any PCM at least; more is taken in steps."""

Encoding = Annotated[AudioEncoding, Query(description="Of the samples, little-endian.")]
SampleRate = Annotated[
    int,
    Query(
        ge=MIN_SAMPLE_RATE, le=MAX_SAMPLE_RATE, description="Samples per second.", examples=[16_000, 24_000]
    ),
]

_TYPES = ("audio/*", "application/octet-stream")
PCM_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Raw mono PCM, little-endian, of any length; chunked when it is live.",
        "content": {kind: {"schema": BINARY} for kind in _TYPES},
    }
}
"""For OpenAPI."""


def check_type(request: Request) -> None:
    """Refuse a body that cannot be PCM.

    Raises:
        HTTPProblem: 415.
    """
    kind = media_type(request)
    if not is_sound(kind):
        raise HTTPProblem(
            415,
            "unsupported_media_type",
            f"The body must be raw PCM, not {kind}: send it with Content-Type: application/octet-stream.",
            {"Accept-Post": ", ".join(_TYPES)},
        )


async def samples(request: Request, reader: PcmReader) -> AsyncGenerator[NDArray[np.float32], None]:
    """A body as it comes: (n,) at 24 kHz, of a few seconds at most. The reader may still hold back its end.

    Raises:
        ClientDisconnect: the sender is gone.
        HTTPException: it dawdles.
        ScriptRejected: a float is not finite.
    """
    async for chunk in request.stream():
        for start in range(0, len(chunk), STEP_BYTES):
            yield reader.push(chunk[start : start + STEP_BYTES])
