import errno
import os
import tempfile
from collections.abc import Sequence

import pytest
from starlette.requests import Request
from starlette.types import Message

from server.problems import HTTPProblem
from server.uploads import Uploads
from streaming.errors import CapacityReached

FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="../../x.wav"\r\n\r\n'


def request_of(kind: str, *parts: bytes, whole: bool = True) -> Request:
    messages: list[Message] = [
        {"type": "http.request", "body": part, "more_body": not whole or part is not parts[-1]}
        for part in parts
    ]
    coming = iter(messages)

    async def receive() -> Message:
        return next(coming, {"type": "http.disconnect"})

    headers: Sequence[tuple[bytes, bytes]] = [(b"content-type", kind.encode())]
    return Request({"type": "http", "method": "POST", "headers": headers, "app": None}, receive)


@pytest.mark.parametrize(
    ("kind", "parts"),
    [("audio/wav", [b"RIFF", b"data"]), (FORM, [PART, b"RIFFdata", b"\r\n--b--\r\n"])],
)
async def test_what_comes_is_a_file_with_a_descriptor(kind, parts):
    async with Uploads().receive(request_of(kind, *parts)) as file:
        assert os.pread(file.fileno(), 100, 0) == b"RIFFdata"
    assert file.closed


@pytest.mark.parametrize(("kind", "part"), [("audio/wav", b"RIFF"), (FORM, PART + b"RIFF")])
async def test_a_sender_that_goes_away_is_no_failure_of_the_server(kind, part):
    uploads = Uploads()
    with pytest.raises(HTTPProblem) as refused:
        async with uploads.receive(request_of(kind, part, whole=False)):
            pytest.fail("half a recording was taken for a whole one")
    assert refused.value.status == 400
    assert uploads._count == 0


@pytest.mark.parametrize(
    ("kind", "parts"), [("audio/wav", [b"RIFF"]), (FORM, [PART, b"RIFF", b"\r\n--b--\r\n"])]
)
async def test_a_full_disk_is_told(monkeypatch, kind, parts):
    def full(*_args: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(CapacityReached, match="No space left"):
        async with Uploads().receive(request_of(kind, *parts)):
            pytest.fail("it was kept nowhere")
