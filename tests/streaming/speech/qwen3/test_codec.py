# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("librosa", reason="librosa is not installed")

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from streaming.speech.qwen3.codec import CodecState, StreamingDecoder
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
