"""What a process that decodes strangers' files has given up."""

import io
import subprocess
import sys

import msgspec
import pytest

from streaming.confinement import HEADER, Refused, refuse, send

MEGABYTE = 1 << 20


def confined(work: str, cpu_seconds: int = 60) -> "subprocess.CompletedProcess[str]":
    """Run Python code in a process that has been confined to 1 GB."""
    code = (
        "import socket\nfrom streaming.confinement import confine\n"
        f"confine({1024 * MEGABYTE}, {cpu_seconds})\n{work}"
    )
    return subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, timeout=60)


def test_work_within_its_means_goes_on() -> None:
    assert confined("print('done')").stdout == "done\n"


@pytest.mark.parametrize(
    ("work", "error"),
    [
        ("open('/etc/passwd')", "Too many open files"),
        ("socket.socket()", "Too many open files"),
        (f"bytearray({2048 * MEGABYTE})", "MemoryError"),
    ],
)
def test_what_decoding_does_not_need_is_refused(work: str, error: str) -> None:
    ended = confined(work)
    assert ended.returncode == 1 and error in ended.stderr


def test_work_without_end_is_killed() -> None:
    assert confined("while True: pass", cpu_seconds=1).returncode < 0


def test_messages_are_of_a_kind_and_a_length() -> None:
    sink = io.BytesIO()
    send(sink, 3, memoryview(b"body"))
    refuse(sink, 4, "too_long", "Cut it.")
    said = sink.getvalue()
    assert HEADER.unpack_from(said) == (3, 4) and said[HEADER.size : HEADER.size + 4] == b"body"
    rest = said[HEADER.size + 4 :]
    kind, length = HEADER.unpack_from(rest)
    assert (kind, length) == (4, len(rest) - HEADER.size)
    assert msgspec.json.decode(rest[HEADER.size :], type=Refused) == Refused("too_long", "Cut it.")
