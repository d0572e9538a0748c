"""A PostgreSQL server of one's own, for tests, where its programs are installed."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "postgres"


def programs() -> Path | None:
    """The folder of its programs, which Debian keeps off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    found += [Path(path) for path in [shutil.which("initdb")] if path]
    return found[0].parent if found else None


@contextmanager
def postgresql() -> Iterator[str]:
    """A running server; yields the address of an empty database."""
    folder = programs()
    assert folder is not None
    # It refuses to run as root. Its socket's path has to be short.
    other_user = USER if os.geteuid() == 0 else None
    root = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        if other_user:
            shutil.chown(root, other_user)
        name = other_user or USER

        def run(*command: str) -> None:
            subprocess.run(command, check=True, user=other_user, cwd="/", stdout=subprocess.DEVNULL)

        data = str(root / "data")
        run(str(folder / "initdb"), "-D", data, "-U", name, "-A", "trust", "--no-sync")
        options = f"-c listen_addresses='' -k {root} -c fsync=off"
        control = str(folder / "pg_ctl")
        run(control, "-D", data, "-o", options, "-l", str(root / "log"), "-w", "start")
        try:
            yield f"postgresql://{name}@/postgres?host={root}"
        finally:
            run(control, "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(root)
