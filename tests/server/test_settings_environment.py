import asyncio
import socket
from pathlib import Path

import pytest

from server.jobs.stage_process import StageProcess, StagesDied
from server.settings import Settings, SettingsError, load_settings
from server.settings_environment import environment_of, settings_of_parent


def test_a_child_has_the_settings_of_its_parent_but_no_secrets(monkeypatch, tmp_path: Path):
    settings = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        data_dir=tmp_path / "dä ta",
        api_key="k" * 20,  # pyright: ignore[reportArgumentType]
        face="musetalk,atlas",
        webrtc_addresses=["10.0.0.1"],  # pyright: ignore[reportArgumentType]
        max_sessions=3,
        qwen3_text_embedding_on_cpu=True,
        jobs_url="postgresql://me:secret@db/jobs",  # pyright: ignore[reportArgumentType]
    )
    environment = environment_of(settings)
    assert environment["LIPSTREAM_API_KEY"] == ""
    monkeypatch.chdir(tmp_path)
    Path(".env").write_text("LIPSTREAM_SPEECH=espeak\nLIPSTREAM_API_KEY=another-key-than-this\n")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    child = settings_of_parent()
    assert child == settings.model_copy(update={"api_key": None})


@pytest.mark.parametrize("url", ["mysql://me:secret@db/jobs", "postgresql://db", "jobs.sqlite"])
def test_a_database_of_jobs_is_postgresql_and_its_password_is_not_repeated(monkeypatch, tmp_path: Path, url):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIPSTREAM_JOBS_URL", url)
    with pytest.raises(SettingsError, match="LIPSTREAM_JOBS_URL: it is no address") as caught:
        load_settings()
    assert "secret" not in str(caught.value)


async def test_engines_and_stages_run_without_secrets(still, monkeypatch, tmp_path: Path):
    secrets = {"LIPSTREAM_API_KEY", "LIPSTREAM_ICE_SERVERS", "LIPSTREAM_JOBS_URL"}
    started: list[dict[str, str]] = []

    async def start(*command: str, env: dict[str, str], **_: object) -> None:
        started.append(env)
        raise OSError("not for real")

    async with still() as server:
        for name in secrets:
            monkeypatch.setenv(name, "secret")
        monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
        stages = StageProcess(tmp_path, "{}", "none:none", lambda told: None)
        with pytest.raises(StagesDied):
            await stages.run("open")
        ours, theirs = socket.socketpair()
        with ours, theirs, pytest.raises(OSError, match="not for real"):
            await server.state.performer._spawn(theirs)
    assert [{env[name] for name in secrets} for env in started] == [{""}, {""}]
