# pyright: reportMissingImports=false
"""From pictures of a face to the latents that the UNet draws from; done once for each frame of an avatar."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from avatars.musetalk import CROP
from streaming.errors import EngineFailed
from streaming.face.musetalk.sizes import LATENT_SCALE

BATCH = 4
"""Pictures that are encoded at once; each takes 80 MB."""


class LatentEncoder:
    """``AutoencoderKL``'s encoder, asked for the middle of its distribution, so the same every time.

    Args:
        vae: with its weights, in the precision and on the device that are to be used. It needs no decoder.
    """

    def __init__(self, vae: Any) -> None:
        self._vae = vae
        weight = next(vae.encoder.parameters())
        self._device, self._dtype = weight.device, weight.dtype

    @torch.inference_mode()
    def encode(self, faces: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Encode face crops.

        Args:
            faces: (B, 256, 256, 3) BGR.

        Returns:
            (B, 8, 32, 32), scaled: of the picture whose lower half is black, then of the whole picture.

        Raises:
            ValueError: another shape or type.
            EngineFailed: the network gave something that is no number.
        """
        if faces.dtype != np.uint8 or faces.shape[1:] != (CROP, CROP, 3):
            raise ValueError(f"face crops have to be (n, {CROP}, {CROP}, 3) uint8, not {faces.shape}")
        batches = [self._encode(faces[start : start + BATCH]) for start in range(0, len(faces), BATCH)]
        latents = np.concatenate(batches) if batches else np.zeros((0, 8, 32, 32), np.float16)
        if not np.isfinite(latents).all():
            raise EngineFailed("The VAE gave latents that are no numbers. Its weights may be damaged.")
        return latents

    def _encode(self, faces: NDArray[np.uint8]) -> NDArray[np.float16]:
        rgb = torch.from_numpy(np.ascontiguousarray(faces[..., ::-1])).to(self._device).permute(0, 3, 1, 2)
        whole = rgb.to(self._dtype) / 255
        masked = whole.clone()
        # Before the range is shifted: black becomes -1, as the UNet was trained with.
        masked[:, :, CROP // 2 :] = 0
        pictures = ((torch.cat([masked, whole]) - 0.5) / 0.5).contiguous(memory_format=torch.channels_last)
        modes = self._vae.encode(pictures).latent_dist.mode() * LATENT_SCALE
        return torch.cat(modes.chunk(2), 1).to("cpu", torch.float16).contiguous().numpy()
