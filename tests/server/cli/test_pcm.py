"""As a person uses it: a program of its own behind a real pipe."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

import av
import pytest

from tests.support.recordings import tone

ROOT = Path(__file__).parents[3]
RATE = 16_000


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    async def begin(*arguments: str) -> Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from server.cli.main import app; app()"),
            *("render", "--avatar", "theo", "-o", "x.mp4", *arguments),
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=PIPE,
        )

    return begin


def frames(path: Path) -> int:
    with av.open(str(path)) as film:
        assert sorted(stream.type for stream in film.streams) == ["audio", "video"]
        return sum(1 for _ in film.decode(video=0))


def films(folder: Path) -> list[str]:
    """Finished ones, and those that are being written."""
    return [path.name for path in folder.iterdir() if ".mp4" in path.name]


async def begun(folder: Path) -> None:
    """Return when the film is being written."""
    found: list[str] = []
    async with asyncio.timeout(20):
        while not found:
            found = films(folder)
            await asyncio.sleep(0.05)


async def test_standard_input_is_rendered_as_it_comes(start, tmp_path: Path):
    data = tone(RATE, 1.6).astype("<f4").tobytes()
    program = await start("--pcm", "-", "--sample-rate", str(RATE), "--encoding", "pcm_f32le")
    program.stdin.write(data[:-1001])
    await begun(tmp_path)
    _, said = await program.communicate(data[-1001:])
    assert program.returncode == 0, said
    assert frames(tmp_path / "x.mp4") == 40


async def test_ctrl_c_ends_the_sound_and_keeps_the_film(start, tmp_path: Path):
    program = await start("--pcm", "-", "--sample-rate", str(RATE))
    program.stdin.write((tone(RATE, 1.6) * 32_767).astype("<i2").tobytes())
    await begun(tmp_path)
    program.send_signal(signal.SIGINT)
    # The pipe stays open: nothing but the signal ends it.
    async with asyncio.timeout(20):
        said = await program.stderr.read()
        assert await program.wait() == 0, said
    assert frames(tmp_path / "x.mp4") > 0


async def test_what_is_no_sound_leaves_no_film(start, tmp_path: Path):
    (tmp_path / "speech").write_bytes(tone(RATE, 0.5).astype("<f4").tobytes() + b"\x00\x00\xc0\x7f" * 50_000)
    program = await start("--pcm", "speech", "--encoding", "pcm_f32le")
    _, said = await program.communicate()
    assert program.returncode == 1
    assert "NaN" in said.decode()
    assert not films(tmp_path)
