# pyright: reportMissingImports=false
"""MuseTalk 1.5 the way its authors describe it, written plainly: what ours is held against.

Whisper hears the sound padded with silence to 30 s; diffusers' UNet runs as it comes, its timestep computed
each time; the whole VAE decodes; pictures are cut to size and pasted into the frame by Pillow on the CPU.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Resampling

from avatars.musetalk import CROP
from benchmarks.gpu.random_weights import settings
from streaming.face.musetalk.audio_encoder import sinusoids
from streaming.face.musetalk.checkpoint import below, build, read_config, read_tensors
from streaming.face.musetalk.package import import_classes
from streaming.face.musetalk.resampling import HEARING_RATE
from streaming.face.musetalk.sizes import FEATURE_SIZE, FEATURE_TOKENS, LATENT_SCALE
from streaming.face.musetalk.weights import MuseTalkWeights
from streaming.gpu.placement import Placement
from streaming.timing import FPS

ROW_RATE, ROWS_BEFORE, ROWS_AFTER, ROWS_PER_FRAME = 50, 4, 12, 10
FRAME = (512, 512)
"""Of the avatars that ship with the program; larger ones cost the recipe more."""
FACE = (205, 256)
REACH = 1.5
"""The region that is pasted back is so much larger than the face."""


class Recipe:
    """The networks, each as its package makes it.

    Args:
        weights: files of all four.
        placement: where, and how precisely.
    """

    def __init__(self, weights: MuseTalkWeights, placement: Placement) -> None:
        from transformers import WhisperFeatureExtractor

        classes = import_classes()

        def load(name: str, make: Any, prefix: str = "") -> Any:
            files = weights[name]
            config, tensors = read_config(files.config), read_tensors(files.weights)
            network = build(
                lambda: make(config), below(tensors, prefix) if prefix else tensors, files.weights
            )
            return network.to(placement.device, placement.torch_dtype)

        self._device, self._dtype = torch.device(placement.device), placement.torch_dtype
        self._unet = load("unet", lambda config: classes.unet(**settings(config)))
        self._vae = load("vae", lambda config: classes.vae(**settings(config)))
        self._whisper = load(
            "whisper",
            lambda config: classes.whisper_encoder(classes.whisper_config(**config)),
            "model.encoder.",
        )
        self._extractor = WhisperFeatureExtractor()
        self._positions = sinusoids(FEATURE_TOKENS, FEATURE_SIZE).to(self._device, self._dtype)
        self._timestep = torch.tensor([0], device=self._device)

    @torch.inference_mode()
    def hear(self, pcm: NDArray[np.float32]) -> torch.Tensor:
        """Features (frames, 50, 384) of a sound of up to 30 s, (n,) at 16 kHz."""
        mel = self._extractor(pcm, sampling_rate=HEARING_RATE, return_tensors="pt").input_features
        states = self._whisper(mel.to(self._device, self._dtype), output_hidden_states=True).hidden_states
        rows = torch.stack(states, 2)[0, : math.floor(len(pcm) / HEARING_RATE * ROW_RATE)]
        rows = torch.nn.functional.pad(rows, (0, 0, 0, 0, ROWS_BEFORE, ROWS_AFTER))
        count = math.floor(len(pcm) / HEARING_RATE * FPS)
        frames = [
            rows[2 * i : 2 * i + ROWS_PER_FRAME].reshape(FEATURE_TOKENS, FEATURE_SIZE) for i in range(count)
        ]
        return torch.stack(frames) + self._positions

    @torch.inference_mode()
    def predict(self, latents: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """(B, 8, 32, 32) and (B, 50, 384) to latents (B, 4, 32, 32) of the faces."""
        return self._unet(latents, self._timestep, encoder_hidden_states=features).sample

    @torch.inference_mode()
    def decode(self, predicted: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, 256, 256) in 0..1."""
        return (self._vae.decode(predicted / LATENT_SCALE).sample / 2 + 0.5).clamp(0, 1)

    @staticmethod
    def bring(pictures: torch.Tensor) -> NDArray[np.uint8]:
        """Those pictures on the CPU, (B, 256, 256, 3) RGB."""
        return (pictures.permute(0, 2, 3, 1).float().cpu().numpy() * 255).round().astype(np.uint8)


class Pasting:
    """Puts faces into a frame as the authors do: the whole region around the face, with Pillow."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self._frame = random.integers(0, 256, (FRAME[1], FRAME[0], 3), np.uint8)
        width, height = FACE
        self._corner = (FRAME[0] - width) // 2, (FRAME[1] - height) // 2
        reach = int(max(FACE) // 2 * REACH)
        self._region = (
            FRAME[0] // 2 - reach,
            FRAME[1] // 2 - reach,
            FRAME[0] // 2 + reach,
            FRAME[1] // 2 + reach,
        )
        rows, columns = np.mgrid[: 2 * reach, : 2 * reach] + 0.5
        away = np.hypot((columns - reach) / (width / 2), (rows - reach) / (height / 2))
        mask = np.clip(4 * (1 - away), 0, 1) * (rows > reach)
        self._mask = Pillow.fromarray((mask * 255).astype(np.uint8))

    def paste(self, face: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A face crop (256, 256, 3) into the frame."""
        assert face.shape == (CROP, CROP, 3)
        body = Pillow.fromarray(self._frame.copy())
        region = body.crop(self._region)
        scaled = Pillow.fromarray(face).resize(FACE, Resampling.BILINEAR)
        region.paste(scaled, (self._corner[0] - self._region[0], self._corner[1] - self._region[1]))
        body.paste(region, self._region[:2], self._mask)
        return np.asarray(body)
