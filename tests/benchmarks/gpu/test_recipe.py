# pyright: reportMissingImports=false
"""The recipe and ours draw the same faces from the same weights, up to the small decoder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="MuseTalk needs diffusers, the rest of the program does not")

import torch

from benchmarks.gpu.random_weights import write_weights
from benchmarks.gpu.recipe import FRAME, Pasting, Recipe
from benchmarks.gpu.sizes import REAL, TINY
from benchmarks.gpu.subject import RECT, babble, latents
from streaming.face.musetalk.audio_encoder import AudioEncoder, sinusoids
from streaming.face.musetalk.model import MuseTalkModel, load_model
from streaming.face.musetalk.renderer import FaceRenderer
from streaming.face.musetalk.sizes import FEATURE_SIZE, FEATURE_TOKENS
from streaming.face.musetalk.weights import MuseTalkWeights, find_weights
from streaming.face.musetalk.windows import Windows
from streaming.gpu.placement import Placement
from streaming.timing import SPEECH_RATE

CPU = Placement("cpu", "float32")
COUNT = 3


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MuseTalkWeights]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder: Path = tmp_path_factory.mktemp("weights")
    yield find_weights(str(write_weights(folder, TINY, CPU)))
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def recipe(weights: MuseTalkWeights) -> Recipe:
    return Recipe(weights, CPU)


@pytest.fixture(scope="module")
def model(weights: MuseTalkWeights) -> MuseTalkModel:
    return load_model(weights, CPU, True)


def features(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(COUNT, FEATURE_TOKENS, FEATURE_SIZE, generator=generator)


@torch.inference_mode()
def drawn(model: MuseTalkModel, faces: torch.Tensor, heard: torch.Tensor) -> np.ndarray:
    """Ours, with the whole VAE."""
    assert model.vae is not None
    return Recipe.bring((model.vae(model.unet(faces, heard)) / 2 + 0.5).clamp(0, 1))


def levels(left: np.ndarray, right: np.ndarray) -> int:
    return int(np.abs(left.astype(int) - right.astype(int)).max())


def test_the_same_faces_up_to_the_small_decoder(recipe: Recipe, model: MuseTalkModel) -> None:
    faces, heard = torch.from_numpy(latents(COUNT)).float(), features()
    theirs = recipe.bring(recipe.decode(recipe.predict(faces, heard)))
    ours = drawn(model, faces, heard)
    assert theirs.shape == (COUNT, 256, 256, 3) and levels(ours, theirs) <= 2
    other = recipe.bring(recipe.decode(recipe.predict(faces, features(1))))
    assert levels(other, theirs) > 10, "what is heard has to be seen, or nothing was compared"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_same_faces_at_the_published_size(tmp_path: Path) -> None:
    """Some minutes on a CPU, and 8 GB."""
    weights = find_weights(str(write_weights(tmp_path, REAL.networks, CPU)))
    faces, heard = torch.from_numpy(latents(1)).float(), features()[:1]
    recipe = Recipe(weights, CPU)
    theirs = recipe.bring(recipe.decode(recipe.predict(faces, heard)))
    del recipe
    model = load_model(weights, CPU, True)
    ours = drawn(model, faces, heard)
    assert levels(ours, theirs) <= 2 and theirs.std() > 20


def test_random_faces_are_pictures(model: MuseTalkModel) -> None:
    renderer = FaceRenderer(model, (COUNT,))
    for decoder in renderer.decoders:
        faces = list(renderer.upload(latents(COUNT)))
        for picture in renderer.render(faces, list(features()), [RECT] * COUNT, decoder):
            assert picture is not None
            luma = np.frombuffer(picture, np.uint8)[: RECT[2] * RECT[3]]
            assert luma.std() > 5 and 30 < luma.mean() < 220


def test_the_recipe_hears_as_many_frames_as_the_sound_has(recipe: Recipe, model: MuseTalkModel) -> None:
    pcm = babble(1.0)
    heard = recipe.hear(pcm[: 16_000 * 4 // 5])
    assert heard.shape == (20, FEATURE_TOKENS, FEATURE_SIZE)
    # Before the sound there is nothing: only the positions are left.
    assert torch.allclose(heard[0, :20], sinusoids(FEATURE_TOKENS, FEATURE_SIZE)[:20], atol=1e-6)
    windows = Windows()
    ours = AudioEncoder(model.whisper, CPU, batches=(1,)).encode(
        [*windows.push(np.repeat(pcm, 3)[::2][: SPEECH_RATE * 4 // 5]), *windows.flush()]
    )
    assert sum(len(each) for each in ours) == 20


def test_a_face_is_pasted_below_its_middle_only() -> None:
    pasting = Pasting()
    white, black = (pasting.paste(np.full((256, 256, 3), level, np.uint8)) for level in (255, 0))
    changed = (white != black).any(2)
    assert white.shape == (FRAME[1], FRAME[0], 3)
    assert changed[260:350, 200:300].all() and not changed[: FRAME[1] // 2].any()
