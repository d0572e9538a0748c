# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

import torch

from streaming.speech.qwen3.graphs import GraphLoop
from streaming.speech.qwen3.static import StaticLoop, batches
from tests.support.qwen3 import TEXT, Rig, sampling_of, speak


def test_batches_are_powers_of_two_and_all() -> None:
    assert [batches(capacity) for capacity in (1, 2, 6, 8)] == [(1,), (1, 2), (1, 2, 4, 6), (1, 2, 4, 8)]


def test_every_batch_is_captured_before_serving(base: Rig) -> None:
    loop = GraphLoop(base.model, 3, 128)
    assert not loop.captured
    prompt, sampling = base.builder.build(TEXT, base.any_speaker()), sampling_of(3)
    before = speak(loop, prompt, sampling, 1)
    loop.warm_up()
    assert set(loop.captured) == {1, 2, 3}
    assert torch.equal(speak(loop, prompt, sampling, 1), before)


def test_weights_are_held_once(base: Rig) -> None:
    """Fused matrices take the place of the package's, however many loops there are."""
    first, second = StaticLoop(base.model, 1, 64), StaticLoop(base.model, 1, 64)
    layer = base.model.talker.model.layers[0]
    fused = first._talker._layers[0].qkv
    assert fused.data_ptr() == second._talker._layers[0].qkv.data_ptr()
    assert fused.data_ptr() == layer.self_attn.q_proj.weight.data_ptr()
    assert torch.equal(
        fused,
        torch.cat(
            [p.weight for p in (layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj)]
        ),
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_replayed_graphs_say_what_the_steps_say(base: Rig) -> None:
    """Where there is a card: captured and uncaptured steps are the same steps."""
    from benchmarks.gpu_tts.sizes import SIZES
    from benchmarks.gpu_tts.subject import random_model
    from streaming.speech.qwen3.placement import Placement
    from streaming.speech.qwen3.prompt import PromptBuilder, Speaker

    model = random_model(SIZES["tiny"], "custom_voice", Placement("cuda", "float32"))
    prompt = PromptBuilder(model).build(TEXT, Speaker("english", name="aiden"))
    heard = []
    for make in (StaticLoop, GraphLoop):
        loop = make(model, 2, 256)
        loop.warm_up()
        heard.append(speak(loop, prompt, sampling_of(20), 1))
    assert torch.equal(*heard)
