import hashlib
import json

import numpy as np
import pytest

from streaming.errors import EngineFailed, EngineUnavailable, VoiceNotFound
from streaming.speech import kokoro_files
from streaming.speech.kokoro_files import STYLE_ROWS, STYLE_SIZE, find_voice, find_voices, voices_folder


def write_voice(data_dir, name, rows=STYLE_ROWS, fill=0.5):
    folder = voices_folder(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    np.full((rows, STYLE_SIZE), fill, "<f4").tofile(folder / f"{name}.bin")


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Small packages in place of the real ones: four parts and two Japanese voices."""
    root = tmp_path / "packages"
    names = {"PACKAGE": "fake_kokoro", "PARTS": ("fake_kokoro_1", "fake_kokoro_2")}
    for number, name in enumerate((names["PACKAGE"], *names["PARTS"])):
        folder = root / name
        (folder / "data").mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "part.bin").write_bytes(b"part %d;" % number)
    data = root / names["PACKAGE"] / "data"
    style = np.ones((STYLE_ROWS, 1, STYLE_SIZE), np.float32)
    np.savez(data / "voices_ja.npz", jf_alpha=style, jm_kumo=style * 2)
    (data / "vocab.json").write_text(json.dumps({"vocab": {"a": 1}}), encoding="utf-8")
    monkeypatch.syspath_prepend(root)
    for name, value in names.items():
        monkeypatch.setattr(kokoro_files, name, value)
    return root


def test_voices_of_the_package_and_of_the_data_folder_are_found(packages, tmp_path):
    write_voice(tmp_path, "af_heart")
    write_voice(tmp_path, "jf_alpha", fill=0.25)
    voices = find_voices(tmp_path)
    assert [(v.name, v.language) for v in voices] == [
        ("af_heart", "en-US"),
        ("jf_alpha", "ja"),
        ("jm_kumo", "ja"),
    ]
    assert voices[0].load().shape == (STYLE_ROWS, STYLE_SIZE)
    assert voices[1].load().mean() == 0.25
    assert voices[2].load().mean() == 2.0
    assert [v.description for v in voices] == ["female", "female", "male"]


@pytest.mark.parametrize("name", ["../af_heart", "xf_heart", "af-heart", "af_Heart"])
def test_files_that_are_no_voices_are_left_alone(packages, tmp_path, name):
    voices_folder(tmp_path).mkdir(parents=True)
    write_voice(tmp_path, name.replace("/", "_"))
    write_voice(tmp_path, "am_short", rows=10)
    assert {v.name for v in find_voices(tmp_path)} == {"jf_alpha", "jm_kumo"}


def test_a_missing_voice_says_how_to_get_it(packages, tmp_path):
    with pytest.raises(VoiceNotFound, match="lipstream voice install kokoro"):
        find_voice(tmp_path, "af_heart")


def test_a_damaged_voice_is_not_spoken_with(packages, tmp_path):
    write_voice(tmp_path, "af_heart", fill=np.nan)
    voice = find_voice(tmp_path, "af_heart")
    with pytest.raises(EngineFailed, match="damaged"):
        voice.load()


def test_weights_are_joined_only_when_they_are_the_known_ones(packages, monkeypatch):
    with pytest.raises(EngineUnavailable, match="--force-reinstall"):
        kokoro_files.read_model()
    monkeypatch.setattr(kokoro_files, "MODEL_SHA256", hashlib.sha256(b"part 1;part 2;").hexdigest())
    assert kokoro_files.read_model(b"more") == b"part 1;part 2;more"


def test_missing_packages_are_named_with_the_command(monkeypatch):
    monkeypatch.setattr(kokoro_files, "PARTS", ("no_such_package_1",))
    assert kokoro_files.missing_packages()[-1] == "no_such_package_1"
    with pytest.raises(EngineUnavailable, match="pip install"):
        kokoro_files.read_model()
    with pytest.raises(EngineUnavailable, match="pip install"):
        kokoro_files.vocabulary()
