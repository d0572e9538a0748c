"""From the line's 24 kHz to the 16 kHz that Whisper hears, as the sound comes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin, upfirdn

from streaming.timing import SPEECH_RATE

HEARING_RATE = 16_000
_UP, _DOWN = 2, 3
_HALF_TAPS = 48
"""Of the filter, at 48 kHz; a multiple of both ``_UP`` and ``_DOWN``, so that nothing is shifted."""
LOOK_AHEAD_SECONDS = _HALF_TAPS / (SPEECH_RATE * _UP)
"""1 ms: how much later sound decides a sample than the moment it belongs to."""
_CUTOFF_HERTZ = 7800.0
_KAISER_BETA = 6.0
"""63 dB. Of several cutoffs and windows this one differs least from the resampler that MuseTalk's features
were made with (soxr), as Whisper's mel bands hear it: by 2e-5 of its units below the topmost eight bands, by
3e-3 in those."""
_PAST = _HALF_TAPS // _UP
_SKIPPED = 2 * _HALF_TAPS // _DOWN


class Resampler:
    """A sound that comes in pieces; the same samples, bit for bit, however it is cut.

    Sample ``k`` of the result belongs to second ``k / 16000``: the filter's delay is made up for.
    """

    def __init__(self) -> None:
        # Silence before the sound.
        self._heard = np.zeros(_PAST, np.float32)

    def push(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples.

        Args:
            pcm: (n,) at 24 kHz, any length.

        Returns:
            The samples at 16 kHz that are decided now, (m,) float32.
        """
        self._heard = np.concatenate((self._heard, np.asarray(pcm, np.float32)))
        # Three samples make two, always together: so what is kept begins in the same phase of the filter.
        # The second one lies at 1.5 of the three, and hears 24 samples more.
        steps = max(0, (len(self._heard) - 2 * _PAST + 1) // _DOWN)
        if steps == 0:
            return np.zeros(0, np.float32)
        made = upfirdn(_FILTER, self._heard[: steps * _DOWN + 2 * _PAST], _UP, _DOWN)
        self._heard = self._heard[steps * _DOWN :].copy()
        return made[_SKIPPED : _SKIPPED + steps * _UP].astype(np.float32)


_FILTER = _UP * firwin(
    2 * _HALF_TAPS + 1,
    _CUTOFF_HERTZ,
    window=("kaiser", _KAISER_BETA),  # pyright: ignore[reportArgumentType]
    fs=SPEECH_RATE * _UP,
)
