"""From a mouth shape to lip edges. All lengths are in eye spans.

The numbers were found by eye on portraits and by comparing with speech; none comes from a published table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from precompute.curves import smoothstep
from precompute.mouth.geometry import KNOTS, MIDDLE, Contours, Floats

PARTED = 0.28
"""At this aperture the lips have fully parted; beyond it the jaw does the work."""
USUAL_HALF_WIDTH = 0.27
"""Corners of narrower mouths move less."""
SMILE_YIELDS, SMILE_GONE = 0.8, 0.6
"""Share of a smile's curl that an open or a round mouth gives up, and the aperture at which it is gone."""
ARCH = 0.022
"""How far the upper lip arches up over a wide open mouth."""
EVERTED, EVERTED_SHARE = 0.018, 0.10
"""How much thicker each lip is when it is pushed forward: eye spans, and share of its thickness at rest."""
THINNED = 0.005
"""How much thinner each lip is when it is drawn wide."""
PRESSED_IN = 0.38, 0.42
PRESSED_MOST = 0.028
"""Shares of the upper and the lower lip that roll in when they are pressed together, and the most of each."""


@dataclass(frozen=True, slots=True)
class MouthShape:
    """What the mouth does.

    Attributes:
        aperture: 0 closed .. 1 wide open.
        width: -1 round .. +1 spread.
        press: 0..1 lips pressed together (m b p); only with a closed mouth.
        bite: 0..1 lower lip under the upper teeth (f v); only with a closed mouth.
        tongue: 0..1 tongue tip raised to the teeth (l th).
    """

    aperture: float = 0.0
    width: float = 0.0
    press: float = 0.0
    bite: float = 0.0
    tongue: float = 0.0

    @property
    def round(self) -> float:
        """0..1."""
        return max(-self.width, 0.0)

    @property
    def spread(self) -> float:
        """0..1."""
        return max(self.width, 0.0)

    @property
    def parted(self) -> float:
        """0..1, how far the lips have come off each other."""
        return float(smoothstep(0, PARTED, self.aperture))

    @property
    def jaw(self) -> float:
        """How far the jaw is down."""
        return 0.126 * self.aperture**1.15 * (1 - 0.02 * self.round) + 0.010 * self.bite

    @property
    def upper_raise(self) -> float:
        """How far the upper lip's inner edge is up. In speech it moves little: the jaw opens the mouth."""
        raised = 0.012 + 0.008 * self.spread + 0.002 * self.round + ARCH * self.aperture * (1 - self.round)
        return self.parted * raised + 0.027 * self.bite

    @property
    def lower_drop(self) -> float:
        """How far the lower lip's inner edge is down, over the jaw."""
        return self.parted * (0.021 + 0.009 * self.spread + 0.003 * self.round)

    @property
    def corner_out(self) -> float:
        """How far each corner moves outwards."""
        inward = 0.096 * self.round + 0.045 * self.aperture * (1 - self.round)
        return 0.040 * self.spread - inward

    @property
    def corner_down(self) -> float:
        """How far each corner moves down."""
        centring = 0.42 * self.round * (self.jaw + self.lower_drop)
        return 0.056 * self.aperture * (1 - 0.5 * self.round) + centring - 0.010 * self.spread


def lip_edges(rest: Contours, shape: MouthShape) -> Contours:
    """Lip edges of a shape, from the edges at rest."""
    edges = rest.copy()
    half = float(rest.inner_upper[-1, 0] - rest.inner_upper[0, 0]) / 2
    stretch = 1 + shape.corner_out / max(half, USUAL_HALF_WIDTH)
    corners = (rest.inner_upper[0, 1] + rest.inner_upper[-1, 1]) / 2
    curl = max(float(rest.inner_upper[MIDDLE, 1] - corners), 0.0)
    # With the corners of a smile left up, an open mouth is a half-moon.
    yielding = max(float(smoothstep(0, SMILE_GONE, shape.aperture)), shape.round)
    corner_down = shape.corner_down + SMILE_YIELDS * yielding * curl
    for edge in edges.all():
        edge[:, 0] *= stretch
        edge[:, 1] += corner_down * KNOTS**2
    opening, lips = _opening_profile(shape), np.clip(1 - KNOTS**2, 0, 1) ** 0.85
    # Pushed forward, lips bunch up also towards the corners: the outline turns from a lens to a disc.
    bunched = lips + (np.clip(1 - np.abs(KNOTS) ** 3, 0, 1) ** 0.9 - lips) * shape.round
    # They do so from the first: a little rounding shows as fuller lips before the corners have come far.
    upper_fuller, lower_fuller = (
        (
            shape.round**0.6 * bunched * (EVERTED + EVERTED_SHARE * np.abs(outer[:, 1] - inner[:, 1]).max())
            - THINNED * shape.spread * lips
        )
        for outer, inner in ((rest.outer_upper, rest.inner_upper), (rest.outer_lower, rest.inner_lower))
    )
    # Showing the teeth's edge for a bite takes little more than rolling the lip in.
    edges.outer_upper[:, 1] -= lips * (0.55 * shape.upper_raise - 0.010 * shape.bite) + upper_fuller
    # A round lower lip comes down as a whole, also beside the opening.
    outer = opening + (lips - opening) * shape.round
    edges.outer_lower[:, 1] += outer * (shape.jaw + 0.45 * shape.lower_drop) + lower_fuller
    edges.inner_upper[:, 1] -= opening * shape.upper_raise
    edges.inner_lower[:, 1] += opening * (shape.jaw + shape.lower_drop)
    if shape.press:
        # Lips roll in: both outer edges come to the seam.
        upper = edges.inner_upper[:, 1] - edges.outer_upper[:, 1]
        lower = edges.outer_lower[:, 1] - edges.inner_lower[:, 1]
        edges.outer_upper[:, 1] += shape.press * lips * np.minimum(PRESSED_IN[0] * upper, PRESSED_MOST)
        edges.outer_lower[:, 1] -= shape.press * lips * np.minimum(PRESSED_IN[1] * lower, PRESSED_MOST)
    if shape.bite:
        edges.inner_lower[:, 1] -= shape.bite * opening * (shape.lower_drop + shape.jaw + 0.002)
        edges.outer_lower[:, 1] -= shape.bite * lips * 0.022
    return edges


def _opening_profile(shape: MouthShape) -> Floats:
    """How much of the opening each place along the lips gets: lips stay in touch towards the corners."""
    wide = float(smoothstep(0.1, 0.8, shape.aperture))
    touching = (0.04 + 0.10 * (1 - wide) * (1 - 0.8 * shape.spread)) * (1 - shape.round)
    touching += shape.round * (0.58 - 0.20 * wide) + 0.16 * shape.bite
    flatness = 0.88 - 0.22 * wide - 0.11 * shape.spread
    flatness += (0.50 - flatness) * shape.round
    return np.clip(1 - (KNOTS / (1 - touching)) ** 2, 0, 1) ** flatness
