# pyright: reportMissingImports=false, reportUntypedBaseClass=false
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import firwin, upfirdn
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import WhisperConfig, WhisperFeatureExtractor
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from streaming.face.musetalk.audio_encoder import AudioEncoder, sinusoids
from streaming.face.musetalk.windows import LookAhead, Window, Windows, WindowShape
from streaming.gpu.placement import Placement
from streaming.timing import SPEECH_RATE
from tests.support.faces import clicks, speechlike

SMALL = WindowShape(rows=100, silent=11, held=2, after=31)
POSITIONS = 400
CPU = Placement("cpu", "float32")
Sound = NDArray[np.float32]


def _whisper(attention: str = "sdpa", positions: int = POSITIONS) -> WhisperEncoder:
    torch.manual_seed(7)
    config = WhisperConfig(
        d_model=32,
        encoder_layers=4,
        encoder_attention_heads=2,
        encoder_ffn_dim=64,
        max_source_positions=positions,
        attn_implementation=attention,
    )
    encoder = WhisperEncoder(config).eval()
    # Its random weights are small: features that hardly differ would prove nothing.
    with torch.no_grad():
        for weight in encoder.parameters():
            weight.mul_(3.0 if weight.ndim > 1 else 1.0)
    return encoder


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def whisper() -> WhisperEncoder:
    return _whisper()


@pytest.fixture(scope="module")
def encoder(whisper: WhisperEncoder) -> AudioEncoder:
    return AudioEncoder(whisper, CPU, SMALL)


SOUNDS = {
    "speech": speechlike(31_000),
    "clicks": clicks(20_000),
    "silence": np.zeros(9_999, np.float32),
    "one frame and a bit": speechlike(970),
    "one sample": speechlike(1),
    "empty": np.zeros(0, np.float32),
}


def _streamed(encoder: AudioEncoder, pieces: list[Sound], ahead: LookAhead | None = None) -> Tensor:
    """As it runs live: what each piece of sound brings is encoded at once."""
    windows = Windows(ahead, SMALL)
    features = [one for piece in pieces for one in encoder.encode(windows.push(piece))]
    features += encoder.encode(windows.flush())
    return torch.cat([torch.zeros(0, 50, 32), *features])


def _offline(whisper: WhisperEncoder, sound: Sound) -> Tensor:
    """The definition, from the whole sound at once, with transformers' own extractor and encoder."""
    frames = math.ceil(len(sound) / 960)
    sound_rows = len(sound) // 480
    quiet = np.concatenate((np.zeros(480, np.float32), sound, np.zeros(SPEECH_RATE, np.float32)))
    low = 2 * firwin(97, 7800.0, window=("kaiser", 6.0), fs=48_000)  # pyright: ignore[reportArgumentType]
    at_16_khz = upfirdn(low, quiet, 2, 3)[16 + 320 :][: (len(sound) + SPEECH_RATE // 2) * 2 // 3]
    extractor = WhisperFeatureExtractor()
    spectrum = torch.stft(
        torch.from_numpy(at_16_khz.astype(np.float32)),
        400,
        160,
        window=torch.hann_window(400),
        return_complex=True,
    )
    filters = torch.from_numpy(extractor.mel_filters).float()
    rows = (filters.T @ spectrum.abs() ** 2).clamp(min=1e-10).log10().T
    features = torch.zeros(0, 50, 32)
    for last in range(0, frames + 1, 2):
        first = max(0, last - 1)
        count = min(last, frames - 1) - first + 1
        if count <= 0:
            break
        known = 4 * last + 13
        # 960 samples a frame, 132.5 ms, and 23 samples for the resampler.
        ended = len(sound) < 960 * last + 3203
        upto = known + (SMALL.after if ended else 0)
        begin = max(0, known + (SMALL.after if ended else SMALL.silent) - SMALL.rows)
        mel = torch.full((SMALL.rows, 80), -10.0)
        mel[: upto - begin] = rows[begin:upto]
        if not ended:
            mel[known - begin : known - begin + SMALL.held] = rows[known - 1]
        mel = (torch.maximum(mel, rows[:upto].max() - 8) + 4) / 4
        states = _own_forward(whisper, mel.T[None], min(begin // 2, POSITIONS - SMALL.encoded))
        states[max(0, sound_rows - begin // 2) :] = 0
        around = torch.cat((torch.zeros(4, 5, 32), states, torch.zeros(12, 5, 32)))
        for frame in range(first, first + count):
            row = 2 * frame - begin // 2
            features = torch.cat((features, around[row : row + 10].flatten(0, 1)[None]))
    return features + sinusoids(50, 32)


def _own_forward(whisper: WhisperEncoder, mel: Tensor, position: int) -> Tensor:
    """transformers' own ``forward``, told that this short window is the whole of what it knows."""
    rows = mel.shape[-1] // 2
    short = _whisper(positions=rows)
    state = whisper.state_dict()
    state["embed_positions.weight"] = state["embed_positions.weight"][position : position + rows]
    short.load_state_dict(state)
    with torch.no_grad():
        return torch.stack(short(mel, output_hidden_states=True).hidden_states, 2)[0]


@pytest.fixture(scope="module")
def offline(whisper: WhisperEncoder) -> dict[str, Tensor]:
    return {name: _offline(whisper, sound) for name, sound in SOUNDS.items()}


@pytest.mark.parametrize("name", SOUNDS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_streamed_features_equal_offline_ones(
    encoder: AudioEncoder, offline: dict[str, Tensor], name: str, data: st.DataObject
) -> None:
    sound = SOUNDS[name]
    cuts = data.draw(st.lists(st.integers(0, len(sound)), max_size=20).map(sorted))
    made = _streamed(encoder, np.split(sound, cuts))
    assert made.shape == offline[name].shape == (math.ceil(len(sound) / 960), 50, 32)
    assert torch.allclose(made, offline[name], atol=1e-5, rtol=1e-5)


def test_features_differ_from_frame_to_frame(offline: dict[str, Tensor]) -> None:
    """Else the comparison above would prove nothing."""
    features = offline["speech"]
    assert (features[1:] - features[:-1]).flatten(1).norm(dim=1).min() > 0.5


def _windows(count: int) -> list[Window]:
    made = Windows(shape=SMALL).push(speechlike(960 * 2 * count + 4000))[:count]
    assert len(made) == count
    return made


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 19])
def test_any_number_at_once_equals_one_by_one(encoder: AudioEncoder, count: int) -> None:
    windows = _windows(count)
    together = encoder.encode(windows)
    assert [len(one) for one in together] == [window.frames for window in windows]
    for one, window in zip(together, windows, strict=True):
        (alone,) = encoder.encode([window])
        assert torch.allclose(one, alone, atol=1e-5, rtol=1e-5)


def test_what_was_given_stays_as_it_was(encoder: AudioEncoder) -> None:
    windows = _windows(4)
    (first,) = encoder.encode(windows[:1])
    copy = first.clone()
    encoder.encode(windows[1:])
    assert torch.equal(first, copy)


def test_no_windows_no_features(encoder: AudioEncoder) -> None:
    assert encoder.encode([]) == []


def test_every_batch_size_is_run_before_serving(whisper: WhisperEncoder) -> None:
    encoder = AudioEncoder(whisper, CPU, SMALL, batches=(1, 3))
    windows = _windows(3)
    before = encoder.encode(windows)
    assert encoder.captured == ()
    encoder.warm_up()
    assert encoder.captured == (1, 3)
    for one, other in zip(before, encoder.encode(windows), strict=True):
        assert torch.equal(one, other)


class _NoLooking(TorchDispatchMode):
    """Refuses what makes the CPU wait for a number, which no graph can hold."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal"), name
        return func(*args, **(kwargs or {}))


def test_a_step_can_be_captured(whisper: WhisperEncoder) -> None:
    """It looks at no number, and what it writes lies where it lay before."""
    encoder = AudioEncoder(whisper, CPU, SMALL, batches=(2,))
    encoder.warm_up()
    place = encoder._features.data_ptr()
    with torch.inference_mode(), _NoLooking():
        encoder._steps[2]()
    assert encoder._features.data_ptr() == place


def test_rows_outside_of_the_sound_are_zeros_before_the_positions(encoder: AudioEncoder) -> None:
    (window,) = Windows(shape=SMALL).push(speechlike(3300))
    (features,) = encoder.encode([window])
    bare = (features[0] - sinusoids(50, 32)).unflatten(0, (10, 5))
    assert torch.all(bare[:4] == 0) and torch.all(bare[4:].abs().amax((1, 2)) > 0.1)
    (features,) = encoder.encode([replace(window, end=3)])
    bare = (features[0] - sinusoids(50, 32)).unflatten(0, (10, 5))
    assert torch.all(bare[7:] == 0) and torch.all(bare[4:7].abs().amax((1, 2)) > 0.1)


def test_nothing_wrong_in_one_window_reaches_another(encoder: AudioEncoder) -> None:
    good, bad = _windows(2)
    broken = replace(bad, mel=np.full_like(bad.mel, np.nan))
    alone = encoder.encode([good])[0]
    assert torch.allclose(encoder.encode([good, broken])[0], alone, atol=1e-5)
    # Nor the padding of the next batch.
    assert torch.equal(encoder.encode([good])[0], alone)


def test_the_place_in_the_utterance_is_heard(encoder: AudioEncoder) -> None:
    (window,) = _windows(1)
    here, there = encoder.encode([window, replace(window, position=200)])
    assert (here - there).abs().max() > 0.1


def test_attention_is_not_causal_and_any_of_its_kinds_will_do(encoder: AudioEncoder) -> None:
    windows = _windows(6)
    eager = AudioEncoder(_whisper("eager"), CPU, SMALL)
    for one, other in zip(encoder.encode(windows), eager.encode(windows), strict=True):
        assert torch.allclose(one, other, atol=1e-5, rtol=1e-5)
    later = windows[5].mel.copy()
    later[:, -1] += 1.0
    moved = encoder.encode([replace(windows[5], mel=later)])[0]
    assert (moved - encoder.encode([windows[5]])[0]).abs().max() > 1e-4


def test_half_precision_is_near(whisper: WhisperEncoder, encoder: AudioEncoder) -> None:
    half = AudioEncoder(_whisper(), Placement("cpu", "bfloat16"), SMALL)
    windows = _windows(3)
    for one, other in zip(encoder.encode(windows), half.encode(windows), strict=True):
        assert other.dtype == torch.bfloat16
        assert torch.cosine_similarity(one.flatten(1), other.float().flatten(1)).min() > 0.99


def test_sinusoids() -> None:
    table = sinusoids(50, 384)
    assert table.shape == (50, 384)
    for position, column in ((0, 0), (3, 10), (49, 383), (17, 101)):
        angle = position / 10_000 ** ((column - column % 2) / 384)
        expected = math.cos(angle) if column % 2 else math.sin(angle)
        assert table[position, column].item() == pytest.approx(expected, abs=1e-5)


def test_windows_longer_than_the_encoder_knows_are_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        AudioEncoder(_whisper(positions=40), CPU, SMALL)
