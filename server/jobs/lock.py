"""A lock that a process holds as long as it lives."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path
from typing import IO

WAIT_SECONDS = 5.0
"""For the process before, which is about to end when its server is gone."""


class Lock:
    """An advisory lock on a file (flock(2)): the system frees it when its holder ends, however that happens.

    Whoever takes it keeps this object: with it, the lock is gone.

    Args:
        path: the file; made when missing, and left there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def take(self, seconds: float = WAIT_SECONDS) -> bool:
        """Take it, waiting for so long at most; whether it is ours now."""
        file = self._path.open("ab")
        taken = threading.Event()

        def wait() -> None:
            fcntl.flock(file, fcntl.LOCK_EX)
            taken.set()

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            taken.set()
        except BlockingIOError:
            # flock has no time limit. The thread is left behind by a process that then ends.
            threading.Thread(target=wait, name="lock", daemon=True).start()
        self._file = file
        return taken.wait(seconds)

    def free(self) -> None:
        """Give it back."""
        if self._file is not None:
            self._file.close()
            self._file = None
