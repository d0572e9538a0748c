import hashlib
import io
import tarfile
from pathlib import Path

import httpx
import numpy as np
import pytest

from server import voices
from server.settings import Settings
from server.voices import Archive, FetchFailed, install_kokoro
from streaming.speech.kokoro_files import VOICE_BYTES, voices_folder
from streaming.speech.registry import DEFAULT_CHAIN

STYLE = np.full(VOICE_BYTES // 4, 0.5, "<f4").tobytes()
URL = "https://registry.example/kokoro.tgz"


def archive(*members: tuple[str, bytes], links: tuple[tuple[str, str], ...] = ()) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as content:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            content.addfile(info, io.BytesIO(data))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            content.addfile(info)
    return out.getvalue()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch):
    """Makes these bytes the archive that is known, and returns a network that serves something."""

    def serve(known: bytes, answer: httpx.Response | None = None, url: str = URL) -> httpx.MockTransport:
        checksum = hashlib.sha512(known).hexdigest()
        monkeypatch.setattr(voices, "KOKORO", Archive(url, checksum, len(known)))
        asked = answer or httpx.Response(200, stream=httpx.ByteStream(known))
        return httpx.MockTransport(lambda request: asked)

    return serve


def left_behind(data_dir: Path) -> list[str]:
    return sorted(p.name for p in data_dir.rglob("*") if p.is_file())


GOOD = archive(
    ("package/README.md", b"hello"),
    ("package/voices/af_heart.bin", STYLE),
    ("package/voices/jf_alpha.bin", STYLE),
)


def test_voices_are_put_where_the_engine_finds_them(serve, tmp_path: Path):
    steps = []
    names = install_kokoro(tmp_path, progress=lambda *step: steps.append(step), transport=serve(GOOD))
    assert names == ["af_heart", "jf_alpha"]
    assert left_behind(tmp_path) == ["af_heart.bin", "jf_alpha.bin"]
    assert (voices_folder(tmp_path) / "af_heart.bin").read_bytes() == STYLE
    assert steps[-1] == (len(GOOD), len(GOOD))


def test_a_file_that_was_fetched_elsewhere_is_taken(serve, tmp_path: Path):
    transport = serve(GOOD, httpx.Response(500))
    file = tmp_path / "kokoro.tgz"
    file.write_bytes(GOOD)
    assert install_kokoro(tmp_path / "data", file=file, transport=transport) == ["af_heart", "jf_alpha"]
    assert file.exists()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(404), "404"),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), "302"),
        (httpx.Response(200, stream=httpx.ByteStream(GOOD + b"x")), "longer"),
        (httpx.Response(200, stream=httpx.ByteStream(GOOD[:-1])), "checksum"),
        (httpx.Response(200, stream=httpx.ByteStream(b"x" * len(GOOD))), "checksum"),
    ],
)
def test_what_is_not_the_archive_changes_nothing(serve, tmp_path: Path, answer, says):
    with pytest.raises(FetchFailed, match=says):
        install_kokoro(tmp_path, transport=serve(GOOD, answer))
    assert left_behind(tmp_path) == []


def test_an_unreachable_registry_says_what_helps(serve, tmp_path: Path):
    serve(GOOD)

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    with pytest.raises(FetchFailed, match="HTTPS_PROXY"):
        install_kokoro(tmp_path, transport=httpx.MockTransport(refuse))


def test_only_https_is_fetched(serve, tmp_path: Path):
    with pytest.raises(FetchFailed, match="https"):
        install_kokoro(tmp_path, transport=serve(GOOD, url="http://registry.example/kokoro.tgz"))


def test_only_voices_are_taken_from_the_archive(serve, tmp_path: Path):
    evil = archive(
        ("../af_evil.bin", STYLE),
        ("package/voices/../../af_evil.bin", STYLE),
        ("/package/voices/af_evil.bin", STYLE),
        ("package/voices/xf_evil.bin", STYLE),
        ("package/voices/af_small.bin", STYLE[:-4]),
        ("package/voices/af_heart.bin", STYLE),
        links=(("package/voices/af_link.bin", "/etc/passwd"),),
    )
    assert install_kokoro(tmp_path / "data", transport=serve(evil)) == ["af_heart"]
    assert left_behind(tmp_path) == ["af_heart.bin"]


def test_the_settings_know_the_default_chain():
    assert Settings.model_fields["speech"].default == DEFAULT_CHAIN


def test_an_archive_without_voices_is_refused(serve, tmp_path: Path):
    for content in (archive(("package/README.md", b"x")), b"no archive at all"):
        with pytest.raises(FetchFailed, match=r"voices|unpacked"):
            install_kokoro(tmp_path, transport=serve(content))
