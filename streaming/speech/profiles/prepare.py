"""From a decoded recording to a reference: checked, cut to the speech, brought to a common level."""

from __future__ import annotations

import importlib.util

import msgspec
import numpy as np
from numpy.typing import NDArray

from streaming.audio.decode import RecordingInfo
from streaming.face.viseme_net import VisemeNet
from streaming.speech.language import detect_language
from streaming.speech.profiles.check import problems, warnings
from streaming.speech.profiles.hearing import hear, measure
from streaming.speech.profiles.order import Prepared
from streaming.timing import SPEECH_RATE

LEVEL_DB = -23.0
"""Mean level of the speech in every reference; peaks of common speech stay 5 dB below full scale."""
PEAK_DB = -1.0
"""No gain raises a peak above this."""
FADE_SECONDS = 0.01
"""Where something was cut off, the room must not begin with a click."""
LATIN_LANGUAGES = ("de", "en", "es", "fr", "it", "pt")
"""Languages that a transcript in Latin letters is told apart between."""


def prepare(
    net: VisemeNet,
    pcm: NDArray[np.float32],
    info: RecordingInfo,
    *,
    transcript: str | None = None,
    language: str | None = None,
) -> Prepared:
    """Check a recording and make a reference of it. Takes a tenth of a second per minute of sound.

    Args:
        net: the network that tells speech from other sound.
        pcm: (n,) at 24 kHz, mono, within -1..1.
        info: what the file is.
        transcript: what is said in it, where known.
        language: what it is said in, where known.
    """
    hearing = hear(net, pcm)
    check = measure(pcm, hearing, info)
    language = language or told_language(transcript)
    found = problems(check)
    if found or check.level_db is None:
        return Prepared(msgspec.structs.replace(check, problems=found), language)
    start, end = hearing.bounds(pcm.size)
    reference = pcm[start:end].copy()
    gain = min(LEVEL_DB - check.level_db, PEAK_DB - check.peak_db)
    reference *= np.float32(10 ** (gain / 20))
    _fade(reference, start > 0, end < pcm.size)
    check = msgspec.structs.replace(check, gain_db=round(gain, 1), warnings=warnings(check, transcript))
    return Prepared(check, language, reference.astype("<f4", copy=False).tobytes())


def told_language(transcript: str | None) -> str | None:
    """The language of a transcript; ``None`` where nothing tells Latin letters apart."""
    if transcript is None:
        return None
    language = detect_language(transcript, LATIN_LANGUAGES)
    # Without py3langid, all Latin letters pass for English.
    if language in LATIN_LANGUAGES and importlib.util.find_spec("py3langid") is None:
        return None
    return language


def _fade(pcm: NDArray[np.float32], first: bool, last: bool) -> None:
    count = min(round(FADE_SECONDS * SPEECH_RATE), pcm.size)
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
    if first:
        pcm[:count] *= ramp
    if last:
        pcm[pcm.size - count :] *= ramp[::-1]
