"""Processes that decode what strangers wrote: what they may use, and how they say what came of it.

FFmpeg at work in one can neither open another file, nor a socket, nor take more memory or time than it was
given; and when it crashes, nothing else does. What it finds goes to standard output as messages of a kind
(u8), a length (u32, little-endian) and a body.
"""

from __future__ import annotations

import os
import resource
import struct
from contextlib import suppress
from typing import BinaryIO

import msgspec

HEADER = struct.Struct("<BI")
NICENESS = 10


class Refused(msgspec.Struct, frozen=True):
    """Why a file cannot be used."""

    code: str
    message: str


def confine(memory_bytes: int, cpu_seconds: int) -> None:
    """Give up everything that decoding does not need. What Python loads late has to be loaded by now.

    Args:
        memory_bytes: of address space, code and libraries included.
        cpu_seconds: until the process is killed.
    """
    os.nice(NICENESS)
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_CORE: 0,
        # The three standard streams are open already, and nothing else will be.
        resource.RLIMIT_NOFILE: 3,
    }
    for limit, value in limits.items():
        # Not every system knows each of them.
        with suppress(ValueError, OSError):
            resource.setrlimit(limit, (value, value))


def send(sink: BinaryIO, kind: int, body: bytes | memoryview) -> None:
    """Write a message."""
    sink.write(HEADER.pack(kind, len(body)))
    sink.write(body)
    sink.flush()


def refuse(sink: BinaryIO, kind: int, code: str, message: str) -> None:
    """Write the message that the file cannot be used."""
    send(sink, kind, msgspec.json.encode(Refused(code, message)))
