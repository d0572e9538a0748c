# pyright: reportMissingImports=false, reportUntypedBaseClass=false
"""From drawn pictures to packed yuv420p on the device, with the verdict on each beside its pixels.

BT.601, limited range, a chroma sample in the middle of its 2 x 2 pixels and their mean: as
:mod:`streaming.compositor.planes` converts, which frames are put together of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from avatars.musetalk import CROP

Rect = tuple[int, int, int, int]
"""x, y, width, height in pixels of the face crop; all even."""
AnyRect = Sequence[int] | NDArray[np.int32]

# ITU-R BT.601, 8 bit, columns R, G, B (0..1), and the offset.
_LUMA, _LUMA_OFFSET = ((65.481, 128.553, 24.966),), 16.0
_CHROMA, _CHROMA_OFFSET = ((-37.797, -74.203, 112.0), (112.0, -93.786, -18.214)), 128.0

MIN_SPREAD = 0.02
"""A picture, or a latent, whose brightest and darkest value are closer is one colour, and no face."""


def packed_rows(rows: int) -> int:
    """Bytes of the lowest rows of a face crop, packed, and of the verdict behind them."""
    return rows * CROP * 3 // 2 + 1


class Packer(torch.nn.Module):
    """Converts batches of pictures; holds its matrices, because a captured step may not bring any along."""

    luma: torch.Tensor
    chroma: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("luma", torch.tensor(_LUMA), persistent=False)
        self.register_buffer("chroma", torch.tensor(_CHROMA), persistent=False)

    def forward(self, pictures: torch.Tensor, latents: torch.Tensor, out: torch.Tensor) -> None:
        """Convert.

        Args:
            pictures: (B, 3, rows, 256) RGB, range -1..1; an even number of rows.
            latents: (B, 4, h, w) that they were decoded from.
            out: (B, packed_rows(rows)) uint8, is filled: the planes, and 1 where they show something.
        """
        rgb = (pictures.float() / 2 + 0.5).clamp(0, 1)
        half = torch.nn.functional.avg_pool2d(rgb, 2)
        luma = _mixed(rgb, self.luma, _LUMA_OFFSET)
        chroma = _mixed(half, self.chroma, _CHROMA_OFFSET)
        good = (_shows(pictures) & _shows(latents)).unsqueeze(1)
        torch.cat([luma, chroma, good.to(torch.uint8)], 1, out=out)


def window_index(rect: Rect, first_row: int) -> torch.Tensor:
    """Where the bytes of a rectangle, and the verdict, lie in a packed picture.

    Args:
        rect: the rectangle.
        first_row: of the face crop that the packed picture begins with; even.

    Returns:
        (width * height * 3 / 2 + 1,) int32 on the CPU.
    """
    x, y, width, height = rect
    top, rows = y - first_row, CROP - first_row
    places = [_grid(x, top, width, height, CROP)]
    for plane in range(2):
        begin = rows * CROP + plane * (rows * CROP // 4)
        places.append(begin + _grid(x // 2, top // 2, width // 2, height // 2, CROP // 2))
    places.append(np.array([packed_rows(rows) - 1]))
    return torch.from_numpy(np.concatenate(places).astype(np.int32))


def check_rect(rect: AnyRect) -> Rect:
    """A rectangle, if it has even numbers and lies within the face crop.

    Raises:
        ValueError: it does not.
    """
    x, y, width, height = (int(number) for number in rect)
    inside = x >= 0 and y >= 0 and width > 0 and height > 0 and x + width <= CROP and y + height <= CROP
    if not inside or (x | y | width | height) % 2:
        raise ValueError(f"the patch {tuple(rect)} is no even rectangle within {CROP} x {CROP}")
    return x, y, width, height


def _grid(x: int, y: int, width: int, height: int, stride: int) -> np.ndarray:
    return (np.arange(y, y + height)[:, None] * stride + np.arange(x, x + width)).reshape(-1)


def _mixed(rgb: torch.Tensor, matrix: torch.Tensor, offset: float) -> torch.Tensor:
    """(B, 3, h, w) in 0..1 becomes (B, planes * h * w) uint8."""
    # Sums, no product of matrices: that may be rounded to TF32.
    mixed = (rgb.unsqueeze(1) * matrix[None, :, :, None, None]).sum(2) + offset
    return mixed.round().clamp(0, 255).to(torch.uint8).flatten(1)


def _shows(values: torch.Tensor) -> torch.Tensor:
    """(B,) whether all are numbers, and not all of a channel the same."""
    flat = values.float().flatten(2)
    spread = flat.amax(2) - flat.amin(2)
    # What is no number makes the difference none, or infinite; both fail.
    return torch.isfinite(spread).all(1) & (spread.amax(1) > MIN_SPREAD)
