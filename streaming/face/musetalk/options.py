"""What can be set about this engine; plain values that cross to the process of the models."""

from __future__ import annotations

from typing import Literal

import msgspec

Decoder = Literal["auto", "taesd", "vae"]
"""What turns latents into pictures: ``taesd`` is small and quick, ``vae`` is the one the network was trained
with. ``auto``: ``taesd`` where somebody waits; for files ``vae`` on a graphics card, else ``taesd``."""


class MuseTalkOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How MuseTalk is run.

    Attributes:
        folder: of the weights, as docs/musetalk.md describes it; empty: they come from the hub.
        device: ``auto``, or as torch names it.
        decoder: of live sessions.
        render_decoder: of films.
    """

    folder: str = ""
    device: str = "auto"
    decoder: Decoder = "auto"
    render_decoder: Decoder = "auto"
