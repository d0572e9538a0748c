"""Avatars are made ready before the performer starts; with tiny networks: routes/test_musetalk_faces.py."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from avatars.store import AvatarStore
from server import missing_parts
from server.missing_parts import avatars_without, build_missing_parts
from server.settings import Settings
from tests.support.musetalk_part import part_of


def settings_of(data_dir: Path, face: str = "musetalk,atlas") -> Settings:
    return Settings(_env_file=None, data_dir=data_dir, face=face, musetalk_folder="/weights")  # pyright: ignore[reportCallIssue]


def answering(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(missing_parts, "COMMAND", (sys.executable, "-c", code))


def test_what_is_missing_depends_on_the_face(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    store = AvatarStore(settings.avatars_dir)
    everybody = [entry.id for entry in store.list()]
    assert avatars_without(settings, store) == everybody
    assert avatars_without(settings_of(tmp_path, "atlas"), store) == []
    store.put_musetalk("mira", part_of(store.get("mira")))
    assert avatars_without(settings, store) == [avatar for avatar in everybody if avatar != "mira"]


async def test_the_command_is_told_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "told"
    names = "LIPSTREAM_DATA_DIR LIPSTREAM_FACE LIPSTREAM_MUSETALK_FOLDER LIPSTREAM_MUSETALK_DEVICE".split()
    write = f"pathlib.Path({str(told)!r}).write_text('|'.join(os.environ[n] for n in {names}))"
    answering(monkeypatch, f"import os, pathlib; {write}")
    settings = settings_of(tmp_path)
    with capture_logs() as logs:
        await build_missing_parts(settings, AvatarStore(settings.avatars_dir))
    assert told.read_text() == f"{tmp_path}|musetalk,atlas|/weights|auto"
    assert [entry["event"] for entry in logs] == ["preparing avatars", "avatars prepared"]


async def test_nothing_is_started_where_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(missing_parts, "COMMAND", ("/no/such/program",))
    settings = settings_of(tmp_path, "atlas")
    await build_missing_parts(settings, AvatarStore(settings.avatars_dir))


async def test_why_it_failed_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answering(monkeypatch, "import sys; print('no weights here'); sys.exit(1)")
    settings = settings_of(tmp_path)
    with capture_logs() as logs:
        await build_missing_parts(settings, AvatarStore(settings.avatars_dir))
    assert logs[-1]["event"] == "avatars not prepared" and logs[-1]["reason"] == "no weights here"


async def test_a_server_that_stops_meanwhile_stops_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answering(monkeypatch, "import time; time.sleep(600)")
    settings = settings_of(tmp_path)
    building = asyncio.ensure_future(build_missing_parts(settings, AvatarStore(settings.avatars_dir)))
    await asyncio.sleep(0.2)
    building.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(building, return_exceptions=True)
    assert building.cancelled()
