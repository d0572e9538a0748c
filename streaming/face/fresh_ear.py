"""A network that never listens for long: it hears best what it began to hear a second or a few ago.

It learnt from sounds of a few seconds, and over longer ones its memory drifts. So a second stream of it
begins every now and then beside the first, hears itself in, and takes over.
"""

from __future__ import annotations

import numpy as np

from streaming.face.log_mel import ROWS_PER_STEP
from streaming.face.viseme_net import Rows, VisemeNet, VisemeStream

LIFE_STEPS = 100
"""A stream is this old when the next one begins, in steps of 20 ms."""
HEARS_IN_STEPS = 50
"""A stream hears so many steps before it has a say."""
FADE_STEPS = 10
"""Over so many steps it replaces the one before."""


class FreshEar:
    """Hears one sound with streams that take turns. The same rows in the same portions give the same bits.

    Args:
        net: the network.
        before: (2n, 40) rows that are heard before the sound.
    """

    def __init__(self, net: VisemeNet, before: Rows) -> None:
        self._net = net
        self._stream = net.open()
        self._stream.hear(before)
        self._age = 0
        self._fresh: VisemeStream | None = None
        self._fresh_age = 0

    def hear(self, rows: Rows) -> Rows:
        """Hear the next steps; see :meth:`streaming.face.viseme_net.VisemeStream.hear`."""
        steps = len(rows) // ROWS_PER_STEP
        if self._fresh is None and self._age >= LIFE_STEPS:
            self._fresh, self._fresh_age = self._net.open(), 0
        said = self._stream.hear(rows)
        self._age += steps
        if self._fresh is None:
            return said
        ages = self._fresh_age + np.arange(1, steps + 1)
        say = np.clip((ages - HEARS_IN_STEPS) / FADE_STEPS, 0.0, 1.0).astype(np.float32)[:, None, None]
        blend = said + say * (self._fresh.hear(rows) - said)
        self._fresh_age += steps
        if self._fresh_age >= HEARS_IN_STEPS + FADE_STEPS:
            self._stream, self._age, self._fresh = self._fresh, self._fresh_age, None
        return blend.astype(np.float32, copy=False)
