"""Whether a recording can be a voice's reference: what is measured, and what follows from it.

Speech is told from other sound by the network of the listening face, whose ``voice`` curve stays at zero for
noise, hum and single tones, and finds speech down to -55 dB of full scale. Music can pass for speech.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from streaming.audio.decode import RecordingInfo
from streaming.face.log_mel import BANDS, FLOOR, ROWS_PER_STEP, STEP_SAMPLES, log_mel
from streaming.face.viseme_net import CURVE_NAMES, STEP_MS, VisemeNet
from streaming.speech.profiles.manifest import Finding, ReferenceCheck
from streaming.timing import SPEECH_RATE

MIN_SECONDS, MAX_SECONDS = 3.0, 60.0
"""Of a reference, without the silence around it."""
GOOD_SECONDS = 8.0
"""Shorter ones work, and sound less like the person."""
MIN_SPEECH_SECONDS = 2.5
ROUNDING_SECONDS = 0.05
"""Encoders cut and pad; three seconds by somebody's clock are three seconds."""

MIN_LEVEL_DB = -45.0
"""Quieter speech carries the noise of the microphone more than the voice."""
GOOD_DISTANCE_DB = 15.0
"""What speech should stand out of the background by."""
SILENCE_DB = -60.0
"""Nothing was recorded when nothing is louder."""
FULL_SCALE = 0.985
MAX_CLIPPED, GOOD_CLIPPED = 0.01, 0.0005
"""Samples of the speech at full scale: 1 % is heard as harshness, and would be cloned."""
GOOD_RATE = 16_000
"""Recordings of a lower rate have lost what tells voices apart above 4 kHz: telephone."""
FAST, SLOW = 30.0, 2.0
"""Letters of a transcript per second of speech, between which people speak in any script."""

VOICED = 0.5
BRIDGE_STEPS = 10
"""Closures of consonants and the gaps between words (200 ms) belong to speech."""
ONSET_STEPS = 3
"""Shorter stretches (60 ms) are clicks and smacks."""
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
    voiced = _without_short(voice >= VOICED)
    return Hearing(voiced, _bridged(voiced))


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
    powers = np.einsum("ij,ij->i", steps, steps) / STEP_SAMPLES
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


def problems(check: ReferenceCheck) -> tuple[Finding, ...]:
    """Why a recording with these figures cannot be used; empty when it can."""
    if check.peak_db < SILENCE_DB:
        return (Finding("silent", "The recording is silent. Choose the right microphone and unmute it."),)
    found: list[Finding] = []
    if check.sent_seconds < MIN_SECONDS - ROUNDING_SECONDS:
        found.append(
            Finding(
                "too_short",
                f"The recording lasts {check.sent_seconds:.1f} s. Record at least {MIN_SECONDS:.0f} s; "
                f"{GOOD_SECONDS:.0f} to 20 s are best.",
            )
        )
    elif check.speech_seconds < MIN_SPEECH_SECONDS - ROUNDING_SECONDS:
        heard = f"{check.speech_seconds:.1f} s of speech are" if check.speech_seconds else "No speech is"
        found.append(
            Finding(
                "too_little_speech",
                f"{heard} heard in {check.sent_seconds:.1f} s. Speak for at least {MIN_SPEECH_SECONDS} s, "
                "one person alone, without music.",
            )
        )
    if check.seconds > MAX_SECONDS + ROUNDING_SECONDS:
        found.append(too_long(check.seconds))
    if check.level_db is not None and check.level_db < MIN_LEVEL_DB:
        found.append(
            Finding(
                "too_quiet",
                f"The voice is at {check.level_db:.0f} dB of full scale, and needs {MIN_LEVEL_DB:.0f} at "
                "least. Come nearer to the microphone, or turn its level up.",
            )
        )
    if check.clipped_share > MAX_CLIPPED:
        found.append(
            Finding(
                "clipped",
                f"{check.clipped_share:.1%} of the samples are cut off at full scale ({MAX_CLIPPED:.0%} may "
                "be). Turn the microphone's level down, and record again.",
            )
        )
    return tuple(found)


def warnings(check: ReferenceCheck, transcript: str | None) -> tuple[Finding, ...]:
    """What makes a voice worse than it could be, for a recording that can be used."""
    found: list[Finding] = []
    distance = check.signal_to_noise_db
    if distance is not None and distance < GOOD_DISTANCE_DB:
        found.append(
            Finding(
                "noisy",
                f"The voice stands only {distance:.0f} dB out of the background; {GOOD_DISTANCE_DB:.0f} are "
                "good. The noise will be heard in what the voice says.",
            )
        )
    if check.clipped_share > GOOD_CLIPPED:
        found.append(
            Finding("some_clipping", f"{check.clipped_share:.2%} of the samples are cut off at full scale.")
        )
    if check.sample_rate < GOOD_RATE:
        found.append(
            Finding(
                "narrow",
                f"The recording has {check.sample_rate} samples per second, as telephones do: the voice "
                "will be dull.",
            )
        )
    if check.speech_seconds < GOOD_SECONDS:
        found.append(
            Finding(
                "short",
                f"{check.speech_seconds:.1f} s of speech do; {GOOD_SECONDS:.0f} to 20 s sound more like the "
                "person.",
            )
        )
    if transcript is None:
        found.append(
            Finding(
                "no_transcript",
                "Without its transcript only the sound of the voice is cloned, not its way of speaking.",
            )
        )
    elif not SLOW <= _letters(transcript) / max(check.speech_seconds, 0.1) <= FAST:
        found.append(
            Finding(
                "odd_transcript",
                "The transcript is far too long or too short for the recording. It must be exactly what is "
                "said.",
            )
        )
    return tuple(found)


def too_long(seconds: float) -> Finding:
    """That a recording is longer than a reference may be, whatever is in it."""
    return Finding(
        "too_long",
        f"The recording lasts {seconds:.0f} s, and {MAX_SECONDS:.0f} may be. Cut out {GOOD_SECONDS:.0f} to "
        "20 s of even speech.",
    )


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)


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
