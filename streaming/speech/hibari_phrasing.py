"""Melody of clauses that do not end their sentence.

hibari lets the pitch fall by some six semitones at the end of whatever it is given, as a reader does at the
end of a sentence. Before a comma, or where a long sentence is cut, that sounds as if the speaker had
finished. So such a clause is spoken with a few words more, which are cut off again in the pause before them.
Measured on the last words of 45 clauses: a fall of 6.0 semitones without, 1.6 with them; before commas
inside whole sentences it is 0.2, at places without punctuation 1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from streaming.speech.hibari_timing import PAUSE, SHORTEST_SECONDS, Sound, quiet_runs
from streaming.timing import SPEECH_RATE

if TYPE_CHECKING:
    from streaming.speech.hibari_model import HibariModel, Utterance
    from streaming.speech.reading import Reading

WORDS_MORE = "bˌʌt pəɹhˈæps ɪt ˈɪz."
"""Goes on after any clause; of eleven such endings the one before which a pause is made most surely: always
at speed 1, at 40 of 45 clauses at speed 2."""
MARKS = ",;:—–"
SHORTEST_PAUSE_SECONDS = 0.050
BEFORE_SECONDS, AFTER_SECONDS = 0.100, 0.060
"""The pause touches this stretch around the place where the words more begin by the network's durations."""
KEPT_FROM_WORDS_SECONDS = 0.020
"""Silence before the words more that is cut off with them, for their onset may be early."""


def render_unfinished(
    model: HibariModel, reading: Reading, speed: float, rng: np.random.Generator
) -> Utterance | None:
    """Speak a clause after which its sentence goes on.

    Args:
        model: the voice.
        reading: the clause, with or without punctuation at its end.
        speed: 0.5 (slow) .. 2.0 (fast).
        rng: source of the breath noise.

    Returns:
        The sound, ending in a pause; ``None`` when no pause came out where the clause ends.
    """
    more = reading.with_more((" " if reading.symbols[-1] in MARKS else ", ") + WORDS_MORE)
    utterance = model.render(more, speed, rng)
    sounds = utterance.sounds
    count = next(i for i, sound in enumerate(sounds) if sound.word == more.word_of_symbol[-1])
    begin = sounds[count].start
    while count and sounds[count - 1].symbol == PAUSE:
        count -= 1
    pause = _last_pause(quiet_runs(utterance.pcm, SHORTEST_PAUSE_SECONDS), begin)
    if pause is None or not any(sound.symbol != PAUSE for sound in sounds[:count]):
        return None
    sounds = _until(sounds[:count], pause[0])
    end = max(pause[0], pause[1] - KEPT_FROM_WORDS_SECONDS)
    sounds.append(Sound(PAUSE, pause[0], end, 0.0, -1))
    utterance.sounds = sounds
    utterance.pcm = utterance.pcm[: round(end * SPEECH_RATE)]
    return utterance


def _last_pause(runs: Sequence[tuple[float, float]], near: float) -> tuple[float, float] | None:
    touching = (run for run in runs if run[0] < near + AFTER_SECONDS and run[1] > near - BEFORE_SECONDS)
    return max(touching, default=None)


def _until(sounds: list[Sound], end: float) -> list[Sound]:
    """Sounds that last until ``end``; those that would begin after it share what is left."""
    for left, sound in enumerate(reversed(sounds)):
        limit = end - left * SHORTEST_SECONDS
        sound.end = limit if left == 0 else min(sound.end, limit)
        sound.start = min(sound.start, sound.end - SHORTEST_SECONDS)
    return sounds
