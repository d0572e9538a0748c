"""A network of the listening face that hears what a test tells it to."""

from collections.abc import Callable
from typing import cast

import numpy as np

from streaming.face.listening import QUIET_STEPS
from streaming.face.viseme_net import VisemeNet

HEADS = (0, 2, 4, 6)
SILENT = (0.0, 0.5, 0.0, 0.0, 0.0, 0.0)


def mouth(aperture=0.0, width=0.0, press=0.0, bite=0.0, tongue=0.0, voice=1.0):
    return aperture, (width + 1) / 2, press, bite, tongue, voice


class ScriptedStream:
    def __init__(self, net):
        self.net, self.steps = net, net.steps

    def hear(self, rows):
        said = np.stack([self.step(pair) for pair in rows.reshape(-1, 2, 40)])
        if len(said) == QUIET_STEPS:
            # What comes before a sound; the sound begins now.
            self.steps = 0
        self.net.steps = self.steps
        return said

    def step(self, rows):
        self.steps += 1
        return np.array([self.net.script(20 * (self.steps - wait), rows) for wait in HEADS], np.float32)


class ScriptedNet:
    """Each head says ``script(ms, rows)``: the curves at ``ms``, given the rows of the latest step."""

    look_ahead_steps = HEADS

    def __init__(self, script):
        self.script, self.steps = script, -QUIET_STEPS

    def open(self):
        return ScriptedStream(self)


def scripted(script: Callable[..., tuple[float, ...]]) -> VisemeNet:
    return cast(VisemeNet, ScriptedNet(script))
