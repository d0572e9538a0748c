import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from avatars.store import AvatarStore
from server.cli.main import app
from tests.support.bundles import small_bundle
from tests.support.whole_avatars import archive_of, members, whole_bundle


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AvatarStore:
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "data" / "avatars"
    whole_bundle(root, "ada")
    return AvatarStore(root)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["avatar", *arguments])


def said(result: Result) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def test_an_avatar_goes_out_and_comes_in(store, tmp_path):
    result = run("export", "ada")
    assert result.exit_code == 0, result.output
    path = tmp_path / "ada.lipstream"
    assert "lipstream avatar import ada.lipstream" in said(result)
    assert path.read_bytes() == archive_of(store)
    assert run("export", "mira", "-o", "m.zip").exit_code == 0
    assert "atlas.npz" in members((tmp_path / "m.zip").read_bytes())

    taken = run("import", "ada.lipstream")
    assert taken.exit_code == 1 and "already" in said(taken)
    taken = run("import", "ada.lipstream", "--name", "eve")
    assert taken.exit_code == 0 and "Took in eve" in said(taken)
    assert store.get("eve").manifest.name == "Ada"


def test_what_cannot_be_done_is_told(store, tmp_path):
    small_bundle(store.root, "bare")
    (tmp_path / "x.lipstream").write_bytes(b"nothing")
    for arguments, told in (
        (("export", "nobody"), "There is no avatar 'nobody'"),
        (("export", "bare"), "no idle.mp4"),
        (("export", "ada", "-o", "none/x"), "Choose another place"),
        (("import", "none.lipstream"), "cannot be read (No such file"),
        (("import", "x.lipstream"), "lipstream avatar export"),
        (("import", "data"), "cannot be read (Is a directory"),
        (("import", "http://user:pass@a.example/x"), "user name"),
        (("import", "http://127.0.0.1:1/x"), "LIPSTREAM_FETCH_PRIVATE"),
    ):
        result = run(*arguments)
        assert result.exit_code == 1 and told in said(result), (arguments, result.output)


@pytest.fixture
def address(store: AvatarStore) -> Iterator[str]:
    """Where a server of this machine gives Ada's file."""
    data = archive_of(store)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/ada.lipstream"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_address_is_fetched(store, address, monkeypatch):
    assert "LIPSTREAM_FETCH_PRIVATE" in said(run("import", address, "--name", "eve"))
    monkeypatch.setenv("LIPSTREAM_FETCH_PRIVATE", "true")
    result = run("import", address, "--name", "eve")
    assert result.exit_code == 0, result.output
    assert store.get("eve").manifest.parts == store.get("ada").manifest.parts
    monkeypatch.setenv("LIPSTREAM_MAX_AVATAR_BYTES", "5000")
    assert "larger than 5000" in said(run("import", address, "--name", "eva"))
