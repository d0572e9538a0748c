"""Entry point of the jobs process: ``python -m server.jobs.child``.

Started by :class:`server.jobs.link.JobsLink`; ends when the other end of its pipe closes, however the server
ended. It needs no farewell: everything that matters is in the database and in files.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
from urllib.parse import quote

import structlog

from server import log as logs
from server.jobs.expiry import Keeping
from server.jobs.folders import JobFolders
from server.jobs.ledger import Ledger
from server.jobs.lock import WAIT_SECONDS, Lock
from server.jobs.messages import ToJobs, Unable
from server.jobs.plans import PLAN
from server.jobs.workshop import Workshop, WorkshopOptions
from server.settings import Settings
from server.settings_environment import settings_of_parent
from streaming.children import die_with_parent
from streaming.clock import SystemClock
from streaming.performer.wire import Channel

LOCKED = (
    "Another server keeps its jobs in {}. Stop it, or give this one another LIPSTREAM_DATA_DIR; until then "
    "it makes no avatars, and no films but of streams."
)

log = structlog.get_logger(__name__)


async def _main(options: argparse.Namespace, settings: Settings) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=socket.socket(fileno=options.fd))
    channel: Channel[ToJobs] = Channel(reader, writer, ToJobs)
    folders = JobFolders(settings.jobs_dir)
    try:
        folders.make()
        lock = Lock(folders.lock)
        if not await asyncio.to_thread(lock.take, options.wait):
            return await _give_up(channel, LOCKED.format(folders.root))
        workshop = Workshop(
            Ledger(_url(settings, folders), folders.node()),
            folders,
            channel,
            options.server,
            SystemClock(),
            _options(settings, options.plan),
        )
        await workshop.open()
    except Exception as error:
        log.exception("jobs cannot be kept")
        where = "the database of LIPSTREAM_JOBS_URL" if settings.jobs_url else str(folders.root)
        return await _give_up(
            channel, f"Jobs cannot be kept in {where} ({type(error).__name__}); the server's log says more."
        )
    await workshop.serve()
    workshop.kill_stages()
    # Only now, so that whoever comes next finds nothing of this process at work.
    lock.free()


async def _give_up(channel: Channel[ToJobs], why: str) -> None:
    channel.send(Unable(why))
    await channel.drain()
    await channel.close()


def _url(settings: Settings, folders: JobFolders) -> str:
    if settings.jobs_url is not None:
        return settings.jobs_url.get_secret_value()
    return f"sqlite:///{quote(str(folders.database))}"


def _options(settings: Settings, plan: str) -> WorkshopOptions:
    return WorkshopOptions(
        places={"avatar": settings.avatar_concurrency, "render": settings.render_concurrency},
        keeping={
            "avatar": Keeping(settings.avatar_jobs_keep, settings.avatar_jobs_keep_seconds),
            "render": Keeping(settings.render_keep, settings.render_keep_seconds),
        },
        plan=plan,
    )


def main() -> int:
    """Keep and do jobs until the pipe closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="inherited end of the socket pair")
    parser.add_argument("--server", required=True, help="name of the server's incoming folder")
    parser.add_argument("--plan", default=PLAN, help="where stages come from, as module:function")
    parser.add_argument(
        "--wait", type=float, default=WAIT_SECONDS, help="seconds to wait for the folder's lock"
    )
    options = parser.parse_args()
    die_with_parent()
    settings = settings_of_parent()
    logs.set_up(settings.log_level, settings.log_format)
    asyncio.run(_main_and_gone(options, settings))
    return 0


async def _main_and_gone(options: argparse.Namespace, settings: Settings) -> None:
    try:
        await _main(options, settings)
    except Exception:
        log.exception("the jobs process breaks off")
    finally:
        sys.stderr.flush()
        # Threads that wait for a lock or a database would hold the process, and so the lock of the folder.
        os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
