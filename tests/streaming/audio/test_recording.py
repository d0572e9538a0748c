import asyncio
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from streaming.audio import decode_child, recording
from streaming.audio.recording import open_recording
from streaming.confinement import HEADER
from streaming.errors import EngineFailed, ScriptRejected
from streaming.timing import SPEECH_RATE
from tests.support.recordings import encoded, film, playlists, table_bomb, tone, wav, wav_of

ROOT = Path(__file__).parents[3]


@contextmanager
def file_of(data: bytes):
    with tempfile.TemporaryFile() as file:
        file.write(data)
        yield file


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if child.is_running() and "streaming.audio.decode_child" in child.cmdline()
    ]


async def test_a_file_comes_in_pieces_with_what_it_was():
    values = np.random.default_rng(3).integers(-32_768, 32_767, SPEECH_RATE, np.int16)
    with file_of(wav_of(values.tobytes())) as file:
        async with open_recording(file) as opened:
            assert (opened.info.codec, opened.info.seconds) == ("pcm_s16le", 1.0)
            pieces = [piece async for piece in opened.pieces()]
    assert np.array_equal(np.concatenate(pieces), values.astype(np.float32) / 32_768)
    assert len(pieces) >= 4
    assert opened.ended is not None
    assert opened.ended.peak == pytest.approx(1.0, abs=0.001)
    assert not children()


@pytest.mark.parametrize(
    "data",
    [
        encoded(tone(44_100), 44_100, "mp3", "libmp3lame", "fltp", "stereo"),
        encoded(tone(48_000), 48_000, "ipod", "aac", "fltp", "stereo"),
        encoded(tone(48_000), 48_000, "webm", "libopus", "flt"),
        film(with_sound=True),
    ],
    ids=["mp3", "m4a", "webm", "film"],
)
async def test_confined_as_it_is_it_decodes_every_kind(data: bytes):
    with file_of(data) as file:
        async with open_recording(file) as opened:
            count = sum([piece.size async for piece in opened.pieces()])
    assert count == pytest.approx(SPEECH_RATE, rel=0.06)


async def test_a_refusal_comes_at_once_with_its_reason(tmp_path):
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(tone(SPEECH_RATE)))
    for data in (b"no sound", playlists(str(secret))["ffconcat"]):
        with file_of(data) as file:
            with pytest.raises(ScriptRejected, match="no recording"):
                async with open_recording(file):
                    pass
    with file_of(wav(tone(SPEECH_RATE, 4.0))) as file:
        with pytest.raises(ScriptRejected, match="2 seconds"):
            async with open_recording(file, 2.0):
                pass
    assert not children()


MEASURE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, child.returncode, usage = os.wait4(child.pid, 0)
print(child.returncode, usage.ru_maxrss)
"""


def test_a_file_that_would_fill_the_memory_does_not():
    with file_of(table_bomb(60_000_000)) as file:
        file.flush()
        # A process of its own stands between: Linux counts the memory of whoever starts a program to it.
        measured = subprocess.run(
            (sys.executable, "-c", MEASURE, sys.executable, "-m", "streaming.audio.decode_child", "10"),
            stdin=file,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            check=True,
        )
    status, kilobytes = map(int, measured.stdout.split())
    assert status == 0, "it says what is wrong, or skips it"
    assert kilobytes * 1024 < decode_child.MEMORY_BYTES, "without the limit it takes 2 GB"


async def test_it_decodes_no_further_than_is_taken():
    with file_of(wav(tone(SPEECH_RATE, 60.0))) as file:
        async with open_recording(file) as opened:
            pieces = opened.pieces()
            await anext(pieces)
            child = children()[0]
            before = child.io_counters().write_chars
            for _ in range(20):
                await asyncio.sleep(0.01)
            written = child.io_counters().write_chars
            assert written < 10 * SPEECH_RATE * 4, "60 s would be 5.8 MB"
            assert written >= before
            await pieces.aclose()
    assert not children()


async def test_whoever_gives_up_leaves_no_process_behind():
    begun = asyncio.Event()
    with file_of(wav(tone(SPEECH_RATE, 60.0))) as file:

        async def take() -> None:
            async with open_recording(file) as opened:
                async for _ in opened.pieces():
                    begun.set()
                    await asyncio.Event().wait()

        taking = asyncio.create_task(take())
        await begun.wait()
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
    assert not children()


async def test_a_decoder_that_falls_is_the_files_fault():
    with file_of(wav(tone(SPEECH_RATE, 60.0))) as file:
        async with open_recording(file) as opened:
            pieces = opened.pieces()
            await anext(pieces)
            children()[0].kill()
            with pytest.raises(ScriptRejected, match="damaged"):
                async for _ in pieces:
                    pass


def test_an_error_that_nobody_foresaw_refuses_the_file(monkeypatch, capsys):
    def broken(_: decode_child.AudioFile) -> Iterator[NDArray[np.float32]]:
        raise ZeroDivisionError("deep in a demuxer")

    monkeypatch.setattr(decode_child.AudioFile, "pieces", broken)
    sink = io.BytesIO()
    decode_child.main(io.BytesIO(wav(tone(SPEECH_RATE))), sink, 10.0)
    messages, said = sink.getvalue(), []
    while messages:
        kind, size = HEADER.unpack_from(messages)
        said.append((kind, messages[HEADER.size :][:size]))
        messages = messages[HEADER.size + size :]
    assert [kind for kind, _ in said] == [decode_child.INFO, decode_child.REFUSED]
    assert msgspec.json.decode(said[1][1])["code"] == "script_rejected"
    assert "deep in a demuxer" in capsys.readouterr().err


async def test_a_decoder_that_does_not_start_is_ours(monkeypatch):
    with file_of(wav(tone(SPEECH_RATE))) as file:
        monkeypatch.setattr(recording.sys, "executable", "/nowhere/python")
        with pytest.raises(EngineFailed, match="later"):
            async with open_recording(file):
                pass


async def test_a_decoder_that_a_file_took_over_cannot_fill_our_memory(monkeypatch, tmp_path):
    taken_over = tmp_path / "python"
    taken_over.write_text("#!/bin/sh\nprintf '\\001\\377\\377\\377\\177'\nexec sleep 60\n")
    taken_over.chmod(0o700)
    with file_of(b"RIFF") as file, monkeypatch.context() as patched:
        patched.setattr(recording.sys, "executable", str(taken_over))
        with pytest.raises(ScriptRejected, match="damaged"):
            async with asyncio.timeout(10), open_recording(file):
                pytest.fail("it claims a message of 2 GB")


async def test_the_decoder_knows_no_secret_of_ours(monkeypatch):
    monkeypatch.setenv("LIPSTREAM_API_KEY", "a-secret-of-the-server")
    with file_of(wav(tone(SPEECH_RATE, 60.0))) as file:
        async with open_recording(file):
            child = children()[0]
            assert "LIPSTREAM_API_KEY" not in child.environ()
            assert child.rlimit(psutil.RLIMIT_NOFILE) == (3, 3)
            assert child.nice() > os.nice(0)
