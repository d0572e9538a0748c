# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

from collections.abc import Callable

import torch

from streaming.errors import LanguageNotSpoken, ScriptRejected, VoiceNotFound
from streaming.speech.qwen3.prompt import Layout, Speaker
from tests.support.qwen3 import LONG_TEXT, TEXT, Rig


@pytest.mark.parametrize("kind", ["base", "custom_voice", "voice_design"])
def test_prompts_are_those_of_the_package(rigs: Callable[[str], Rig], kind: str) -> None:
    rig = rigs(kind)
    assert rig.cases
    for case in rig.cases.values():
        ours, theirs = rig.prompt(case), rig.package_prompt(case)
        assert torch.equal(ours.embeds, theirs["inputs_embeds"]), case.name
        assert torch.equal(ours.text.rows, theirs["trailing_text_hidden"]), case.name
        assert torch.equal(ours.pad, theirs["tts_pad_embed"]), case.name


@pytest.mark.parametrize("kind", ["base", "custom_voice", "voice_design"])
def test_the_default_layout_is_that_of_the_package(rigs: Callable[[str], Rig], kind: str) -> None:
    rig = rigs(kind)
    speaker = rig.any_speaker()
    layout = Layout.BESIDE if kind == "base" else Layout.WHOLE
    ours = rig.builder.build(TEXT, speaker)
    assert torch.equal(ours.embeds, rig.builder.build(TEXT, speaker, layout).embeds)


@pytest.mark.parametrize("with_words", [False, True])
def test_text_may_come_token_by_token(base: Rig, with_words: bool) -> None:
    speaker = base.clone(with_words)
    ids = base.model.text_ids(LONG_TEXT * 3)[0].tolist()
    whole = base.builder.build(LONG_TEXT * 3, speaker, Layout.BESIDE)
    first = base.builder.tokens_to_open(speaker)
    assert first == 1 if not with_words else 1 < first < len(ids)
    prompt = base.builder.open(ids[:first], speaker)
    assert torch.allclose(prompt.embeds, whole.embeds, atol=1e-5)
    for frame, token in enumerate(ids[first:]):
        assert not prompt.text.has(frame)
        prompt.text.append([token])
        assert prompt.text.has(frame)
    prompt.text.finish()
    prompt.text.finish()
    assert torch.allclose(prompt.text.rows, whole.text.rows, atol=1e-5)
    after = len(ids) + 100
    assert prompt.text.has(after) and torch.equal(prompt.text.row(after), prompt.pad[0, 0])
    with pytest.raises(ScriptRejected, match="finished"):
        prompt.text.append([1])


def test_too_few_tokens_to_begin_with(base: Rig) -> None:
    with pytest.raises(ScriptRejected, match="begins with"):
        base.builder.open([], base.clone(with_words=False))


def test_what_does_not_fit_the_model_is_refused(rigs: Callable[[str], Rig]) -> None:
    base, custom, design = (rigs(kind) for kind in ("base", "custom_voice", "voice_design"))
    with pytest.raises(VoiceNotFound, match="cloned"):
        base.builder.build(TEXT, Speaker())
    with pytest.raises(VoiceNotFound, match="aiden"):
        custom.builder.build(TEXT, Speaker(name="nobody"))
    with pytest.raises(VoiceNotFound, match="Base"):
        custom.builder.build(TEXT, base.clone())
    with pytest.raises(VoiceNotFound, match="description"):
        design.builder.build(TEXT, Speaker())
    with pytest.raises(LanguageNotSpoken, match="klingon"):
        design.builder.build(TEXT, Speaker("klingon", instruction="old man"))
    with pytest.raises(ScriptRejected, match="at least one word"):
        design.builder.build("", Speaker(instruction="old man"))
    with pytest.raises(ScriptRejected, match="instructions"):
        base.builder.build(TEXT, Speaker(embedding=base.clone().embedding, instruction="be happy"))
