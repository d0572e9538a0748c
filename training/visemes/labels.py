"""What the network learns: the curves that the text-driven face draws for the same sounds, 100 per second.

Closures are learnt as the plain ramps that lips follow, which are wider and so forgive small errors of
timing; :mod:`training.visemes.export` puts the sharpening into the model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streaming.face import coarticulation, visemes
from streaming.face.coarticulation import RATE, SMOOTHING_TAPS, Coarticulation
from streaming.speech.base import Phoneme

LABEL_RATE = 100
CHANNELS = ("jaw", "width", "press", "bite", "tongue", "voice", "aperture")
"""Jaw is the aperture as if nothing closed it; aperture is with closures; width is (w + 1) / 2."""
JAW, WIDTH, PRESS, BITE, TONGUE, VOICE, APERTURE = range(len(CHANNELS))
VOICE_EDGE_SECONDS = 0.040
"""Speech fades in and out over this."""

_CLASSES = (
    "_",
    "aɑʌɐɒ",
    "æ",
    "əᵊɜɚ",
    "ɛe",
    "ɪɨᵻɤɯ",
    "ijyçɥ",
    "ɔoø",
    "uʊœ",
    "m",
    "bpβɸ",
    "fvʋ",
    "w",
    "ɹɻ",
    "lʎ",
    "θð",
    "nɳɴɲŋ",
    "tdʈɖɾɽrTɟc",
    "szʦʣS",
    "ʃʒʧʤʂꭧɕʨʥʑʝ",
    "kɡgxɣqɰʁχ",
    "hɦʔ",
)
"""Sounds that sound alike, for alignment."""
CLASS_COUNT = len(_CLASSES)
CLASS_OF = {symbol: i for i, symbols in enumerate(_CLASSES) for symbol in symbols}
SILENCE = CLASS_OF[visemes.PAUSE]
VOWEL_CLASSES = frozenset(CLASS_OF[symbol] for symbol in "aæəɛɪiɔu")
UNKNOWN_CLASS = CLASS_OF["h"]


class _Ramps(Coarticulation):
    """Coarticulation before closures are sharpened."""

    def plain(self, count: int) -> tuple[NDArray[np.float64], ...]:
        """Jaw, width, press, bite, tongue at samples ``0 .. count``."""
        self.finish()
        wide = np.arange(-SMOOTHING_TAPS, count + SMOOTHING_TAPS) / RATE
        jaw, width = (np.convolve(curve, coarticulation._SMOOTHING, "valid") for curve in self._blend(wide))
        t = wide[SMOOTHING_TAPS : SMOOTHING_TAPS + count]
        return jaw, width, *(self._ramped(name, t) for name in ("press", "bite", "tongue"))


def split_diphthongs(sounds: Sequence[Phoneme]) -> list[Phoneme]:
    """Each diphthong as its two vowels, for alignment."""
    out: list[Phoneme] = []
    for sound in sounds:
        if sound.symbol in visemes.DIPHTHONGS:
            one, two = visemes.DIPHTHONGS[sound.symbol]
            middle = sound.start + visemes.DIPHTHONG_SPLIT * (sound.end - sound.start)
            out += [
                Phoneme(one, sound.start, middle, sound.stress),
                Phoneme(two, middle, sound.end, sound.stress),
            ]
        else:
            out.append(sound)
    return out


def class_of(symbol: str) -> int:
    """The class of a symbol that is no diphthong."""
    letter = visemes.letter(symbol)
    # The tables know marked sounds, such as nasal vowels, by more than one character.
    return CLASS_OF.get(letter[:1], UNKNOWN_CLASS)


def classes(sounds: Sequence[Phoneme], rows: int) -> NDArray[np.int8]:
    """The class at each of ``rows`` moments, the first at 0 s."""
    out = np.full(rows, SILENCE, np.int8)
    for sound in split_diphthongs(sounds):
        first, last = (max(0, round(t * LABEL_RATE)) for t in (sound.start, sound.end))
        out[first:last] = class_of(sound.symbol)
    return out


def targets(sounds: Sequence[Phoneme], rows: int) -> NDArray[np.float32]:
    """Targets (rows, 7) in the order of :data:`CHANNELS`; row ``i`` is at ``i / LABEL_RATE`` seconds."""
    step = RATE // LABEL_RATE
    ramps, sharp = _Ramps(), Coarticulation()
    for mouth in (ramps, sharp):
        mouth.add(sounds, 0.0)
    jaw, width, press, bite, tongue = (curve[::step] for curve in ramps.plain(rows * step))
    sharp.finish()
    aperture = sharp.curves(0, rows * step).aperture[::step]
    jaw = visemes.APERTURE_GAIN * jaw
    out = np.stack((jaw, (width + 1) / 2, press, bite, tongue, _voice(sounds, rows), aperture), axis=1)
    return np.clip(out, 0.0, 1.0).astype(np.float32)


def _voice(sounds: Sequence[Phoneme], rows: int) -> NDArray[np.float64]:
    t = np.arange(rows) / LABEL_RATE
    voice = np.zeros(rows)
    for sound in sounds:
        if sound.symbol != visemes.PAUSE:
            inside = np.minimum(t - sound.start, sound.end - t) / VOICE_EDGE_SECONDS + 0.5
            voice = np.maximum(voice, np.clip(inside, 0.0, 1.0))
    return voice
