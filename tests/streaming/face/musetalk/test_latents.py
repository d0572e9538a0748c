# pyright: reportMissingImports=false
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="diffusers is not installed")

from pathlib import Path
from typing import Any

import numpy as np
import torch

from streaming.errors import EngineFailed
from streaming.face.musetalk.latents import BATCH, LatentEncoder
from streaming.face.musetalk.model import load_latent_encoder
from streaming.face.musetalk.package import import_classes
from streaming.face.musetalk.sizes import LATENT_SCALE
from tests.support.musetalk import CPU, TINY, settings


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (BATCH + 1, 256, 256, 3), np.uint8)


def test_latents_are_the_middle_of_what_the_vae_says(faces: np.ndarray) -> None:
    torch.manual_seed(2)
    vae = import_classes().vae(**settings(TINY.vae)).eval()
    made = LatentEncoder(vae).encode(faces)
    assert made.shape == (BATCH + 1, 8, 32, 32) and made.dtype == np.float16
    rgb = torch.from_numpy(faces[1, :, :, ::-1].copy()).permute(2, 0, 1).float() / 127.5 - 1
    masked = rgb.clone()
    masked[:, 128:] = -1
    for picture, latents in ((masked, made[1, :4]), (rgb, made[1, 4:])):
        mean = vae.encode(picture[None]).latent_dist.mean[0].detach() * LATENT_SCALE
        np.testing.assert_allclose(latents, mean.numpy(), atol=2e-3)


def test_the_same_face_gives_the_same_latents_every_time(musetalk_folder: Path, faces: np.ndarray) -> None:
    encoder = load_latent_encoder(str(musetalk_folder), CPU)
    first = encoder.encode(faces)
    np.testing.assert_array_equal(first, encoder.encode(faces))
    # What lies below the middle is in the second half only.
    changed = faces.copy()
    changed[:, 200:] = 0
    other = encoder.encode(changed)
    np.testing.assert_array_equal(other[:, :4], first[:, :4])
    assert np.abs(other[:, 4:] - first[:, 4:]).max() > 0.01


def test_what_is_no_face_crop_is_refused(musetalk_folder: Path) -> None:
    encoder = load_latent_encoder(str(musetalk_folder), CPU)
    assert encoder.encode(np.zeros((0, 256, 256, 3), np.uint8)).shape == (0, 8, 32, 32)
    wrongs: list[Any] = [np.zeros((1, 128, 256, 3), np.uint8), np.zeros((1, 256, 256, 3), np.float32)]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="face crops"):
            encoder.encode(wrong)


def test_numbers_that_are_none_do_not_get_into_an_avatar(faces: np.ndarray) -> None:
    vae = import_classes().vae(**settings(TINY.vae)).eval().requires_grad_(False)
    vae.encoder.conv_in.bias.fill_(torch.nan)
    with pytest.raises(EngineFailed, match="no numbers"):
        LatentEncoder(vae).encode(faces[:1])
