"""Mouth atlases of few pictures: that there are many of them is tested where they are drawn."""

import pytest

from precompute import portrait_atlas
from precompute.moving import build

APERTURES, WIDTHS = (0.0, 0.3, 0.7, 1.0), (-1.0, 0.0, 1.0)


def few_mouths(patch: pytest.MonkeyPatch) -> None:
    """Draw 12 mouths of a video's person instead of 84."""
    for module in (build, portrait_atlas):
        patch.setattr(module, "APERTURES", APERTURES)
        patch.setattr(module, "WIDTHS", WIDTHS)
        patch.setattr(module, "CLOSURE_WIDTHS", (0.0,))
