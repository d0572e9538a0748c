"""Fetches voices: one archive of a public registry, known by its checksum; only voice files are kept."""

from __future__ import annotations

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import httpx

from server.fetch import FetchFailed
from streaming.speech.kokoro_files import VOICE_BYTES, VOICE_NAME, voices_folder

Progress = Callable[[int, int], None]
"""Called with the bytes that are here and those that there are."""

TIMEOUT = httpx.Timeout(30.0)
"""Seconds for each of connecting, sending and waiting for the next bytes."""
CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that may be fetched.

    Attributes:
        url: where it is; https only.
        sha512: its checksum in hexadecimal.
        size: its length in bytes; more is never read.
    """

    url: str
    sha512: str
    size: int


KOKORO = Archive(
    "https://registry.npmjs.org/kokoro-js/-/kokoro-js-1.2.1.tgz",
    "a2ad076495a2b37b7c94446430987ce162d4f3a769603d04b813eda989cb950c"
    "f214fd4e9320510dcc1e02a09f84d3a996dc8df63fdace9d47eaeb82e3b81287",
    26_887_218,
)
"""The 54 voices of Kokoro-82M v1.0 (Apache-2.0), as the npm package kokoro-js 1.2.1 carries them."""
_FOLDER = "package/voices/"


def install_kokoro(
    data_dir: Path,
    *,
    file: Path | None = None,
    progress: Progress = lambda done, total: None,
    transport: httpx.BaseTransport | None = None,
) -> list[str]:
    """Put Kokoro's voices into the data folder.

    Args:
        data_dir: the program's data folder.
        file: the archive, where it has been fetched by other means.
        progress: told how far the download is.
        transport: stands for the network in tests.

    Returns:
        The names of the voices.

    Raises:
        FetchFailed: the archive cannot be had, or is not the one we know. Nothing is changed then.
    """
    folder = voices_folder(data_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as scratch:
            archive = file or Path(scratch, "archive.tgz")
            if file is None:
                download(KOKORO, archive, progress, transport)
            _verify(KOKORO, archive)
            names = _extract(archive, Path(scratch))
            for name in names:
                os.replace(Path(scratch, f"{name}.bin"), folder / f"{name}.bin")
    except OSError as error:
        raise FetchFailed(f"The voices cannot be written to {folder}: {error}.") from error
    return names


def download(
    archive: Archive, target: Path, progress: Progress, transport: httpx.BaseTransport | None = None
) -> None:
    """Fetch an archive; proxies and certificates of the environment are used.

    Raises:
        FetchFailed: it cannot be had, or is longer than it may be.
    """
    host = urlsplit(archive.url).hostname
    if urlsplit(archive.url).scheme != "https":
        raise FetchFailed(f"Only https addresses are fetched, not {archive.url}.")
    done = 0
    with _explained(host or ""), httpx.Client(timeout=TIMEOUT, transport=transport) as client:
        # Redirects are not followed: another host would be another source.
        with client.stream("GET", archive.url, headers={"Accept-Encoding": "identity"}) as response:
            if response.status_code != httpx.codes.OK:
                raise FetchFailed(f"{host} answers {response.status_code} for {archive.url}.")
            with target.open("wb") as out:
                for chunk in response.iter_raw(CHUNK_BYTES):
                    done += len(chunk)
                    if done > archive.size:
                        raise FetchFailed(f"{archive.url} is longer than the file we know. Try again later.")
                    out.write(chunk)
                    progress(done, archive.size)


@contextmanager
def _explained(host: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise FetchFailed(
            f"{host} cannot be reached ({error or type(error).__name__}). Behind a proxy, set HTTPS_PROXY; "
            "for a certificate of your own, SSL_CERT_FILE; without internet, fetch the archive elsewhere and "
            "give it with --file."
        ) from error


def _verify(archive: Archive, file: Path) -> None:
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha512").hexdigest()
    if found != archive.sha512:
        raise FetchFailed(
            f"{file.name} is not the archive that we know: its checksum differs. The right one is at "
            f"{archive.url}."
        )


def _extract(archive: Path, target: Path) -> list[str]:
    """Copy the voices out of an archive; nothing else in it is touched."""
    names: list[str] = []
    try:
        with tarfile.open(archive, "r:gz") as content:
            for member in content:
                name = member.name.removeprefix(_FOLDER).removesuffix(".bin")
                known = member.name == f"{_FOLDER}{name}.bin" and VOICE_NAME.fullmatch(name)
                if not known or not member.isreg() or member.size != VOICE_BYTES:
                    continue
                source = content.extractfile(member)
                if source is not None:
                    _write(source, target / f"{name}.bin")
                    names.append(name)
    except (tarfile.TarError, EOFError) as error:
        raise FetchFailed(f"{archive.name} cannot be unpacked: {error}.") from error
    if not names:
        raise FetchFailed(f"{archive.name} holds no voices.")
    return sorted(names)


def _write(source: IO[bytes], target: Path) -> None:
    with target.open("wb") as out:
        out.write(source.read(VOICE_BYTES))
        out.flush()
        os.fsync(out.fileno())
