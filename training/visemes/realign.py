# pyright: reportMissingImports=false
"""Better timing of the sounds: the network's own class head against what is known to be said (Viterbi).

Durations that speech engines give are late by a constant and coarse by their steps of 25 ms. The network,
trained on them, hears the average; asking it where each boundary lies, near the given one, sharpens the
labels for the next run.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from training.visemes.torch_guard import torch  # isort: skip

from streaming.face.log_mel import BANDS, mel_power
from streaming.speech.base import Phoneme
from training.visemes.clips import Clip
from training.visemes.corpus import POWER_FLOOR
from training.visemes.labels import CLASS_COUNT, LABEL_RATE
from training.visemes.network import Network
from training.visemes.train import CLASS_LOOK_AHEAD
from training.visemes.viterbi import moved_sounds

LEAST_LOG = -6.0
"""The network is never surer than this that a sound is not there."""


def align(network: Network, clips: Iterable[Clip]) -> dict[str, tuple[Phoneme, ...]]:
    """The sounds of each clip with moved boundaries; clips that cannot be aligned are left out."""
    torch.set_num_threads(1)
    out: dict[str, tuple[Phoneme, ...]] = {}
    for clip in clips:
        moved = moved_sounds(clip.sounds, log_posteriors(network, clip.sound))
        if moved is not None:
            out[clip.name] = moved
    return out


def log_posteriors(network: Network, sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, classes) at every hundredth of a second, the first at 0 s."""
    late = CLASS_LOOK_AHEAD // 10
    rows = len(sound) * LABEL_RATE // 24_000
    mel = np.log(mel_power(np.concatenate((sound, np.zeros(4800, np.float32)))) + POWER_FLOOR)
    out = np.zeros((rows, CLASS_COUNT), np.float32)
    for phase in (0, 1):
        # Outputs come every 20 ms; a second pass, one row later, fills in between.
        shifted = np.concatenate((np.repeat(mel[:1], phase, 0), mel, np.full((2 - phase, BANDS), mel[-1])))
        with torch.no_grad():
            logits = network(torch.from_numpy(shifted[None]))[1][0]
        at = 2 * (np.arange(len(logits)) + 1) - late - phase
        inside = (at >= 0) & (at < rows)
        out[at[inside]] = torch.log_softmax(logits, -1).numpy()[inside]
    return np.maximum(out, LEAST_LOG)
