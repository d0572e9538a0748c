# pyright: reportMissingImports=false
"""MuseTalk's engine under test: tiny networks, an avatar with a part, and sound for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatars.store import AvatarStore
from streaming.face.base import FaceRequest, FaceStream, PromisedPatch
from streaming.face.musetalk.options import MuseTalkOptions
from streaming.options import EngineOptions
from streaming.resources import Resources
from streaming.slots import FacePixels, Patch
from streaming.speech.base import SpeechChunk
from streaming.speech.qwen3.options import Qwen3Options
from streaming.timing import SPEECH_RATE
from tests.support.musetalk_part import part_of

AVATAR = "mira"


def resources_of(weights: Path, data_dir: Path, qwen3: Qwen3Options | None = None, **changes) -> Resources:
    """What an engine with these weights is made with; Mira has a part."""
    musetalk = MuseTalkOptions(folder=str(weights), **changes)
    resources = Resources(data_dir, EngineOptions(musetalk=musetalk, qwen3=qwen3 or Qwen3Options()))
    store = AvatarStore(resources.avatars_dir)
    if store.musetalk_fingerprint(AVATAR) is None:
        store.put_musetalk(AVATAR, part_of(store.get(AVATAR)))
    return resources


def talk(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Noise with the rhythm of syllables, (n,) at 24 kHz."""
    t = np.arange(round(seconds * SPEECH_RATE)) / SPEECH_RATE
    noise = np.random.default_rng(seed).standard_normal(len(t))
    return (0.2 * noise * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * SPEECH_RATE), np.float32)


async def settled(patches: Sequence[Patch | PromisedPatch]) -> list[FacePixels]:
    """Wait for what is drawn."""
    found = [await patch if isinstance(patch, asyncio.Future) else patch for patch in patches]
    assert all(isinstance(patch, FacePixels) for patch in found)
    return [patch for patch in found if isinstance(patch, FacePixels)]


async def shown(stream: FaceStream, pcm: NDArray[np.float32], pieces: int = 1) -> list[FacePixels]:
    """All patches of an utterance that comes in so many pieces."""
    patches: list[Patch | PromisedPatch] = []
    for piece in np.array_split(pcm, pieces):
        patches += stream.push(SpeechChunk(piece))
    patches += stream.flush()
    return await settled(patches)


def request(**changes) -> FaceRequest:
    return FaceRequest(AVATAR, **changes)


def speechlike(samples: int, seed: int = 6) -> NDArray[np.float32]:
    """Noise in three swells a second that gets louder throughout, (samples,) at 24 kHz."""
    noise = np.random.default_rng(seed).standard_normal(samples)
    swells = np.abs(np.sin(np.arange(samples) * 2 * np.pi * 3 / SPEECH_RATE))
    return (noise * swells * np.linspace(0.01, 0.5, samples)).astype(np.float32)


def clicks(samples: int) -> NDArray[np.float32]:
    """Three loud samples a second, and nothing between."""
    sound = np.zeros(samples, np.float32)
    sound[:: SPEECH_RATE // 3] = 0.9
    return sound
