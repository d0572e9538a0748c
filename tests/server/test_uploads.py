import errno
import os
import tempfile
import tracemalloc
from collections.abc import Sequence

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.requests import Request
from starlette.types import Message

from server.problems import HTTPProblem
from server.uploads import MAX_FIELD_BYTES, MAX_JSON_BYTES, Kind, Uploads, read_json
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


FIELD = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n%s\r\n'
END = b"--b--\r\n"
PHOTO = Kind("photo", lambda kind: False, "image/jpeg", "me.jpg", {})


async def files_of(*parts: bytes, kind: str = FORM) -> tuple[dict[str, tuple[str, bytes]], dict[str, str]]:
    request = request_of(kind, *parts, END)
    async with Uploads().receive_files(request, PHOTO, ("file", "backdrop"), ("name", "consent")) as form:
        files = {
            name: (sent.filename, os.pread(sent.file.fileno(), 100, 0)) for name, sent in form.files.items()
        }
        return files, form.fields


async def test_a_form_carries_several_files_and_texts():
    files, fields = await files_of(
        FILE % (b"backdrop", b"../b.png", b"behind"),
        FIELD % (b"name", "Zo\u00eb".encode()),
        FILE % (b"file", b"a.jpg", b"a photo"),
    )
    assert files == {"file": ("a.jpg", b"a photo"), "backdrop": ("../b.png", b"behind")}
    assert fields == {"name": "Zo\u00eb"}


async def test_a_file_that_nobody_chose_is_none():
    files, _ = await files_of(FILE % (b"file", b"a.jpg", b"a photo"), FILE % (b"backdrop", b"", b""))
    assert list(files) == ["file"]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([FIELD % (b"name", b"Ann")], "no file"),
        ([FILE % (b"file", b"", b"")], "no file"),
        ([FILE % (b"backdrop", b"b.png", b"x")], "no file"),
        ([FILE % (b"file", b"a", b"x"), FILE % (b"other", b"b", b"x")], "'other'"),
        ([FILE % (b"file", b"a", b"x"), FILE % (b"file", b"b", b"x")], "a file twice"),
        ([FILE % (b"file", b"a", b"x"), FIELD % (b"file", b"a.jpg")], "the field 'file'"),
        ([FILE % (b"file", b"a", b"x"), FIELD % (b"age", b"7")], "name, consent"),
        ([FILE % (b"file", b"a", b"x"), *[FIELD % (b"name", b"Ann")] * 2], "a field twice"),
    ],
)
async def test_a_form_with_other_contents_is_refused(parts, told):
    with pytest.raises(HTTPProblem) as refused:
        await files_of(*parts)
    assert refused.value.status == 422 and told in refused.value.detail


BOMBS = {
    "fields": FIELD % (b"name", b"Ann") * 5000,
    "files": FILE % (b"file", b"a", b"x") * 5000,
    "field": FIELD % (b"consent", b"x" * (MAX_FIELD_BYTES + 1)),
    "header": b"--b\r\nContent-Disposition: form-data; name=" + b"x" * 100_000,
    "headers": b"--b\r\n" + b"x-y: z\r\n" * 10_000,
    "part without a name": b"--b\r\n\r\nx\r\n",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
async def test_what_a_form_may_take_is_bounded_and_nothing_stays_open(bomb):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(HTTPProblem) as refused:
        await files_of(FILE % (b"file", b"a.jpg", b"a photo"), bomb)
    assert refused.value.status == 400
    assert len(os.listdir("/proc/self/fd")) == before


async def test_memory_does_not_grow_with_the_file():
    piece = b"x" * (1 << 20)
    request = request_of(FORM, PART, *[piece] * 48, b"\r\n--b--\r\n")
    tracemalloc.start()
    try:
        async with Uploads().receive_files(request, PHOTO, ("file",), ()) as form:
            assert os.fstat(form.files["file"].file.fileno()).st_size == 48 << 20
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("charset", ["undefined", "unicode_escape", "rot13", "utf-7", "idna", "nonsense"])
async def test_no_codec_that_a_form_may_name_breaks_it(charset):
    try:
        _, fields = await files_of(
            FILE % (b"file", b"a\\ud800", b"x"),
            FIELD % (b"name", b"\\ud800+AAA-"),
            kind=f"{FORM}; charset={charset}",
        )
        fields["name"].encode()
    except HTTPProblem as refused:
        assert refused.status in {400, 422}


async def test_a_sender_of_several_files_that_goes_away_leaves_nothing():
    uploads = Uploads()
    before = len(os.listdir("/proc/self/fd"))
    sent = FILE % (b"file", b"a.jpg", b"x" * (2 << 20)) + PART
    with pytest.raises(HTTPProblem) as refused:
        async with uploads.receive_files(
            request_of(FORM, sent, whole=False), PHOTO, ("file", "backdrop"), ()
        ):
            pytest.fail("half a form was taken for a whole one")
    assert (refused.value.status, uploads._count) == (400, 0)
    assert len(os.listdir("/proc/self/fd")) == before


class Pair(BaseModel):
    url: str
    count: int = 0


async def test_a_small_body_in_json_is_read_and_explained():
    kind = "application/json"
    assert await read_json(request_of(kind, b'{"url":', b' "x"}'), Pair) == Pair(url="x")
    for body in (b"", b"[]", b'{"count": "x"}', b'{"url": "x", "count": null}', b"\xff"):
        with pytest.raises(RequestValidationError) as invalid:
            await read_json(request_of(kind, body), Pair)
        assert all(item["loc"][0] == "body" for item in invalid.value.errors())
    with pytest.raises(HTTPProblem) as refused:
        await read_json(request_of(kind, b'{"url": "' + b"x" * MAX_JSON_BYTES + b'"}'), Pair)
    assert refused.value.status == 413
    with pytest.raises(HTTPProblem) as refused:
        await read_json(request_of(kind, b'{"url"', whole=False), Pair)
    assert refused.value.status == 400
