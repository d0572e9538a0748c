"""Loads a model on the compute thread. One that cannot be loaded leaves nothing on the card."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import structlog

from streaming.errors import EngineFailed, LipstreamError, without_history
from streaming.gpu.budget import release

log = structlog.get_logger(__name__)

T = TypeVar("T")


def load_or_clear(name: str, load: Callable[[], T]) -> T:
    """What ``load`` returns; where it fails, the memory of all that it has loaded by then is given back.

    Args:
        name: of the model, for people.
        load: reads networks, moves them to the card, and runs them.

    Raises:
        LipstreamError: it cannot be loaded; without the traceback, which would keep its networks alive.
    """
    loaded, failure = _attempt(name, load)
    if failure is None:
        return cast("T", loaded)
    # Others run on the same card.
    release()
    raise failure


def _attempt(name: str, load: Callable[[], T]) -> tuple[T | None, LipstreamError | None]:
    # A function of its own: who logs an error may leave its frame's variables behind in the frame.
    try:
        return load(), None
    except LipstreamError as error:
        return None, without_history(error)
    except Exception as error:
        log.exception("model not loaded", model=name)
        return None, EngineFailed(f"{name} cannot be loaded: {error or type(error).__name__}.")
