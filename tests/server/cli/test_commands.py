import re
import socket
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from server import state
from server.cli import doctor
from server.cli.main import app
from tests.support.recordings import encoded

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    # The performer is a process of its own, and the tests may run from a folder that was never installed.
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=input)


def said(result: Result) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def test_the_version_and_help():
    assert run("--version").output.startswith("lipstream ")
    result = run("--help")
    for name in ("serve", "render", "avatar", "voice", "doctor"):
        assert name in result.output


def test_a_text_becomes_a_video_with_captions(tmp_path: Path):
    result = run(
        "render", "-", "-o", "x.mp4", "--captions", "--avatar", "theo", input="Hello there! How are you?"
    )
    assert result.exit_code == 0, result.output
    with av.open("x.mp4") as container:
        assert sorted(stream.type for stream in container.streams) == ["audio", "video"]
    assert "Hello there!" in (tmp_path / "x.vtt").read_text(encoding="utf-8")


def test_a_recording_becomes_a_video(tmp_path: Path):
    sound = np.random.default_rng(2).uniform(-0.4, 0.4, 48_000).astype(np.float32)
    (tmp_path / "speech.m4a").write_bytes(encoded(sound, 48_000, "ipod", "aac", "fltp", "stereo"))
    result = run("render", "--audio", "speech.m4a", "-o", "x.mp4", "--avatar", "theo")
    assert result.exit_code == 0, result.output
    with av.open("x.mp4") as container:
        assert sum(1 for _ in container.decode(video=0)) in {25, 26}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["render", " ", "-o", "x.mp4"], 2, "empty"),
        (["render", "x" * 10_001, "-o", "x.mp4"], 2, "10000"),
        (["render", "x", "-o", "x.avi"], 2, "must end in .mp4"),
        (["render", "x", "-o", "nowhere/x.mp4"], 2, "no folder nowhere"),
        (["render", "x", "-o", "x.mp4", "--avatar", "nobody"], 1, "no avatar 'nobody'"),
        (["render", "x", "-o", "x.mp4", "--voice", "nobody"], 1, "nobody"),
        (["render", "...", "-o", "x.mp4"], 1, "nothing that can be spoken"),
        (["render", "-o", "x.mp4"], 2, "either a text, a recording"),
        (["render", "x", "--audio", __file__, "-o", "x.mp4"], 2, "either a text, a recording"),
        (["render", "--pcm", "-", "--audio", __file__, "-o", "x.mp4"], 2, "either a text, a recording"),
        (["render", "--pcm", "missing.raw", "-o", "x.mp4"], 2, "no file missing.raw"),
        (["render", "--pcm", "-", "--encoding", "mp3", "-o", "x.mp4"], 2, "pcm_f32le"),
        (["render", "--pcm", "-", "--sample-rate", "96000", "-o", "x.mp4"], 2, "48000"),
        (["render", "--pcm", "-", "--voice", "heart", "-o", "x.mp4"], 2, "has its own"),
        (["render", "x", "--sample-rate", "16000", "-o", "x.mp4"], 2, "need --pcm"),
        (["render", "--audio", "missing.mp3", "-o", "x.mp4"], 2, "does not exist"),
        (["render", "--audio", __file__, "--captions", "-o", "x.mp4"], 2, "needs a text"),
        (["render", "--audio", __file__, "--voice", "heart", "-o", "x.mp4"], 2, "has its own"),
        (["render", "--audio", __file__, "-o", "x.mp4"], 1, "no recording"),
        (["avatar", "show", "nobody"], 1, "no avatar 'nobody'"),
        (["avatar", "show", "mira", "--sheet", "x.gif"], 2, "must end in .png"),
        (["avatar", "delete", "mira", "--yes"], 1, "ships with the program"),
        (["avatar", "delete", "nobody", "--yes"], 1, "no avatar 'nobody'"),
        (["avatar", "create", "missing.png", "--name", "x"], 2, "does not exist"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing_behind(
    arguments: list[str], code: int, says: str, tmp_path: Path
):
    result = run(*arguments)
    assert result.exit_code == code
    assert says in said(result)
    assert not list(tmp_path.glob("*.mp4"))


def test_a_file_that_is_no_photo_makes_no_avatar(tmp_path: Path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    result = run("avatar", "create", "x.png", "--name", "anna")
    assert result.exit_code == 1
    assert "picture" in said(result)
    assert "anna" not in run("avatar", "list").output


def test_avatars_and_voices_are_listed_and_shown(tmp_path: Path):
    listed = run("avatar", "list").output
    assert "mira" in listed
    assert "theo" in listed
    result = run("avatar", "show", "mira", "--sheet", "mira.png")
    assert result.exit_code == 0
    assert "512x512" in result.output
    assert (tmp_path / "mira.png").read_bytes().startswith(b"\x89PNG")
    assert "heart" in run("voice", "list").output


def test_the_doctor_finds_everything_ready_as_the_program_comes():
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "hibari" in result.output
    assert "missing" not in result.output


def test_the_doctor_says_what_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_SPEECH", "nonsense")
    monkeypatch.setenv("LIPSTREAM_AVATAR", "nobody")
    result = run("doctor")
    assert result.exit_code == 1
    assert "no speech engine 'nonsense'" in said(result)
    assert "no avatar 'nobody'" in said(result)


def test_the_doctor_says_what_backgrounds_and_repairs_need(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("MIGAN_MODEL", raising=False)
    monkeypatch.setenv("LAMA_MODEL", str(tmp_path / "nowhere"))
    monkeypatch.setattr("precompute.matting.models.is_installed", lambda: True)
    nothing = {finding.part: finding for finding in (doctor._backgrounds(), *doctor._repairs())}
    assert "u2netp is fetched" in nothing["other backgrounds"].detail
    assert "--matting modnet" in nothing["other backgrounds"].help
    assert "nowhere, which is not there" in nothing["repair LaMa"].detail
    assert "MIGAN_MODEL" in nothing["repair MI-GAN"].help
    assert not any(finding.needed for finding in nothing.values())

    for name in ("modnet.onnx", "u2net.onnx", "migan.onnx"):
        (tmp_path / name).write_bytes(b"a file")
    monkeypatch.setenv("MIGAN_MODEL", str(tmp_path / "migan.onnx"))
    found = {finding.part: finding for finding in (doctor._backgrounds(), *doctor._repairs())}
    assert found["other backgrounds"].detail == "models here: u2net, modnet"
    assert not found["other backgrounds"].help
    assert found["repair MI-GAN"].ready and found["repair MI-GAN"].detail.endswith("migan.onnx")

    monkeypatch.setattr("precompute.matting.models.is_installed", lambda: False)
    assert doctor._backgrounds().help == 'pip install "lipstream[matting]"'


def test_the_doctor_starts_nothing_whose_weights_would_have_to_be_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    started = []
    real = state.performer_config
    monkeypatch.setattr(state, "performer_config", lambda s: started.append((s.speech, s.face)) or real(s))
    monkeypatch.setenv("LIPSTREAM_MUSETALK_FOLDER", str(tmp_path))
    monkeypatch.setenv("LIPSTREAM_SPEECH", "hibari")
    monkeypatch.setenv("LIPSTREAM_FACE", "MuseTalk, atlas")
    result = run("doctor")
    assert result.exit_code == 1 and "face musetalk │ missing" in said(result)
    assert [(speech, face.strip()) for speech, face in started] == [("hibari", "atlas")]
    monkeypatch.setenv("LIPSTREAM_FACE", "musetalk")
    result = run("doctor")
    assert result.exit_code == 1 and "not tried: no face engine is ready" in said(result)
    assert len(started) == 1


def test_what_the_doctor_tells_to_type_can_be_typed(monkeypatch: pytest.MonkeyPatch):
    command = 'pip install "lipstream[musetalk]" --revision 0123456789abcdef0123456789abcdef01234567'
    missing = doctor.Finding("face musetalk", False, True, "/data/[old]/weights are not here", command)
    monkeypatch.setattr(doctor, "_engines", lambda settings: [missing])
    monkeypatch.setenv("COLUMNS", "80")
    rows = [line.split("│") for line in run("doctor").output.splitlines() if line.count("│") == 5]
    found, help_ = ("".join(row[column].strip() for row in rows) for column in (3, 4))
    assert command.replace(" ", "") in help_.replace(" ", "")
    assert "[old]" in found


def test_wrong_settings_end_a_command_with_a_line_for_each(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_PORT", "eighty")
    monkeypatch.setenv("LIPSTREAM_MAX_SESSIONS", "-1")
    result = run("serve")
    assert result.exit_code == 2
    assert "LIPSTREAM_PORT:" in result.output
    assert "LIPSTREAM_MAX_SESSIONS:" in result.output


def test_a_port_in_use_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("serve", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "another port" in said(result)
