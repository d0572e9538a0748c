# pyright: reportMissingImports=false
"""Every decode loop against the package's own generation, and against itself in company."""

import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch

from streaming.errors import CapacityReached, ScriptRejected
from streaming.speech.qwen3.eager import EagerLoop
from streaming.speech.qwen3.endings import Ending
from streaming.speech.qwen3.graphs import GraphLoop
from streaming.speech.qwen3.loop import DecodeLoop
from streaming.speech.qwen3.prompt import Layout
from streaming.speech.qwen3.sampling import Choice, Sampling
from streaming.speech.qwen3.static import StaticLoop
from tests.support.qwen3 import LONG_TEXT, TEXT, Rig, sampling_of, speak

MakeLoop = Callable[..., DecodeLoop]
LOOPS: dict[str, MakeLoop] = {
    "eager": EagerLoop,
    "static": partial(StaticLoop, nucleus=True),
    "graphs": partial(GraphLoop, nucleus=True),
}
FRAMES, SEED = 16, 7
CASES = {
    "base": (
        "clone BESIDE japanese short",
        "clone BESIDE auto long",
        "clone WHOLE auto short",
        "timbre BESIDE japanese short",
    ),
    "custom_voice": ("custom aiden", "custom eric be happy"),
    "voice_design": ("design",),
}


@pytest.fixture(params=sorted(LOOPS))
def make_loop(request: pytest.FixtureRequest) -> MakeLoop:
    def make(rig: Rig, capacity: int = 1, context: int = 256) -> DecodeLoop:
        loop = LOOPS[request.param](rig.model, capacity, context)
        loop.warm_up()
        return loop

    return make


def together(frames: list[torch.Tensor | None]) -> torch.Tensor:
    assert all(frame is not None for frame in frames)
    return torch.stack([frame for frame in frames if frame is not None])


@pytest.mark.parametrize("kind", sorted(CASES))
def test_codes_are_those_of_the_package(rigs: Callable[[str], Rig], kind: str, make_loop: MakeLoop) -> None:
    rig = rigs(kind)
    loop = make_loop(rig)
    cases = [rig.cases[name] for name in CASES[kind] if name in rig.cases] or list(rig.cases.values())[:1]
    for case in cases:
        for greedy in (True, False):
            sampling = sampling_of(FRAMES, greedy=greedy)
            theirs, _ = rig.package_speech(case, sampling, SEED)
            ours = speak(loop, rig.prompt(case), sampling, SEED)
            assert torch.equal(ours, theirs), (case.name, greedy)
            assert len(ours) == FRAMES


def test_a_nucleus_and_other_settings_draw_as_the_package_does(base: Rig, make_loop: MakeLoop) -> None:
    case = base.cases["timbre BESIDE japanese short"]
    loop = make_loop(base)
    sampling = Sampling(
        Choice(top_k=0, top_p=0.8, temperature=1.1), Choice(top_k=30, top_p=0.7), 1.3, max_frames=FRAMES
    )
    heard: list[torch.Tensor] = []
    original = base.model.network.generate
    base.model.network.generate = lambda **settings: (
        heard.extend((result := original(**settings))[0]) or result
    )
    try:
        torch.manual_seed(SEED)
        case.ask(
            max_new_tokens=FRAMES + 1,
            top_k=0,
            top_p=0.8,
            temperature=1.1,
            repetition_penalty=1.3,
            subtalker_top_k=30,
            subtalker_top_p=0.7,
        )
    finally:
        del base.model.network.generate
    assert torch.equal(speak(loop, base.prompt(case), sampling, SEED), heard[0])


def test_the_end_ends_it_where_the_package_ends(
    base: Rig, make_loop: MakeLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = base.cases["timbre BESIDE japanese short"]
    sampling = sampling_of(40, greedy=True, repetition_penalty=1.3)
    loop = make_loop(base)
    first_codes = speak(loop, base.prompt(case), sampling, SEED)[:, 0].tolist()
    end = next(code for at, code in enumerate(first_codes) if at > 5 and code not in first_codes[:at])
    monkeypatch.setattr(base.model.config.talker_config, "codec_eos_token_id", end)
    loop = make_loop(base)
    stream = loop.open(base.prompt(case), sampling, SEED)
    spoken = 0
    while loop.step([stream])[0] is not None:
        spoken += 1
    assert stream.ending is Ending.SPOKEN and spoken == first_codes.index(end)
    sounds, _ = case.ask(max_new_tokens=41, do_sample=False, subtalker_dosample=False, repetition_penalty=1.3)
    assert len(sounds[0]) == spoken * 1920
    assert loop.free == loop.capacity


def test_the_same_seed_says_the_same_and_another_does_not(base: Rig, make_loop: MakeLoop) -> None:
    prompt, sampling = base.builder.build(TEXT, base.any_speaker()), sampling_of(6)
    loop = make_loop(base)
    one, same, other = (speak(loop, prompt, sampling, seed) for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_in_company_each_says_what_it_says_alone(base: Rig, make_loop: MakeLoop) -> None:
    """Four speakers in two slots and more, beginning, ending and pausing at different times."""
    speakers = (base.clone(), base.clone(with_words=False))
    asked = [
        (base.builder.build(text, speakers[number % 2], layout), sampling, number)
        for number, (text, layout, sampling) in enumerate(
            (
                (TEXT, Layout.BESIDE, sampling_of(12)),
                (LONG_TEXT, Layout.WHOLE, sampling_of(5, greedy=True)),
                ("another text", Layout.BESIDE, sampling_of(9, repetition_penalty=1.2)),
                ("hi", Layout.WHOLE, replace(sampling_of(7), talker=Choice(top_k=5))),
            )
        )
    ]
    loop = make_loop(base, 3)
    alone = [speak(loop, *one) for one in asked]
    streams = [loop.open(*one) for one in asked[:3]]
    heard: list[list[torch.Tensor]] = [[] for _ in asked]
    for turn in range(60):
        if turn == 6:
            assert streams[1].ending is Ending.CAPPED
            streams.append(loop.open(*asked[3]))
        # The third rests every other turn.
        chosen = [number for number in range(len(streams)) if number != 2 or turn % 2]
        for number, frame in zip(chosen, loop.step([streams[number] for number in chosen]), strict=True):
            if frame is not None:
                heard[number].append(frame)
    assert all(stream.ending is Ending.CAPPED for stream in streams)
    for expected, frames in zip(alone, heard, strict=True):
        assert torch.equal(torch.stack(frames), expected)


def test_a_closed_stream_gives_nothing_more_and_leaves_its_slot(base: Rig, make_loop: MakeLoop) -> None:
    prompt, sampling = base.builder.build(TEXT, base.any_speaker()), sampling_of(9)
    loop = make_loop(base, 2)
    expected = speak(loop, prompt, sampling, 3)
    dropped, kept = (loop.open(prompt, sampling, seed) for seed in (4, 3))
    with pytest.raises(CapacityReached):
        loop.open(prompt, sampling, 5)
    frames = [loop.step([dropped, kept])[1] for _ in range(3)]
    dropped.close()
    assert loop.free == 1
    gone, frame = loop.step([dropped, kept])
    assert gone is None and dropped.ending is Ending.CANCELLED and not dropped.ready
    frames += [frame, loop.step([kept])[0]]
    late = loop.open(prompt, sampling, 3)
    assert late.slot == dropped.slot
    both = [loop.step([late, kept]) for _ in range(4)]
    assert torch.equal(together([*frames, *(second for _, second in both)]), expected)
    assert torch.equal(together([first for first, _ in both]), expected[:4])


def test_frames_wait_for_their_text(base: Rig, make_loop: MakeLoop) -> None:
    ids = base.model.text_ids(TEXT)[0].tolist()
    speaker, sampling = base.any_speaker(), sampling_of(40)
    loop = make_loop(base, 2)
    expected = speak(loop, base.builder.build(TEXT, speaker, Layout.BESIDE), sampling, SEED)
    prompt = base.builder.open(ids[:2], speaker)
    waiting = loop.open(prompt, sampling, SEED)
    other = loop.open(base.builder.build(LONG_TEXT, speaker), sampling, SEED)
    frames: list[torch.Tensor] = []
    rest = iter(ids[2:])
    while waiting.ending is None:
        if not waiting.ready:
            assert loop.step([waiting, other])[0] is None and waiting.ending is None
            token = next(rest, None)
            prompt.text.finish() if token is None else prompt.text.append([token])
        frame = loop.step([waiting, other])[0]
        if frame is not None:
            frames.append(frame)
    assert torch.equal(torch.stack(frames), expected)


def test_the_end_can_be_asked_for_and_comes_not_at_once(base: Rig, make_loop: MakeLoop) -> None:
    loop = make_loop(base)
    stream = loop.open(base.builder.build(TEXT, base.any_speaker()), sampling_of(40, min_frames=3), SEED)
    stream.end_bias = 1e6
    while loop.step([stream])[0] is not None:
        pass
    assert stream.ending is Ending.SPOKEN and stream.frames == 3


def test_what_is_no_number_is_noticed(base: Rig, make_loop: MakeLoop) -> None:
    loop = make_loop(base)
    prompt, sampling = base.builder.build(TEXT, base.any_speaker()), sampling_of(6)
    expected = speak(loop, prompt, sampling, 1)
    broken = replace(prompt, embeds=prompt.embeds * torch.nan)
    stream = loop.open(broken, sampling, 1)
    assert loop.step([stream]) == [None] and stream.ending is Ending.BROKEN
    assert torch.equal(speak(loop, prompt, sampling, 1), expected)


@torch.inference_mode()
def test_what_breaks_within_a_frame_is_noticed(base: Rig, make_loop: MakeLoop) -> None:
    norm = base.model.talker.code_predictor.model.norm
    loop = make_loop(base)
    stream = loop.open(base.builder.build(TEXT, base.any_speaker()), sampling_of(6), 1)
    assert loop.step([stream])[0] is not None
    kept = norm.weight.clone()
    norm.weight.fill_(torch.inf)
    try:
        assert loop.step([stream]) == [None] and stream.ending is Ending.BROKEN
    finally:
        norm.weight.copy_(kept)


def test_what_is_too_long_ends_or_is_refused(base: Rig, make_loop: MakeLoop) -> None:
    prompt = base.builder.build(TEXT, base.any_speaker())
    length = prompt.embeds.shape[1]
    loop = make_loop(base, 1, length + 5)
    stream = loop.open(prompt, sampling_of(40), SEED)
    while loop.step([stream])[0] is not None:
        pass
    assert stream.ending is Ending.FULL and 1 <= stream.frames <= 5
    with pytest.raises(ScriptRejected, match="too long"):
        loop.open(base.builder.build(LONG_TEXT, base.any_speaker(), Layout.WHOLE), sampling_of(40), SEED)


def test_no_attention_waits_for_a_plan(
    base: Rig, make_loop: MakeLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CuDNN would make one for each new length of a prompt, which takes longer than the first sound may."""
    planned: list[bool] = []
    attend = torch.nn.functional.scaled_dot_product_attention

    def watched(*tensors: torch.Tensor, **settings: object) -> torch.Tensor:
        planned.append(torch.backends.cuda.cudnn_sdp_enabled())
        return attend(*tensors, **settings)  # pyright: ignore[reportArgumentType]

    before, prompt = torch.backends.cuda.cudnn_sdp_enabled(), base.builder.build(TEXT, base.clone())
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    speak(make_loop(base), prompt, sampling_of(3), SEED)
    assert len(planned) > 10 and not any(planned)
    assert torch.backends.cuda.cudnn_sdp_enabled() == before
