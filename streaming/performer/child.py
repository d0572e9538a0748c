"""Entry point of the performer process: ``python -m streaming.performer.child``.

Started by :class:`streaming.performer.local.LocalPerformer` with one end of a socket pair; ends when the
other end closes, so that it never outlives the server.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from pathlib import Path

import msgspec
import structlog

from streaming.errors import EngineFailed, LipstreamError
from streaming.options import EngineOptions
from streaming.performer.messages import ToPerformer, Unable
from streaming.performer.server import PerformerServer
from streaming.performer.wire import Channel

log = structlog.get_logger(__name__)

NICENESS = 5
"""On a shared CPU the media process goes first: a late packet is heard, a late clause is not."""


async def _main(options: argparse.Namespace) -> int:
    sock = socket.socket(fileno=options.fd)
    reader, writer = await asyncio.open_unix_connection(sock=sock)
    channel: Channel[ToPerformer] = Channel(reader, writer, ToPerformer)
    try:
        # Imported here so that a broken engine is reported through the pipe and not as a dead process.
        from streaming.performer.engines import Engines
        from streaming.resources import Resources

        resources = Resources(options.data_dir, options.options)
        engines = Engines(options.speech, options.face, resources)
        await engines.warm_up()
    except LipstreamError as error:
        return await _give_up(channel, Unable(error.code, error.message))
    except Exception as error:
        log.exception("engines do not start")
        reason = f"The engines do not start ({type(error).__name__}: {error}). Run lipstream doctor."
        return await _give_up(channel, Unable(EngineFailed.code, reason))
    await PerformerServer(engines, channel, resources).serve()
    await channel.close()
    return 0


async def _give_up(channel: Channel[ToPerformer], why: Unable) -> int:
    channel.send(why)
    await channel.drain()
    await channel.close()
    return 1


def _log_to_stderr() -> None:
    """Plain lines without local variables; the server's terminal is ours too."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _options(text: str) -> EngineOptions:
    return msgspec.json.decode(text, type=EngineOptions)


def main() -> int:
    """Run the performer until its pipe closes; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="inherited end of the socket pair")
    parser.add_argument("--speech", required=True, help="speech engines, first choice first")
    parser.add_argument("--face", required=True, help="face engine")
    parser.add_argument("--data-dir", type=Path, help="folder of fetched voices")
    parser.add_argument(
        "--options", type=_options, default=EngineOptions(), help="of speech engines, as JSON"
    )
    options = parser.parse_args()
    _log_to_stderr()
    os.nice(NICENESS)
    return asyncio.run(_main(options))


if __name__ == "__main__":
    sys.exit(main())
