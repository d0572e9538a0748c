import pickle
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from streaming.speech.profiles.errors import ProfileInvalid
from streaming.speech.profiles.prompt import (
    MAX_PROMPT_BYTES,
    VoicePrompt,
    prompt_name,
    read_prompt,
    write_prompt,
)

MODEL, REVISION, SHA = "Qwen/Qwen3-TTS-12Hz-0.6B-Base", "abc123", "f" * 64


def prompt(frames: int | None = 50) -> VoicePrompt:
    rng = np.random.default_rng(1)
    codes = None if frames is None else rng.integers(0, 2048, (frames, 16), np.int64)
    return VoicePrompt(MODEL, REVISION, rng.standard_normal(1024).astype(np.float32), codes)


@pytest.mark.parametrize("frames", [50, None])
def test_what_is_kept_comes_back(tmp_path: Path, frames: int | None):
    kept = prompt(frames)
    write_prompt(tmp_path, kept, SHA)
    found = read_prompt(tmp_path, MODEL, REVISION, SHA)
    assert found is not None
    np.testing.assert_array_equal(found.speaker_embedding, kept.speaker_embedding)
    assert found.speaker_embedding.dtype == np.float32
    if kept.ref_code is None:
        assert found.ref_code is None
    else:
        assert found.ref_code is not None and found.ref_code.dtype == np.int64
        np.testing.assert_array_equal(found.ref_code, kept.ref_code)
    assert [path.name for path in tmp_path.iterdir()] == ["prompt-qwen-qwen3-tts-12hz-0.6b-base.safetensors"]


def test_another_model_revision_or_reference_has_none(tmp_path: Path):
    write_prompt(tmp_path, prompt(), SHA)
    assert read_prompt(tmp_path, "other", REVISION, SHA) is None
    assert read_prompt(tmp_path, MODEL, "newer", SHA) is None
    assert read_prompt(tmp_path, MODEL, REVISION, "0" * 64) is None


@pytest.mark.parametrize(
    "wrong",
    [
        VoicePrompt(MODEL, REVISION, np.zeros((2, 2), np.float32)),
        VoicePrompt(MODEL, REVISION, np.zeros(0, np.float32)),
        VoicePrompt(MODEL, REVISION, np.full(4, np.nan, np.float32)),
        VoicePrompt(MODEL, REVISION, np.zeros(4, np.float64)),  # pyright: ignore[reportArgumentType]
        VoicePrompt(MODEL, REVISION, np.zeros(4, np.float32), np.zeros((5, 8), np.int64)),
        VoicePrompt(MODEL, REVISION, np.zeros(4, np.float32), np.full((5, 16), 2048, np.int64)),
        VoicePrompt(MODEL, REVISION, np.zeros(4, np.float32), np.full((5, 16), -1, np.int64)),
        VoicePrompt(MODEL, REVISION, np.zeros(4, np.float32), np.zeros((5000, 16), np.int64)),
        VoicePrompt(MODEL, REVISION, np.zeros(4, np.float32), np.zeros((0, 16), np.int64)),
    ],
)
def test_what_is_no_prompt_is_not_kept(tmp_path: Path, wrong: VoicePrompt):
    with pytest.raises(ProfileInvalid):
        write_prompt(tmp_path, wrong, SHA)
    assert not list(tmp_path.iterdir())


def test_damaged_files_count_as_none(tmp_path: Path):
    path = tmp_path / prompt_name(MODEL)
    path.write_bytes(pickle.dumps({"speaker_embedding": [1.0]}))
    assert read_prompt(tmp_path, MODEL, REVISION, SHA) is None
    write_prompt(tmp_path, prompt(), SHA)
    path.write_bytes(path.read_bytes()[:-100])
    assert read_prompt(tmp_path, MODEL, REVISION, SHA) is None
    path.write_bytes(bytes(MAX_PROMPT_BYTES + 1))
    assert read_prompt(tmp_path, MODEL, REVISION, SHA) is None
    path.unlink()
    path.symlink_to("/etc/hostname")
    assert read_prompt(tmp_path, MODEL, REVISION, SHA) is None


def test_other_tensors_count_as_none(tmp_path: Path):
    metadata = {"version": "1", "model": MODEL, "revision": REVISION, "reference_sha256": SHA}
    path = tmp_path / prompt_name(MODEL)
    save_file({"speaker_embedding": np.zeros((2, 2), np.float32)}, path, metadata)
    assert read_prompt(tmp_path, MODEL, REVISION, SHA) is None
    save_file({"weights": np.zeros(4, np.float32)}, path, metadata)
    assert read_prompt(tmp_path, MODEL, REVISION, SHA) is None


@pytest.mark.parametrize("name", ["../../evil", "A/B/C", "Ünïcode model"])
def test_a_models_name_never_leaves_the_folder(name: str):
    assert "/" not in prompt_name(name) and ".." not in prompt_name(name)


@pytest.mark.parametrize("name", ["", "///", "x" * 101])
def test_names_that_name_no_file_are_refused(name: str):
    with pytest.raises(ProfileInvalid):
        prompt_name(name)
