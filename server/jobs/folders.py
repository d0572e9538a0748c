"""Where jobs lie on the disk, and what in that folder tells this node from others.

jobs/jobs.sqlite   what is kept of all jobs, unless a database is named
jobs/<id>/         everything of one job: what was sent, what stages left, previews, the film
jobs/.new-*/       what a server is taking in, until it is a job
jobs/.gone-*       what is being deleted
jobs/lock          held by the process that runs the jobs of this folder
jobs/node          this folder's name among all that share a database
jobs/key           what tokens are made with
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import structlog

DATABASE = "jobs.sqlite"
SOURCE, BACKDROP = "source", "backdrop"
"""What was sent: names that stages know."""
FILM = "video"
"""Name of a film, without its suffix."""
PREVIEWS = "previews"
BEGINNINGS = "beginnings"
_INCOMING, _GONE = ".new-", ".gone-"
_ID = re.compile(r"[jr]_[0-9a-z]{8,40}")

log = structlog.get_logger(__name__)


class JobFolders:
    """The folder of all jobs.

    Args:
        root: it; made when first needed, for its owner only.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def database(self) -> Path:
        """The embedded database."""
        return self.root / DATABASE

    @property
    def lock(self) -> Path:
        """Held by the process that runs these jobs."""
        return self.root / "lock"

    def make(self) -> None:
        """Make the folder.

        Raises:
            OSError: it cannot be made.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def of(self, job_id: str) -> Path:
        """The folder of a job."""
        return self.root / job_id

    def node(self) -> str:
        """This folder's name among all that share a database: made once, and kept."""
        return self._kept("node", lambda: secrets.token_hex(8).encode()).decode("ascii")

    def token(self, job_id: str) -> str:
        """The secret of a job: the same in every process, and in no database."""
        key = self._kept("key", lambda: secrets.token_bytes(32))
        return hmac.new(key, job_id.encode(), hashlib.sha256).hexdigest()[:48]

    def incoming(self, server: str) -> Path:
        """Where a server puts what it is taking in."""
        return self.root / f"{_INCOMING}{server}"

    def take_in(self, job_id: str, server: str) -> bool:
        """Put what a server has taken in where its job's things lie; whether they lie there now."""
        folder = self.of(job_id)
        with suppress(FileNotFoundError):
            os.rename(self.incoming(server) / job_id, folder)
        return folder.is_dir()

    def discard(self, job_id: str) -> None:
        """Delete all of a job; what a killed process leaves of it goes at the next start."""
        hidden = self.root / f"{_GONE}{job_id}"
        with suppress(FileNotFoundError):
            try:
                os.rename(self.of(job_id), hidden)
            except OSError:
                # An older one of this name is still there, in part.
                shutil.rmtree(hidden, ignore_errors=True)
                os.rename(self.of(job_id), hidden)
            shutil.rmtree(hidden)

    def tidy(self, job_id: str) -> None:
        """Keep of an ended job what can still be looked at: previews and the film, not what was sent."""
        folder = self.of(job_id)
        with suppress(FileNotFoundError):
            for path in folder.iterdir():
                if path.name != PREVIEWS and path.stem != FILM:
                    _remove(path)

    def untidy(self, job_id: str) -> bool:
        """Whether what was sent for a job is still there."""
        return (self.of(job_id) / SOURCE).exists()

    def count_beginning(self, job_id: str, step: str) -> int:
        """Note that a step of a job is begun; returns how often it was."""
        folder = self.of(job_id) / BEGINNINGS
        folder.mkdir(exist_ok=True)
        with (folder / step).open("ab") as file:
            file.write(b".")
            return file.tell()

    def was_begun(self, job_id: str, step: str) -> bool:
        """Whether a step of a job was ever begun."""
        return (self.of(job_id) / BEGINNINGS / step).exists()

    def sweep(self, server: str, known: Collection[str], before: float) -> None:
        """Delete what killed processes left.

        Args:
            server: whose incoming things stay.
            known: ids of jobs that there are.
            before: unix seconds; folders of other jobs go when they are older, or when at least one job is
                known. A database that knows none of them may be the wrong one.
        """
        for path in self.root.iterdir():
            name = path.name
            if name.startswith(_INCOMING) and path != self.incoming(server):
                _remove(path)
            elif name.startswith(_GONE):
                _remove(path)
            elif _ID.fullmatch(name) and name not in known and (known or path.stat().st_mtime < before):
                log.info("folder of no job removed", job=name)
                _remove(path)

    def _kept(self, name: str, make: Callable[[], bytes]) -> bytes:
        path = self.root / name
        with suppress(FileNotFoundError):
            return path.read_bytes()
        self.make()
        temporary = self.root / f".{name}-{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(make())
            # Not over one that another process made in the meantime.
            with suppress(FileExistsError):
                os.link(temporary, path)
        finally:
            temporary.unlink()
        return path.read_bytes()


def _remove(path: Path) -> None:
    try:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    except OSError as error:
        log.warning("leftovers cannot be removed", path=str(path), reason=error.strerror)
