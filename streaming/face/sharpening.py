"""Definite lips from a network's likely ones.

A network that is unsure says something in between: closures come out soft, openings narrow. Here closures are
found and shown shut, openings and widths get the range of real ones again, and the mouth rests in pauses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streaming.face.finishing import Target

SURE_PRESS, LIKELY_PRESS = 0.95, 0.11
"""Lips shut wherever press is beyond the first, and at peaks beyond the second."""
SURE_BITE, LIKELY_BITE = 0.60, 0.35
"""The same of the lower lip under the teeth."""
BLIND = 2.0
"""Peaks must be so much clearer where what follows cannot be foreseen."""
HELD, FALLEN = 0.92, 0.50
"""A closure lasts while press (or bite) is beyond the first share of its peak; another one can begin when it
has been below the second."""
VOICED = (0.03, 0.12)
"""Where voice is below this range the mouth rests; within it the mouth opens the more the higher it is."""
UNSURE, SPEAKING = 0.03, (0.20, 0.60)
"""So little opening is not shown where voice is below the range: noise makes a network see small mouths."""
APERTURE_GAIN, WIDTH_GAIN = 1.10, 1.3
"""These give apertures and widths the spread again that they have where the sounds are known."""
TONGUE_SHOWS = (0.05, 0.50)
"""The tongue rises over this range, so that it is seen as often and as definitely as where they are known."""
SMOOTHING = (0.05, 0.5, 0.45)
"""Weights of the moments 20 ms before, at, and 20 ms after a frame's own: the network is some 10 ms late."""


class Moment(NamedTuple):
    """What the network says of one moment: columns as in :data:`viseme_net.CURVE_NAMES`."""

    aperture: float
    width: float
    press: float
    bite: float
    tongue: float
    voice: float


_PRESS, _BITE = Moment._fields.index("press"), Moment._fields.index("bite")
_CLOSURES = ((_PRESS, SURE_PRESS, LIKELY_PRESS), (_BITE, SURE_BITE, LIKELY_BITE))


class Sharpening:
    """Decides the frames of one stretch of sound, in order."""

    def __init__(self) -> None:
        # How much of a closure the last peak was, until press has fallen far enough for another one.
        self._peak = dict.fromkeys((_PRESS, _BITE), 0.0)

    def target(self, here: Sequence[Moment], ahead: Sequence[Sequence[Moment]]) -> Target:
        """The next frame's target.

        Args:
            here: the moments 20 ms before, at, and 20 ms after the frame's own.
            ahead: the same of the frames after it as far as they can be foreseen; the last may be short.
        """
        now = _smoothed(here)
        voice = _ramp(now.voice, VOICED)
        press, bite = voice * max(m.press for m in here), voice * max(m.bite for m in here)
        target = Target(
            aperture=_opening(now),
            width=voice * min(max(WIDTH_GAIN * (2 * now.width - 1), -1.0), 1.0),
            press=press,
            bite=bite * (1 - press),
            tongue=voice * _ramp(now.tongue, TONGUE_SHOWS),
            ahead=[_foreseen(moments) for moments in ahead],
        )
        self._close(target, here, ahead[0] if ahead else here[1:])
        return target

    def _close(self, target: Target, here: Sequence[Moment], after: Sequence[Moment]) -> None:
        """Lips that come together for a sound do touch, in the frame that is nearest to it."""
        voiced = max(moment.voice for moment in here) > VOICED[0]
        for kind, sure, likely in _CLOSURES:
            amount, peak = _amount(here, kind), self._peak[kind]
            strongest = max(moment[kind] for moment in here)
            if len(after) < len(here):
                likely *= BLIND
            begins = peak == 0.0 and strongest >= likely and amount >= _amount(after, kind)
            goes_on = peak > 0.0 and amount >= HELD * peak
            shut = voiced and (strongest >= sure or begins or goes_on)
            fallen = not shut and amount < FALLEN * peak
            self._peak[kind] = 0.0 if fallen else max(peak, amount) if shut else peak
            if shut and not target.closure:
                target.shut(press=kind == _PRESS)


def _smoothed(moments: Sequence[Moment]) -> Moment:
    columns = zip(*moments, strict=True)
    return Moment(*(sum(w * x for w, x in zip(SMOOTHING, c, strict=True)) for c in columns))


def _amount(moments: Sequence[Moment], kind: int) -> float:
    """How much of a closure lies around the middle of these moments."""
    return sum(weight * moment[kind] for weight, moment in zip(SMOOTHING, moments, strict=False))


def _foreseen(moments: Sequence[Moment]) -> float:
    """How far the mouth will be open in a frame with these moments."""
    if any(moment[kind] >= likely for kind, _, likely in _CLOSURES for moment in moments):
        return 0.0
    return _opening(moments[len(moments) // 2])


def _opening(moment: Moment) -> float:
    """How far the mouth is open."""
    shown = max(0.0, moment.aperture - UNSURE * (1 - _ramp(moment.voice, SPEAKING)))
    return min(APERTURE_GAIN * shown * _ramp(moment.voice, VOICED), 1.0)


def _ramp(value: float, limits: tuple[float, float]) -> float:
    """0 below the lower limit, 1 above the upper one, smooth between."""
    x = min(max((value - limits[0]) / (limits[1] - limits[0]), 0.0), 1.0)
    return x * x * (3 - 2 * x)
