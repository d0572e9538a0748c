"""``voice.json``: what a voice profile says about itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from avatars.manifest import ID_PATTERN

FORMAT = 1
MANIFEST_NAME = "voice.json"
REFERENCE_NAME = "reference.wav"
MAX_MANIFEST_BYTES = 64 << 10

ENGINES = ("qwen3",)
"""Speech engines that can speak with a profile."""

NOT_STATED = "not stated"
MIN_CONSENT = 10
"""Characters. "Yes" says neither who agreed nor to what."""
MAX_LINE = 500
MAX_NAME = 100
MAX_TRANSCRIPT = 2_000
"""Characters; a minute of quick speech has a thousand."""

_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_SHA256 = r"^[0-9a-f]{64}$"
LANGUAGE_PATTERN = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$"

ProfileId = Annotated[str, Meta(pattern=ID_PATTERN)]
Line = Annotated[str, Meta(max_length=MAX_LINE, pattern=_ONE_LINE)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME, pattern=_ONE_LINE)]
Consent = Annotated[str, Meta(min_length=MIN_CONSENT, max_length=MAX_LINE, pattern=_ONE_LINE)]
Transcript = Annotated[str, Meta(min_length=1, max_length=MAX_TRANSCRIPT, pattern=_TEXT)]
Language = Annotated[str, Meta(pattern=LANGUAGE_PATTERN)]
Sha256 = Annotated[str, Meta(pattern=_SHA256)]


class Finding(msgspec.Struct, frozen=True):
    """Something about a recording: a stable code, and words that say what to do."""

    code: str
    message: str


class ReferenceCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured in a recording. Levels are decibels of full scale, before any gain.

    Attributes:
        sent_seconds: length as it came.
        seconds: length without the silence around the speech.
        speech_seconds: of which somebody speaks.
        level_db: mean level of the speech; ``None`` without speech.
        peak_db: the largest sample.
        noise_db: level of the quietest tenth.
        clipped_share: samples at full scale among those of the speech, 0..1.
        gain_db: what the reference was raised by.
        channels: of the file; they are averaged.
        sample_rate: of the file, in Hz.
        codec: of the file.
        problems: why it cannot be used; empty when it can.
        warnings: what makes the voice worse than it could be.
    """

    sent_seconds: float
    seconds: float
    speech_seconds: float
    level_db: float | None
    peak_db: float
    noise_db: float
    clipped_share: float
    gain_db: float
    channels: int
    sample_rate: int
    codec: str
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def signal_to_noise_db(self) -> float | None:
        """How far the speech stands out of the background."""
        return None if self.level_db is None else self.level_db - self.noise_db


class Provenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a voice comes from.

    Attributes:
        source: name of the file that was sent, for people only.
        sha256: of that file.
        author: who made the profile.
        note: what an import knew beyond that.
    """

    source: Line
    sha256: Sha256
    author: Line = NOT_STATED
    note: Line = ""


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``reference.wav``: 24 kHz, mono, 16 bit."""

    sha256: Sha256
    bytes: Annotated[int, Meta(gt=0)]
    seconds: Annotated[float, Meta(gt=0)]


class ProfileDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What its maker says about a voice; the store adds the rest.

    Attributes:
        name: for people.
        consent: who agreed to this use of the voice, and how.
        provenance: where it comes from.
        check: what was measured in the recording.
        created: when, with a time zone.
        language: BCP 47 tag of what is spoken in the reference; ``None`` when nobody knows.
        transcript: exactly what is said in it; ``None`` leaves engines only the sound of the voice.
        owner: SHA-256 of the secret that may hear and delete it over HTTP; empty when there is none.
    """

    name: Name
    consent: Consent
    provenance: Provenance
    check: ReferenceCheck
    created: Annotated[datetime, Meta(tz=True)]
    language: Language | None = None
    transcript: Transcript | None = None
    owner: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?$")] = ""


class VoiceProfile(ProfileDetails, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The contents of ``voice.json``."""

    id: ProfileId
    reference: Reference
    format: Annotated[int, Meta(ge=FORMAT, le=FORMAT)] = FORMAT


def engines_for(
    speech: Collection[str], voices: Iterable[tuple[str, str]], profiles: Collection[str]
) -> tuple[str, ...]:
    """Which of the engines that run here can speak with profiles.

    Args:
        speech: names of the engines that run.
        voices: engine and name of each voice that they have.
        profiles: ids of the profiles that there are.

    Returns:
        Those of :data:`ENGINES` whose model clones: it has no voices but those of profiles.
    """
    built_in = {engine for engine, name in voices if name not in profiles}
    return tuple(name for name in ENGINES if name in speech and name not in built_in)


def parse(data: bytes) -> VoiceProfile:
    """Read ``voice.json``.

    Raises:
        msgspec.MsgspecError: naming what is wrong.
    """
    return msgspec.json.decode(data, type=VoiceProfile)


def dump(profile: VoiceProfile) -> bytes:
    """What ``voice.json`` holds, for people, too."""
    return msgspec.json.format(msgspec.json.encode(profile), indent=2) + b"\n"
