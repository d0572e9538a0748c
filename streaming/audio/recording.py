"""A file of recorded speech on the event loop: decoded in a process of its own, as fast as it is taken."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from streaming.audio.decode import MAX_SECONDS, RecordingInfo
from streaming.audio.decode_child import END, REFUSED, Ended
from streaming.confinement import HEADER, Refused
from streaming.errors import EngineFailed, ScriptRejected, error_from_code
from streaming.script import samples_of

READ_AHEAD_BYTES = 64 << 10
"""What waits here; the process decodes no further while it is full."""
MAX_MESSAGE_BYTES = 4 << 20
"""More than half a minute of sound, the most that one packet may hold. A decoder that a file has taken over
cannot fill this process, either."""

_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")
"""Of the environment. The rest may hold secrets."""

_DAMAGED = "The file is damaged in a way that cannot be read. Export it again."

log = structlog.get_logger(__name__)


class Recording:
    """An opened recording. Use :func:`open_recording`.

    Attributes:
        info: what it is.
        ended: what it turned out to hold, once all pieces were taken.
    """

    def __init__(self, process: Process, info: RecordingInfo) -> None:
        self.info = info
        self.ended: Ended | None = None
        self._process = process

    async def pieces(self) -> AsyncGenerator[NDArray[np.float32], None]:
        """The sound, once: arrays (n,) at 24 kHz, mono, within -1..1, of about 200 ms.

        Raises:
            ScriptRejected: nothing in the file can be decoded, or more comes than it said.
        """
        while True:
            kind, body = await _receive(self._process)
            if kind == END:
                self.ended = msgspec.json.decode(body, type=Ended)
                if self.ended.damaged:
                    log.info("a recording has damaged parts", packets=self.ended.damaged)
                return
            yield samples_of(body)

    async def close(self) -> None:
        """Stop decoding; idempotent."""
        await _end(self._process)


@contextlib.asynccontextmanager
async def open_recording(
    source: BinaryIO, max_seconds: float = MAX_SECONDS
) -> AsyncGenerator[Recording, None]:
    """Look into a file of any common kind, and be ready to decode it.

    Args:
        source: an open file with a descriptor; its position is moved.
        max_seconds: longer ones are refused.

    Raises:
        ScriptRejected: it is no recording that can be used; the message says why.
        EngineFailed: no process can be started.
    """
    recording = await start_recording(source, max_seconds)
    try:
        yield recording
    finally:
        await recording.close()


async def start_recording(source: BinaryIO, max_seconds: float = MAX_SECONDS) -> Recording:
    """As :func:`open_recording`, for those who close it themselves."""
    source.flush()
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streaming.audio.decode_child", f"{max_seconds}"),
            stdin=source.fileno(),
            stdout=PIPE,
            limit=READ_AHEAD_BYTES,
            env=child_environment(),
            # Ctrl-C is for the server.
            start_new_session=True,
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise EngineFailed(f"The recording cannot be decoded now ({reason}). Try again later.") from error
    try:
        _, body = await _receive(process)
        return Recording(process, msgspec.json.decode(body, type=RecordingInfo))
    except BaseException:
        await _end(process)
        raise


async def _receive(process: Process) -> tuple[int, bytes]:
    """The next message; raises what the process refused the file for."""
    assert process.stdout is not None
    try:
        kind, size = HEADER.unpack(await process.stdout.readexactly(HEADER.size))
        if size > MAX_MESSAGE_BYTES:
            log.error("a recording's decoder spoke nonsense", kind=kind, size=size)
            raise ScriptRejected(_DAMAGED)
        body = await process.stdout.readexactly(size)
    except asyncio.IncompleteReadError:
        status = await process.wait()
        log.warning("a recording broke its decoder", status=status)
        if status > 0:
            raise EngineFailed("The recording cannot be decoded; the server's log says why.") from None
        # A signal: out of time, or FFmpeg itself fell.
        raise ScriptRejected(_DAMAGED) from None
    if kind == REFUSED:
        refused = msgspec.json.decode(body, type=Refused)
        raise error_from_code(refused.code, refused.message)
    return kind, body


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    # It counts as gone only when its pipe is read to the end. Shielded, or it stays a zombie.
    await asyncio.shield(process.communicate())


def child_environment() -> dict[str, str]:
    """What a process that works on somebody's recording gets to see of this one's environment."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    root = str(Path(__file__).parents[2])
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return {**kept, **threads, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
