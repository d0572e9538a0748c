"""Real recordings of people, and voice profiles made from them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streaming.audio.decode import AudioFile, RecordingInfo
from streaming.speech.profiles.manifest import ProfileDetails, Provenance, ReferenceCheck

PEOPLE = Path(__file__).parents[2] / "benchmarks" / "recordings" / "human"
SPEECH = PEOPLE / "arctic_awb.opus"
"""4.0 s, one man."""
WORDS = "And you always want to see it in the superlative degree."
CONSENT = "A recording that anybody may use."
INFO = RecordingInfo("wav", "pcm_s16le", 24_000, 1, 4.0)


@lru_cache(maxsize=4)
def spoken(path: Path = SPEECH) -> NDArray[np.float32]:
    """What is said in a recording, (n,) at 24 kHz; not to be changed."""
    with path.open("rb") as file:
        pcm = np.concatenate(list(AudioFile(file).pieces()))
    pcm.flags.writeable = False
    return pcm


CHECK = ReferenceCheck(
    sent_seconds=4.0,
    seconds=3.6,
    speech_seconds=3.1,
    level_db=-20.6,
    peak_db=-3.6,
    noise_db=-49.8,
    clipped_share=0.0,
    gain_db=-2.4,
    channels=1,
    sample_rate=24_000,
    codec="opus",
)


def details(name: str = "Alan", **changes: object) -> ProfileDetails:
    """What is known of a voice."""
    facts: dict[str, object] = {
        "name": name,
        "consent": CONSENT,
        "provenance": Provenance("arctic_awb.opus", "0" * 64),
        "check": CHECK,
        "created": datetime(2026, 11, 20, 12, tzinfo=UTC),
        "language": "en",
        "transcript": WORDS,
    }
    return ProfileDetails(**(facts | changes))  # pyright: ignore[reportArgumentType]
