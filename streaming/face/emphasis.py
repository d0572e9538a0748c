"""Who speaks louder opens the mouth wider: a factor on the aperture, from the level of the sound.

Loud means louder than this voice was in this utterance so far, so recordings of any level are alike.
"""

from __future__ import annotations

LEAST, MOST = 0.85, 1.15
SPAN_DECIBELS = 9.0
"""So far above its usual level a voice opens the mouth by the most, and so far below by the least."""
SILENT_DECIBELS = -65.0
PAUSE_DECIBELS = 18.0
"""Frames this much quieter than the usual level are pauses, and say nothing about it."""
RISE, FALL = 0.5, 0.2
"""Share of the way to a louder, and to a quieter level, that is gone per frame: vowels count."""
MEMORY_FRAMES = 75
"""The usual level is a mean over about so many frames of speech."""
TRUST_FRAMES = 15
"""After so many frames of speech the usual level counts half."""


class Emphasis:
    """Follows the level of one utterance, frame by frame."""

    def __init__(self) -> None:
        self._usual = 0.0
        self._level = SILENT_DECIBELS
        self._spoken = 0

    def take(self, decibels: float) -> float:
        """The factor of the next frame.

        Args:
            decibels: level of its sound, 0 for the RMS of a square wave of full scale.
        """
        level = max(decibels, SILENT_DECIBELS)
        self._level += (level - self._level) * (RISE if level > self._level else FALL)
        if level <= SILENT_DECIBELS or (self._spoken and self._level < self._usual - PAUSE_DECIBELS):
            return 1.0
        self._spoken += 1
        self._usual += (self._level - self._usual) / min(self._spoken, MEMORY_FRAMES)
        above = (self._level - self._usual) / SPAN_DECIBELS
        trust = self._spoken / (self._spoken + TRUST_FRAMES)
        return 1.0 + min(max(trust * above, -1.0), 1.0) * (MOST - 1.0 if above > 0 else 1.0 - LEAST)
