from pathlib import Path

import msgspec
import pytest

from server.settings import (
    ENV_FILE,
    Settings,
    SettingsError,
    default_data_dir,
    load_settings,
    unknown_variables,
)
from server.state import performer_config
from streaming.face.musetalk.options import MuseTalkOptions
from streaming.options import EngineOptions, GpuOptions
from streaming.speech.qwen3.options import Qwen3Options


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)


def test_the_default_is_for_this_machine_alone():
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert not settings.open_to_network
    assert settings.api_key is None


def test_variables_come_before_the_file_and_the_command_line_before_both(monkeypatch: pytest.MonkeyPatch):
    Path(ENV_FILE).write_text("LIPSTREAM_PORT=9001\nLIPSTREAM_MAX_SESSIONS=9\nOTHER=1\n", encoding="utf-8")
    assert load_settings().port == 9001
    monkeypatch.setenv("LIPSTREAM_PORT", "9002")
    assert load_settings().port == 9002
    settings = load_settings(port=9003, host=None)
    assert (settings.port, settings.host, settings.max_sessions) == (9003, "127.0.0.1", 9)


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_API_KEY", "")
    assert load_settings().api_key is None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("LIPSTREAM_PORT", "eighty", "integer"),
        ("LIPSTREAM_MAX_SESSIONS", "0", "greater than or equal to 1"),
        ("LIPSTREAM_API_KEY", "short", "16 characters"),
        ("LIPSTREAM_ICE_SERVERS", "stun:x", "JSON"),
        ("LIPSTREAM_ICE_SERVERS", '[{"urls": "http://x"}]', "stun:"),
        ("LIPSTREAM_ICE_SERVERS", '[{"urls": "turn:x:3478"}]', "credential"),
        ("LIPSTREAM_ICE_SERVERS", '[{"urls": "stun:x>; rel=y"}]', "stun:"),
        ("LIPSTREAM_ICE_SERVERS", '[{"urls": "turn:x", "username": "\\n", "credential": "c"}]', "pattern"),
        ("LIPSTREAM_CORS_ORIGINS", '["example.org"]', "https://example.org"),
        ("LIPSTREAM_AVATAR", "../mira", "pattern"),
        ("LIPSTREAM_WEBRTC_ADDRESSES", '["here"]', "address"),
    ],
)
def test_a_wrong_variable_is_named_and_explained(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value).startswith(name)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("API_KEY", "s3cret"), ("ICE_SERVERS", '[{"urls": "turn:x", "credential": "s3cret"}]')],
)
def test_a_secret_that_is_wrong_is_not_repeated(name: str, value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(f"LIPSTREAM_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "s3cret" not in str(caught.value)


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_API_KEY", "a-long-secret-api-key")
    monkeypatch.setenv(
        "LIPSTREAM_ICE_SERVERS", '[{"urls": "turn:x:1", "username": "u", "credential": "turn-secret"}]'
    )
    shown = repr(load_settings())
    assert "a-long-secret" not in shown
    assert "turn-secret" not in shown


def test_a_misspelt_variable_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_SPECH", "hibari")
    assert unknown_variables() == ["LIPSTREAM_SPECH is not a setting. Did you mean LIPSTREAM_SPEECH?"]


def test_the_data_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_data_dir() == tmp_path / "lipstream"
    monkeypatch.setenv("XDG_DATA_HOME", "relative/is/ignored")
    assert default_data_dir() == Path.home() / ".local/share/lipstream"


def test_the_example_file_names_every_setting_with_its_default(monkeypatch: pytest.MonkeyPatch):
    example = Path(__file__).parents[2] / ".env.example"
    names = {
        line.partition("=")[0]
        for line in example.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    }
    assert names == {f"LIPSTREAM_{field.upper()}" for field in Settings.model_fields}
    assert Settings(_env_file=example) == Settings(_env_file=None)  # pyright: ignore[reportCallIssue]


def test_what_is_set_about_qwen3_reaches_the_engine(monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "MODEL": "0.6b-base",
        "REVISION": "abc123",
        "DEVICE": "cuda:1",
        "TEXT_EMBEDDING_ON_CPU": "true",
        "SESSIONS": "7",
        "INSTRUCTION": "Speak softly.",
    }.items():
        monkeypatch.setenv(f"LIPSTREAM_QWEN3_{name}", value)
    config = performer_config(load_settings())
    assert config.options.qwen3 == Qwen3Options(
        model="0.6b-base",
        revision="abc123",
        device="cuda:1",
        text_embedding_on_cpu=True,
        sessions=7,
        instruction="Speak softly.",
    )
    assert msgspec.json.decode(msgspec.json.encode(config.options), type=EngineOptions) == config.options
    monkeypatch.setenv("LIPSTREAM_QWEN3_DEVICE", "tpu")
    with pytest.raises(SettingsError, match="QWEN3_DEVICE"):
        load_settings()


def test_what_is_set_about_musetalk_and_the_card_reaches_the_engines(monkeypatch: pytest.MonkeyPatch):
    for name, value in {
        "MUSETALK_FOLDER": "/weights",
        "MUSETALK_DEVICE": "cuda:1",
        "MUSETALK_DECODER": "vae",
        "MUSETALK_RENDER_DECODER": "taesd",
        "GPU_MEMORY_GB": "7.5",
        "GPU_IDLE_SECONDS": "300",
    }.items():
        monkeypatch.setenv(f"LIPSTREAM_{name}", value)
    options = load_settings().resources.options
    assert options.musetalk == MuseTalkOptions(
        folder="/weights", device="cuda:1", decoder="vae", render_decoder="taesd"
    )
    assert options.gpu == GpuOptions(memory_gb=7.5, idle_seconds=300)


@pytest.mark.parametrize(
    ("wanted", "carried", "sessions"),
    [(None, None, 4), (9, None, 9), (None, 16, 16), (9, 16, 9), (9, 2, 2), (None, 0, 0), (9, 0, 0)],
)
def test_a_card_is_never_asked_for_more_than_it_carries(
    wanted: int | None, carried: int | None, sessions: int
):
    assert load_settings(max_sessions=wanted).sessions_at_once(carried) == sessions
