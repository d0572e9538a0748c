# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")

import numpy as np
import torch

from streaming.compositor.planes import pack
from streaming.face.musetalk.colour import Packer, check_rect, packed_rows, window_index

FIRST_ROW = 96


def pictures(count: int) -> torch.Tensor:
    """Noise over a gradient, beyond the range of pixels at times."""
    noise = torch.randn(count, 3, 256, 256, generator=torch.Generator().manual_seed(count))
    return noise * 0.4 + torch.linspace(-1, 1, 256)


def packed(images: torch.Tensor, latents: torch.Tensor | None = None) -> np.ndarray:
    rows = images.shape[2]
    if latents is None:
        latents = torch.linspace(-1, 1, 4 * 64).view(1, 4, 8, 8).expand(len(images), -1, -1, -1)
    out = torch.zeros(len(images), packed_rows(rows), dtype=torch.uint8)
    Packer()(images, latents, out)
    return out.numpy()


def bgr(image: torch.Tensor) -> np.ndarray:
    pixels = ((image / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).flip(2).numpy())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_pixels_are_those_of_the_compositor(dtype: torch.dtype) -> None:
    images = pictures(2)
    for image, planes in zip(images, packed(images.to(dtype)), strict=True):
        expected = pack(bgr(image)).astype(int)
        assert np.abs(planes[:-1] - expected).max() <= 1
        assert planes[-1] == 1


def test_a_window_is_the_same_as_that_part_packed_by_itself() -> None:
    image = pictures(1)
    below = packed(image[:, :, FIRST_ROW:])[0]
    for x, y, width, height in ((40, 110, 176, 144), (0, 96, 256, 160), (254, 254, 2, 2)):
        index = window_index((x, y, width, height), FIRST_ROW)
        expected = pack(bgr(image[0, :, y : y + height, x : x + width])).astype(int)
        assert index.dtype is torch.int32 and len(index) == width * height * 3 // 2 + 1
        assert np.abs(below[index[:-1]] - expected).max() <= 1
        assert below[index[-1]] == 1


def test_black_white_and_primaries_are_the_standard_ones() -> None:
    """BT.601, limited range."""
    colours = {
        (-1, -1, -1): (16, 128, 128),
        (1, 1, 1): (235, 128, 128),
        (1, -1, -1): (81, 90, 240),
        (-1, 1, -1): (145, 54, 34),
        (-1, -1, 1): (41, 240, 110),
    }
    for rgb, (y, u, v) in colours.items():
        planes = packed(torch.tensor(rgb).view(1, 3, 1, 1).expand(1, 3, 256, 256).float())[0]
        assert (planes[0], planes[256 * 256], planes[256 * 256 * 5 // 4]) == (y, u, v)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_what_is_no_picture_is_marked(dtype: torch.dtype) -> None:
    images = pictures(7)[:, :, FIRST_ROW:]
    latents = torch.randn(7, 4, 8, 8, generator=torch.Generator().manual_seed(5))
    images[1, 2, 100, 7] = torch.nan
    images[2, 0, 0, 0] = torch.inf
    images[3] = 0
    images[4] = torch.tensor([-1.0, 0, 1]).view(3, 1, 1)
    latents[5] = 0
    latents[6, 0, 3, 3] = -torch.inf
    verdicts = packed(images.to(dtype), latents.to(dtype))[:, -1]
    assert verdicts.tolist() == [1, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "rect", [(1, 2, 4, 4), (0, 0, 258, 2), (0, 0, 0, 4), (-2, 0, 4, 4), (200, 200, 58, 4)]
)
def test_rectangles_are_even_and_inside(rect: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="no even rectangle"):
        check_rect(rect)
    assert check_rect(np.array([2, 4, 6, 8], np.int32)) == (2, 4, 6, 8)
