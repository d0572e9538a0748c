"""What the figures of a recording say: whether it can be a voice's reference, and what would be better."""

from __future__ import annotations

from streaming.speech.profiles.manifest import Finding, ReferenceCheck

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
MAX_CLIPPED, GOOD_CLIPPED = 0.01, 0.0005
"""Samples of the speech at full scale: 1 % is heard as harshness, and would be cloned."""
GOOD_RATE = 16_000
"""Recordings of a lower rate have lost what tells voices apart above 4 kHz: telephone."""
FAST, SLOW = 30.0, 2.0
"""Letters of a transcript per second of speech, between which people speak in any script."""


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
