"""Where somebody speaks in a recording, and what is measured there.

Speech is told from other sound by the network of the listening face, whose ``voice`` curve stays at zero for
noise and hum, and finds speech down to -55 dB of full scale. It knows sung vowels, and takes some tones for
one: what stands still for a second is no speech. Music can pass for speech.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from streaming.audio.decode import RecordingInfo
from streaming.face.log_mel import BANDS, FLOOR, ROWS_PER_STEP, STEP_SAMPLES, log_mel
from streaming.face.viseme_net import CURVE_NAMES, STEP_MS, VisemeNet
from streaming.speech.profiles.manifest import ReferenceCheck
from streaming.timing import SPEECH_RATE

FULL_SCALE = 0.985
VOICED = 0.5
BRIDGE_STEPS = 10
"""Closures of consonants and the gaps between words (200 ms) belong to speech."""
ONSET_STEPS = 3
"""Shorter stretches (60 ms) are clicks and smacks."""
STILL_STEPS = 50
STILL_DB = 1.0
"""How much the level deviates within a second: people's by 1.4 dB at least, a tone's in noise by 0.1."""
MARGIN_SECONDS = 0.3
"""Kept around the speech: soft consonants, breath, and the room."""
QUIETEST = 10.0
"""Per cent of the steps that are the background."""
LOWEST_DB = -120.0
_QUIET_STEPS = 15
_VOICE = CURVE_NAMES.index("voice")


@dataclass(frozen=True, slots=True)
class Hearing:
    """Where somebody speaks in a recording, in steps of 20 ms.

    Attributes:
        voiced: (n,) bool, single steps.
        speech: (n,) bool, with the gaps inside of speech.
    """

    voiced: NDArray[np.bool_]
    speech: NDArray[np.bool_]

    @property
    def seconds(self) -> float:
        """How long somebody speaks."""
        return float(self.speech.sum()) * STEP_MS / 1000

    def bounds(self, samples: int) -> tuple[int, int]:
        """First sample and the one after the last, with margins; all of it without speech."""
        (steps,) = np.nonzero(self.speech)
        if not steps.size:
            return 0, samples
        margin = round(MARGIN_SECONDS * SPEECH_RATE)
        first, last = int(steps[0]) * STEP_SAMPLES, int(steps[-1] + 1) * STEP_SAMPLES
        return max(0, first - margin), min(samples, last + margin)


def hear(net: VisemeNet, pcm: NDArray[np.float32]) -> Hearing:
    """Find the speech in (n,) samples at 24 kHz."""
    ahead = net.look_ahead_steps[-1]
    rows = log_mel(np.concatenate((pcm, np.zeros(ahead * STEP_SAMPLES, np.float32))))
    stream = net.open()
    # A network that has heard nothing yet expects speech.
    stream.hear(np.full((ROWS_PER_STEP * _QUIET_STEPS, BANDS), math.log(FLOOR), np.float32))
    voice = stream.hear(rows)[ahead:, -1, _VOICE]
    voiced = _without_short((voice >= VOICED) & ~_still(pcm, voice.size))
    return Hearing(voiced, _bridged(voiced))


def _still(pcm: NDArray[np.float32], steps: int) -> NDArray[np.bool_]:
    """(steps,) bool: the level hardly moves in the second around a step."""
    powers = _powers(pcm[: steps * STEP_SAMPLES].reshape(-1, STEP_SAMPLES))
    levels = 10 * np.log10(np.maximum(powers, 10 ** (LOWEST_DB / 10)))
    if levels.size < STILL_STEPS:
        return np.zeros(steps, np.bool_)
    moves = sliding_window_view(levels, STILL_STEPS).std(axis=1)
    return moves[np.clip(np.arange(steps) - STILL_STEPS // 2, 0, moves.size - 1)] < STILL_DB


def measure(pcm: NDArray[np.float32], hearing: Hearing, info: RecordingInfo) -> ReferenceCheck:
    """Measure a recording.

    Args:
        pcm: (n,) at 24 kHz as it was decoded.
        hearing: where somebody speaks in it.
        info: what the file is.

    Returns:
        The figures, without findings; the gain is 0.
    """
    start, end = hearing.bounds(pcm.size)
    voiced = hearing.voiced
    steps = pcm[: voiced.size * STEP_SAMPLES].reshape(-1, STEP_SAMPLES)
    powers = _powers(steps)
    spoken = steps[voiced]
    clipped = float(np.mean(np.abs(spoken) >= FULL_SCALE)) if spoken.size else 0.0
    # Encoders pad with digital silence, which is no background.
    sounding = powers[powers > 10 ** (LOWEST_DB / 10)]
    return ReferenceCheck(
        sent_seconds=round(pcm.size / SPEECH_RATE, 2),
        seconds=round((end - start) / SPEECH_RATE, 2),
        speech_seconds=round(hearing.seconds, 2),
        level_db=_decibels(float(powers[voiced].mean())) if voiced.any() else None,
        peak_db=_decibels(float(np.max(np.abs(pcm), initial=0.0)) ** 2),
        noise_db=_decibels(float(np.percentile(sounding, QUIETEST)) if sounding.size else 0.0),
        clipped_share=round(clipped, 5),
        gain_db=0.0,
        channels=info.channels,
        sample_rate=info.sample_rate,
        codec=info.codec,
    )


def _powers(steps: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.einsum("ij,ij->i", steps, steps) / np.float32(STEP_SAMPLES)


def _decibels(power: float) -> float:
    return round(max(LOWEST_DB, 10 * math.log10(power)) if power > 0 else LOWEST_DB, 1)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Begin and end of each stretch of true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]


def _without_short(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kept = flags.copy()
    for begin, end in _runs(flags):
        if end - begin < ONSET_STEPS:
            kept[begin:end] = False
    return kept


def _bridged(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    filled = flags.copy()
    runs = _runs(flags)
    for (_, before), (after, _) in pairwise(runs):
        if after - before <= BRIDGE_STEPS:
            filled[before:after] = True
    return filled
