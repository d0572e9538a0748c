# pyright: reportMissingImports=false, reportUntypedBaseClass=false
"""The real Whisper-tiny, which npm fetches once (70 MB), on real speech."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("transformers", reason="transformers is not installed")

import torch
from torch import Tensor
from transformers import WhisperFeatureExtractor
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from benchmarks.judge.recordings import load_all
from benchmarks.whisper_ggml import NotFetched, fetch_whisper_tiny, whisper_encoder
from streaming.face.musetalk.audio_encoder import AudioEncoder, sinusoids
from streaming.face.musetalk.resampling import HEARING_RATE, Resampler
from streaming.face.musetalk.whisper_mel import WhisperMel, levelled
from streaming.face.musetalk.windows import SHAPE, LookAhead, Window, Windows, WindowShape
from streaming.gpu.placement import Placement
from streaming.timing import SPEECH_RATE

pytestmark = pytest.mark.slow
CPU = Placement("cpu", "float32")
NAMES = ("arctic_awb", "austen_0890", "librispeech_61", "sonnet_3")
WHOLE = WindowShape(rows=3000)
SECONDS_30 = 30 * HEARING_RATE


@dataclass(frozen=True, slots=True)
class Spoken:
    """A recording, and what upstream makes of it: (3000, 80) mel and (frames, 50, 384) features."""

    pcm: np.ndarray
    at_16_khz: np.ndarray
    mel: np.ndarray
    features: Tensor


@pytest.fixture(scope="module")
def whisper(pytestconfig: pytest.Config) -> WhisperEncoder:
    assert pytestconfig.cache is not None
    try:
        path = fetch_whisper_tiny(pytestconfig.cache.mkdir("whisper-tiny"))
    except NotFetched as error:
        pytest.skip(str(error))
    return whisper_encoder(path)


@pytest.fixture(scope="module", autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def spoken(whisper: WhisperEncoder) -> list[Spoken]:
    """What upstream's recipe says of real speech, by transformers' own extractor and encoder."""
    extractor = WhisperFeatureExtractor()
    made: list[Spoken] = []
    for recording in load_all("human"):
        if recording.name not in NAMES:
            continue
        pcm = recording.pcm
        padded = np.concatenate((pcm, np.zeros(SPEECH_RATE, np.float32)))
        # With the filter's last millisecond beyond the end.
        sound = Resampler().push(padded)
        mel = extractor(sound, sampling_rate=HEARING_RATE, return_tensors="pt").input_features
        states = torch.stack(whisper(mel, output_hidden_states=True).hidden_states, 2)[0]
        rows = states[: len(pcm) // 480]
        around = torch.cat((torch.zeros(4, 5, 384), rows, torch.zeros(12, 5, 384)))
        frames = -(-len(pcm) // 960)
        features = torch.stack([around[2 * i : 2 * i + 10].flatten(0, 1) for i in range(frames)])
        made.append(Spoken(pcm, sound, mel[0].numpy().T, features))
    assert len(made) == len(NAMES)
    return made


def _bare(features: list[Tensor]) -> Tensor:
    return torch.cat(features) - sinusoids(50, 384)


def _likeness(made: Tensor, known: Tensor) -> Tensor:
    return torch.cosine_similarity(made.flatten(1), known.flatten(1))


@dataclass(frozen=True, slots=True)
class Made:
    """Features of some frames, and the windows that they come from (one for each frame)."""

    features: Tensor
    frames: list[int]
    windows: list[Window]


def _streamed(
    whisper: WhisperEncoder,
    one: Spoken,
    ahead: LookAhead | None = None,
    shape: WindowShape = SHAPE,
    placed: bool = True,
    every: int = 2,
) -> Made:
    windows = Windows(ahead, shape)
    made = [w for i in range(0, len(one.pcm), 2000) for w in windows.push(one.pcm[i : i + 2000])]
    made = (made + windows.flush())[::-every][::-1]
    inputs = made if placed else [replace(window, position=0) for window in made]
    return Made(
        _bare(AudioEncoder(whisper, CPU, shape).encode(inputs)),
        [window.first + i for window in made for i in range(window.frames)],
        [window for window in made for _ in range(window.frames)],
    )


def test_the_mel_of_a_whole_sound_is_that_of_the_extractor(spoken: list[Spoken]) -> None:
    for one in spoken:
        mel = WhisperMel()
        pieces = np.split(
            np.pad(one.at_16_khz, (0, SECONDS_30 - len(one.at_16_khz))), range(777, SECONDS_30, 5003)
        )
        rows = np.concatenate([mel.push(piece) for piece in pieces])
        # The very last row hears beyond the 30 s.
        assert len(rows) == 2999
        assert np.abs(levelled(rows, float(rows.max())) - one.mel[:2999]).max() < 1e-4


def test_the_encoder_given_30_s_says_what_upstream_says(
    whisper: WhisperEncoder, spoken: list[Spoken]
) -> None:
    for one in spoken[:2]:
        encoder = AudioEncoder(whisper, CPU, WHOLE, batches=(2,))
        frames = [0, 1, 30, len(one.features) - 2]
        mel, end = np.ascontiguousarray(one.mel.T), len(one.pcm) // 480
        windows = [Window(mel, 0, frame, 2, 2 * frame - 4, end) for frame in frames]
        made = _bare(encoder.encode(windows))
        known = torch.cat([one.features[frame : frame + 2] for frame in frames])
        assert (made - known).abs().max() < 1e-4


def test_windows_as_long_as_upstreams_end_with_its_features(
    whisper: WhisperEncoder, spoken: list[Spoken]
) -> None:
    """When the sound has ended and the window is 30 s, nothing is left that differs: all is in its place."""
    one = spoken[0]
    made = _streamed(whisper, one, LookAhead(200), replace(WHOLE, after=301), every=7)
    assert made.frames[-1] == len(one.features) - 1
    assert (made.features - one.features[made.frames]).abs().max() < 1e-3


def test_streamed_features_are_near_those_of_the_whole_sound(
    whisper: WhisperEncoder, spoken: list[Spoken]
) -> None:
    alls: list[Tensor] = []
    layers: list[Tensor] = []
    lasts: list[Tensor] = []
    for one in spoken:
        made = _streamed(whisper, one)
        known = one.features[made.frames]
        middle = [i for i, frame in enumerate(made.frames) if 25 <= frame < len(one.features) - 4]
        alls.append(_likeness(made.features, known)[middle])
        lasts.append(_likeness(made.features, known)[-2:])
        by_layer = (x.unflatten(1, (10, 5)).transpose(1, 2).flatten(2) for x in (made.features, known))
        layers.append(torch.cosine_similarity(*by_layer, dim=2)[middle])
    likeness = torch.cat(alls)
    assert likeness.median() > 0.92 and likeness.quantile(0.05) > 0.8
    assert torch.cat(lasts).mean() > 0.9
    by_layer = torch.cat(layers)
    assert torch.all(by_layer.median(0).values > torch.tensor([0.999, 0.99, 0.98, 0.95, 0.87]))
    assert by_layer[:, 0].min() > 0.99


def test_positions_are_what_makes_them_near_and_later_sound(
    whisper: WhisperEncoder, spoken: list[Spoken]
) -> None:
    one = spoken[-1]

    def likeness(made: Made) -> float:
        later = [i for i, w in enumerate(made.windows) if w.first > 130 and w.end == SHAPE.encoded]
        assert len(later) > 40
        return float(_likeness(made.features, one.features[made.frames])[later].median())

    placed = likeness(_streamed(whisper, one, every=3))
    assert placed > 0.92
    assert likeness(_streamed(whisper, one, placed=False, every=3)) < 0.85
    assert likeness(_streamed(whisper, one, LookAhead(5), every=3)) > max(0.95, placed + 0.015)


def test_the_beginning_is_in_its_place(whisper: WhisperEncoder, spoken: list[Spoken]) -> None:
    for one in spoken:
        windows = Windows(LookAhead(60))
        pushed = (windows.push(one.pcm) + windows.flush())[:13]
        patient = _bare(AudioEncoder(whisper, CPU).encode(pushed))
        at_once = _bare(AudioEncoder(whisper, CPU).encode(Windows().push(one.pcm)[:13]))
        known = one.features[:25]
        # Rows before the sound.
        assert all(torch.all(x[0, :20] == 0) for x in (patient, at_once, known))
        assert _likeness(patient, known).median() > 0.95
        assert _likeness(at_once, known).median() > 0.8
