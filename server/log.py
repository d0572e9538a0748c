"""Logging: structlog for our own lines and for the standard library's, on one handler, without secrets."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

HIDDEN = "***"
SECRET_KEYS = frozenset({"token", "api_key", "authorization", "credential", "password"})
_SECRET_IN_TEXT = re.compile(r"(?i)((?:token|api_key|credential)=|bearer\s+)[^\s&\"'<>,)]+")
QUIET = {
    "aioice": logging.WARNING,
    "aiortc": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
}
"""Libraries that speak of every packet or request below this level."""


def redact(text: str) -> str:
    """The text with the value of every ``token=...`` and ``Bearer ...`` hidden."""
    return _SECRET_IN_TEXT.sub(rf"\1{HIDDEN}", text)


def hide_secrets(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Hide secret fields, and secrets inside texts (uvicorn prints a WebSocket's query)."""
    for key, value in event.items():
        if key.lower() in SECRET_KEYS:
            event[key] = HIDDEN
        elif isinstance(value, str):
            event[key] = redact(value)
    return event


def _drop_colours(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Uvicorn says everything twice, once with colours."""
    event.pop("color_message", None)
    return event


def set_up(level: str = "info", style: str = "auto", stream: TextIO | None = None) -> None:
    """Send every log line of this process to one handler.

    Args:
        level: ``debug``, ``info``, ``warning`` or ``error``.
        style: ``console``, ``json``, or ``auto`` for console on a terminal and json elsewhere.
        stream: where lines go; standard error when not given.
    """
    target: TextIO = stream if stream is not None else sys.stderr
    console = style == "console" or (style == "auto" and target.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _drop_colours,
    ]
    last: list[Processor]
    if console:
        # Plain tracebacks: the rich ones print local variables, which may hold a secret.
        renderer = structlog.dev.ConsoleRenderer(
            colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        last = [hide_secrets, renderer]
    else:
        last = [structlog.processors.format_exc_info, hide_secrets, structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = []
        # Its access log prints queries; ours does not.
        logger.propagate = name != "uvicorn.access"
    for name, floor in QUIET.items():
        logging.getLogger(name).setLevel(max(floor, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
