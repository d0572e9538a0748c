# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.gpu_tts.sizes import SIZES
from benchmarks.gpu_tts.subject import random_model
from streaming.gpu.placement import Placement
from streaming.speech.qwen3.codec import LONGEST_CHUNK, StreamingDecoder
from streaming.speech.qwen3.codec_memory import CodecState
from streaming.speech.qwen3.eager import EagerLoop
from streaming.speech.qwen3.machine import CHUNK_FRAMES
from tests.support.qwen3 import Rig, sampling_of, speak

TOLERANCE = 1e-4
FRAMES = 100
"""Longer than the transformer's window of 72."""


@pytest.fixture(scope="module")
def codes() -> torch.Tensor:
    return torch.randint(0, 2048, (FRAMES, 16), generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def whole(rigs: Callable[[str], Rig], codes: torch.Tensor) -> NDArray[np.float32]:
    """All at once, by the package's decoder."""
    decoder = rigs("base").model.decoder
    with torch.inference_mode():
        return decoder(codes.T[None]).view(-1).numpy()


def in_chunks(
    decoder: StreamingDecoder, codes: torch.Tensor, sizes: list[int], state: CodecState
) -> NDArray[np.float32]:
    parts, start = [], 0
    while start < len(codes):
        size = sizes[min(len(parts), len(sizes) - 1)]
        parts.append(decoder.decode(codes[start : start + size], state))
        start += size
    return np.concatenate(parts)


def test_any_chunks_give_the_sound_of_the_whole(
    base: Rig, codes: torch.Tensor, whole: NDArray[np.float32]
) -> None:
    decoder = StreamingDecoder(base.model.decoder)
    random = np.random.default_rng(0)
    schedules = [[1, 2, 4], [7], [FRAMES], random.integers(1, 12, 30).tolist(), [90, 1]]
    assert 0.05 < whole.std() < 0.9
    for sizes in schedules:
        pcm = in_chunks(decoder, codes, sizes, decoder.start())
        assert pcm.dtype == np.float32 and len(pcm) == FRAMES * decoder.frame_samples == len(whole)
        assert np.abs(pcm - whole).max() < TOLERANCE, sizes


def test_a_reference_is_run_through_once_for_many_utterances(
    base: Rig, codes: torch.Tensor, whole: NDArray[np.float32]
) -> None:
    decoder = StreamingDecoder(base.model.decoder)
    prefix = decoder.prime(codes[:40])
    first = in_chunks(decoder, codes[40:60], [1, 2, 4], prefix.clone())
    again = in_chunks(decoder, codes[40:60], [1, 2, 4], prefix.clone())
    assert np.array_equal(first, again)
    assert np.abs(first - whole[40 * 1920 : 60 * 1920]).max() < TOLERANCE
    without = in_chunks(decoder, codes[40:60], [1, 2, 4], decoder.start())
    assert np.abs(first - without).max() > 0.01


def test_streams_do_not_disturb_each_other(base: Rig, codes: torch.Tensor) -> None:
    decoder = StreamingDecoder(base.model.decoder)
    one, other = codes[:20], codes[20:40]
    alone = [in_chunks(decoder, part, [3], decoder.start()) for part in (one, other)]
    states = decoder.start(), decoder.start()
    mixed: tuple[list, list] = [], []
    for start in range(0, 20, 3):
        for number, part in enumerate((one, other)):
            mixed[number].append(decoder.decode(part[start : start + 3], states[number]))
    for expected, parts in zip(alone, mixed, strict=True):
        assert np.array_equal(np.concatenate(parts), expected)


@pytest.mark.parametrize("name", ["clone BESIDE japanese short", "timbre BESIDE japanese short"])
def test_the_sound_of_an_utterance_is_that_of_the_package(base: Rig, name: str) -> None:
    case, sampling = base.cases[name], sampling_of(16)
    _, theirs = base.package_speech(case, sampling, 7)
    spoken = speak(EagerLoop(base.model), base.prompt(case), sampling, 7)
    decoder = StreamingDecoder(base.model.decoder)
    reference = case.speaker.reference
    state = decoder.start() if reference is None else decoder.prime(reference.codes)
    ours = in_chunks(decoder, spoken, [1, 2, 4], state)
    # The package cuts the reference off by a proportion, which can be a sample early.
    assert 0 <= len(theirs) - len(ours) <= 1
    assert np.abs(ours - theirs[len(theirs) - len(ours) :]).max() < TOLERANCE


def test_no_reference_has_chunks_of_a_length_that_was_not_warmed_up(
    base: Rig, codes: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A card's library prepares dozens of convolutions for each, while everybody waits."""
    lengths: set[int] = set()
    decode = StreamingDecoder.decode_tensor

    def watched(decoder: StreamingDecoder, part: torch.Tensor, state: CodecState) -> torch.Tensor:
        lengths.add(len(part))
        return decode(decoder, part, state)

    monkeypatch.setattr(StreamingDecoder, "decode_tensor", watched)
    decoder = StreamingDecoder(base.model.decoder)
    decoder.warm_up()
    warm = set(lengths)
    assert warm >= set(range(1, max(CHUNK_FRAMES) + 1))
    for frames in (3, 32, 39, 63, 100):
        assert decoder.prime(codes[:frames]).frames == frames
    assert lengths == warm


class _NoLooking(TorchDispatchMode):
    """Refuses what makes the CPU wait for a number, and what brings one along: no graph can hold either."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in ("_local_scalar_dense", "nonzero", "lift_fresh", "_to_copy"), name
        return func(*args, **(kwargs or {}))


def test_every_length_of_chunk_is_captured_with_all_it_changes_in_place(
    base: Rig, codes: torch.Tensor, whole: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    replayed: list[int] = []

    def captured(work: Any, device: torch.device, pool: object) -> Callable[[], None]:
        def replay() -> None:
            replayed.append(work.args[0])
            with _NoLooking():
                work()

        return replay

    monkeypatch.setattr("streaming.speech.qwen3.codec.graph_pool", lambda _: object())
    monkeypatch.setattr("streaming.speech.qwen3.codec.capture", captured)
    decoder = StreamingDecoder(base.model.decoder)
    decoder.warm_up()
    assert decoder.captured == tuple(range(1, LONGEST_CHUNK + 1))
    replayed.clear()
    state = decoder.start()

    def places() -> list[int]:
        held = (decoder._codes, decoder._begin, decoder._sound, decoder._memory.whole, state.memory)
        return [tensor.data_ptr() for tensor in held]

    before = places()
    pcm = in_chunks(decoder, codes[:24], [1, 2, 8, 5], state)
    assert replayed == [1, 2, 8, 5, 5, 3] and places() == before
    assert np.abs(pcm - whole[: len(pcm)]).max() < TOLERANCE


def test_what_a_broken_stream_left_behind_is_not_heard_in_others(base: Rig, codes: torch.Tensor) -> None:
    decoder = StreamingDecoder(base.model.decoder)
    healthy = decoder.decode(codes[:4], decoder.start())
    broken = decoder.start()
    broken.memory.fill_(torch.nan)
    assert np.isnan(decoder.decode(codes[:4], broken)).any()
    assert np.array_equal(decoder.decode(codes[:4], decoder.start()), healthy)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_replayed_chunks_sound_as_they_are() -> None:
    model = random_model(SIZES["tiny"], "custom_voice", Placement("cuda", "float32"))
    codes = torch.randint(0, 2048, (FRAMES, 16), generator=torch.Generator().manual_seed(5))
    plain, captured = StreamingDecoder(model.decoder), StreamingDecoder(model.decoder)
    captured.warm_up()
    heard = [in_chunks(each, codes, [1, 2, 4, 8], each.start()) for each in (plain, captured)]
    assert np.abs(heard[0] - heard[1]).max() < TOLERANCE
