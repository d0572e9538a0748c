"""What steps cost on cards that are not here: predictions from counts, by one plain rule.

A step takes what its arithmetic takes at the rate that a card sustains, or what reading its weights takes,
whichever is longer; and a little for each of its kernels, even from a captured graph.
"""

from __future__ import annotations

from dataclasses import dataclass

from streaming.gpu.admission import TAESD, VAE
from streaming.gpu.costs import Costs, Table

# Counted on the networks themselves: multiply-adds as two operations, attention included.
UNET_FLOP = 177.8e9
TAESD_FLOP = 23.1e9
"""From row 104 on, where masks begin; 35.3e9 for the whole picture."""
VAE_FLOP = 622.2e9
FACE_WEIGHTS = 1.70e9
VAE_WEIGHTS = 0.10e9
FACE_ACTIVATIONS = 16e6
"""Bytes for each frame; :data:`VAE_ACTIVATIONS` with the full decoder."""
VAE_ACTIVATIONS = 112e6
FACE_KERNELS = 690
ENCODER_FLOP = 4.2e9
"""A window of 5 s."""
ENCODER_WEIGHTS = 16e6
ENCODER_KERNELS = 60
TALKER_BYTES = {"1.7b": 5.3e9, "0.6b": 3.3e9}
"""Weights that are read for a frame of 80 ms: the talker once, the predictor fifteen times."""
CACHE_BYTES = 112 * 1024 * 300
"""Keys and values of one sentence, some 300 positions long."""
TALKER_KERNELS = 4970
PROMPT_POSITIONS = 100
CODEC_FLOP = 4.97e9
CODEC_WEIGHTS = 457e6
CODEC_KERNELS = 600

GRAPH_KERNEL = 3e-6
"""Seconds between two small kernels of a captured graph."""
EAGER_KERNEL = 8e-6
"""Seconds that Python and PyTorch take to launch one."""
READING = 0.8
"""Share of a card's bandwidth that reading weights gets."""
FACE_SIZES = (1, 2, 4, 8, 16)
WINDOW_SIZES = (1, 2, 4, 8)
SENTENCES = (1, 2, 4, 8, 16, 32)
CHUNKS = (1, 4, 8)


@dataclass(frozen=True, slots=True)
class Card:
    """A card in three figures.

    Attributes:
        name: as people call it.
        half: operations per second in 16 bits that it sustains.
        single: the same in 32 bits.
        bandwidth: bytes per second.
        talker: which of :data:`TALKER_BYTES`.
    """

    name: str
    half: float
    single: float
    bandwidth: float
    talker: str = "1.7b"


T4 = Card("T4", 24e12, 4e12, 320e9)
"""Reported to sustain 24 TFLOP/s in 16 bits within its 70 W."""
T4_SMALL = Card("T4, Qwen3-TTS 0.6B", 24e12, 4e12, 320e9, "0.6b")
L4 = Card("L4", 60e12, 12e12, 300e9)
"""Half of its peak of 121, within 72 W."""
HOPPER = Card("Hopper", 350e12, 25e12, 3350e9)
"""An H100; a third of its peak of 989, which convolutions of this size reach."""
CARDS = (T4, T4_SMALL, L4, HOPPER)


def costs_on(card: Card) -> Costs:
    """Predicted seconds of all steps."""

    def step(flop: float, rate: float, read: float, launches: float) -> float:
        return max(flop / rate, read / (card.bandwidth * READING)) + launches

    def face(frames: int, decoder: float, weights: float, activations: float) -> float:
        read = FACE_WEIGHTS + weights + frames * activations
        return step(frames * (UNET_FLOP + decoder), card.half, read, FACE_KERNELS * GRAPH_KERNEL)

    def speech(sentences: int) -> float:
        read = TALKER_BYTES[card.talker] + sentences * CACHE_BYTES
        # Two operations for each weight of 16 bits.
        flop = sentences * TALKER_BYTES[card.talker]
        return step(flop, card.half, read, TALKER_KERNELS * GRAPH_KERNEL)

    def codec(frames: int) -> float:
        return step(frames * CODEC_FLOP, card.single, CODEC_WEIGHTS, CODEC_KERNELS * GRAPH_KERNEL)

    def encoder(windows: int) -> float:
        return step(windows * ENCODER_FLOP, card.half, ENCODER_WEIGHTS, ENCODER_KERNELS * GRAPH_KERNEL)

    small: Table = {n: face(n, TAESD_FLOP, 0.0, FACE_ACTIVATIONS) for n in FACE_SIZES}
    full: Table = {n: face(n, VAE_FLOP, VAE_WEIGHTS, VAE_ACTIVATIONS) for n in FACE_SIZES}
    return Costs(
        face={TAESD: small, VAE: full},
        encoder={n: encoder(n) for n in WINDOW_SIZES},
        speech={n: speech(n) for n in SENTENCES},
        codec={n: codec(n) for n in CHUNKS},
    )


def prompt_seconds(card: Card) -> float:
    """What a sentence's prompt costs before its first frame."""
    flop = PROMPT_POSITIONS * TALKER_BYTES[card.talker] / 2
    return flop / card.half + 28 * 12 * EAGER_KERNEL
