# pyright: reportMissingImports=false, reportUntypedBaseClass=false
"""From latents to pictures: TAESD, from the first row on that is needed, or the whole VAE.

A row of TAESD's output depends on the rows near it and on nothing else (it neither normalises nor attends),
so what lies above can be left out, in each of its stages, without a bit of the rest changing. The VAE's group
norms see the whole picture: it is decoded whole, always.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch

from streaming.face.musetalk.sizes import LATENT_SCALE

VAE_BATCH = 4
"""Pictures that the VAE decodes at once: it is busy with four, and each takes 96 MB."""


class TaesdDecoder(torch.nn.Module):
    """``AutoencoderTiny``'s decoder, which can begin at any row.

    Args:
        decoder: ``DecoderTiny`` with its weights.
    """

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.layers = torch.nn.ModuleList(decoder.layers)

    def forward(self, latents: torch.Tensor, first_row: int = 0) -> torch.Tensor:
        """Decode.

        Args:
            latents: (B, 4, h, w), scaled.
            first_row: of the 8 h rows.

        Returns:
            (B, 3, 8 h - first_row, 8 w), range -1..1 (a little beyond it at times).
        """
        starts = self.starts(first_row)
        x = torch.tanh(latents / 3) * 3
        x = x[:, :, starts[0] :]
        for layer, (start, wanted) in zip(self.layers, pairwise(starts), strict=True):
            upsampled = 2 if isinstance(layer, torch.nn.Upsample) else 1
            x = _run(layer, x, wanted - start * upsampled)
        return x.mul(2).sub(1)

    def starts(self, first_row: int) -> list[int]:
        """The first row that each layer's input has to have, and last that of the output."""
        starts = [first_row]
        for layer in reversed(self.layers):
            start = starts[0]
            if isinstance(layer, torch.nn.Upsample):
                starts.insert(0, start // 2)
            else:
                starts.insert(0, max(0, start - _reach(layer)))
        return starts


class VaeDecoder(torch.nn.Module):
    """``AutoencoderKL``'s decoder. Its encoder is left behind.

    Args:
        vae: with its weights.
    """

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.post_quant_conv = vae.post_quant_conv
        self.decoder = vae.decoder

    def forward(self, latents: torch.Tensor, first_row: int = 0) -> torch.Tensor:
        """Decode whole pictures, then leave out the rows above; see :meth:`TaesdDecoder.forward`."""
        parts = [
            self.decoder(self.post_quant_conv(part / LATENT_SCALE))[:, :, first_row:]
            for part in latents.split(VAE_BATCH)
        ]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def _run(layer: Any, x: torch.Tensor, surplus: int) -> torch.Tensor:
    """A layer's output without its first rows, which nobody asks for, or which missed what is above them."""
    if surplus and hasattr(layer, "fuse"):
        # Before the sum, which makes a new tensor anyway: so leaving rows out costs no copy.
        return layer.fuse(layer.conv(x)[:, :, surplus:] + layer.skip(x)[:, :, surplus:])
    return layer(x)[:, :, surplus:] if surplus else layer(x)


def _reach(layer: Any) -> int:
    """Rows above one of its output that a layer looks at."""
    convolutions = [module for module in layer.modules() if isinstance(module, torch.nn.Conv2d)]
    if hasattr(layer, "fuse"):
        convolutions = [module for module in layer.conv if isinstance(module, torch.nn.Conv2d)]
    return sum(module.kernel_size[0] // 2 for module in convolutions)
