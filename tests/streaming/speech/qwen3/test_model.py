# pyright: reportMissingImports=false
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

import torch
from safetensors.torch import load_file, save_file

from streaming.errors import EngineUnavailable
from streaming.gpu.placement import Placement
from streaming.speech.qwen3.model import Kind, Qwen3Model
from tests.support.qwen3 import REAL, REFERENCE_TEXT, TEXT, Rig, reference_recording


@pytest.mark.parametrize("kind", list(Kind))
def test_a_folder_says_what_it_can_do(rigs: Callable[[str], Rig], kind: Kind) -> None:
    model = rigs(kind.value).model
    assert model.kind is kind
    assert len(model.languages) == 10 and {"english", "japanese"} < set(model.languages)
    assert bool(model.speakers) == (kind is Kind.CUSTOM_VOICE)
    assert model.sampling.talker.top_k == 50 and model.sampling.repetition_penalty == 1.05


def test_small_models_take_no_instructions(
    rigs: Callable[[str], Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = rigs("custom_voice").model
    monkeypatch.setattr(model.config, "tts_model_size", "0b6")
    assert not model.takes_instructions
    monkeypatch.setattr(model.config, "tts_model_size", "1b7")
    assert model.takes_instructions


def test_voices_are_heard_as_the_package_hears_them(base: Rig) -> None:
    recording = reference_recording()
    theirs = base.package.create_voice_clone_prompt((recording, 24_000), ref_text=REFERENCE_TEXT)[0]
    assert torch.equal(base.model.encode(recording), theirs.ref_code)
    assert torch.equal(base.model.speaker_embedding(recording), theirs.ref_spk_embedding)


def test_only_base_models_clone(rigs: Callable[[str], Rig]) -> None:
    with pytest.raises(EngineUnavailable, match="Base model"):
        rigs("voice_design").model.speaker_embedding(np.zeros(24_000, np.float32))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_only_the_talker_is_loaded_in_16_bits(checkpoint: Callable[[str], Path], dtype: str) -> None:
    model = Qwen3Model.load(checkpoint("base"), Placement("cpu", dtype, text_embedding_on_cpu=True))
    assert {weight.dtype for weight in model.talker.parameters()} == {model.placement.torch_dtype}
    assert model.talker.model.rotary_emb.inv_freq.dtype is torch.float32
    for part in (model.decoder, model.network.speaker_encoder):
        assert {weight.dtype for weight in part.parameters()} == {torch.float32}
    assert model.embed_text(model.text_ids(TEXT)).dtype is model.placement.torch_dtype


def test_a_damaged_folder_says_so(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    if os.environ.get(REAL):
        pytest.skip("not with weights of that size")
    folder = tmp_path / "damaged"
    shutil.copytree(checkpoint("base"), folder)
    for path in folder.glob("*.safetensors"):
        path.write_bytes(b"no weights")
    with pytest.raises(EngineUnavailable, match="cannot be read"):
        Qwen3Model.load(folder, Placement("cpu", "float32"))


@pytest.mark.parametrize("name", ["talker.codec_head.weight", "speaker_encoder.fc.weight"])
def test_a_folder_without_all_weights_says_so(
    checkpoint: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    if os.environ.get(REAL):
        pytest.skip("not with weights of that size")
    folder = tmp_path / "partial"
    shutil.copytree(checkpoint("base"), folder)
    weights = load_file(folder / "model.safetensors")
    weights.pop(name)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(EngineUnavailable, match=rf"not whole \({name}"):
        Qwen3Model.load(folder, Placement("cpu", "float32"))


def test_a_text_is_tokenised_within_the_template(base: Rig) -> None:
    model = base.model
    whole = model.tokenize(f"<|im_start|>assistant\n{TEXT}<|im_end|>\n<|im_start|>assistant\n")
    parts = (model.role_ids(), model.text_ids(TEXT), whole[:, -5:])
    assert torch.equal(torch.cat(parts, 1), whole)
    assert model.processor.tokenizer.decode(model.text_ids(TEXT)[0]) == TEXT
    assert model.processor.tokenizer.decode(model.reference_ids(TEXT)[0]) == TEXT
    assert json.dumps(model.generation)


def test_words_are_cut_as_the_model_was_taught(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    """Transformers 4.57 takes a large vocabulary in a folder for Mistral's, which cuts at capital letters."""
    if os.environ.get(REAL):
        pytest.skip("makes its own vocabulary")
    folder = tmp_path / "published"
    shutil.copytree(checkpoint("custom_voice"), folder)
    # As published: no file of a fast tokenizer, and more than 100,000 tokens.
    for name in ("tokenizer.json", "added_tokens.json", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)
    vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
    vocabulary |= {f"<unused {number}>": number for number in range(len(vocabulary), 100_001)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    tokenizer = Qwen3Model.load(folder, Placement("cpu", "float32")).processor.tokenizer
    assert len(tokenizer) > 100_000
    pieces = tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str("McDonald on YouTube")
    assert [text for text, _ in pieces] == ["McDonald", "Ġon", "ĠYouTube"]
