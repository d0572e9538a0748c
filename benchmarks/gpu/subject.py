"""Who is drawn and what is heard: an avatar's part, and sound, made of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatars.musetalk import (
    CROP,
    LATENT_CHANNELS,
    LATENT_SIDE,
    MASK_SIDE,
    MuseTalkPart,
    fingerprint,
    frames_of,
)
from avatars.store import AvatarStore
from streaming.resources import avatars_folder
from streaming.timing import SPEECH_RATE

AVATAR = "mira"
RECT = (32, 112, 192, 144)
"""Of the face crop: about what masks of real faces leave of it."""
_METHOD = "random numbers, to measure"


def latents(count: int, seed: int = 0) -> NDArray[np.float16]:
    """(count, 8, 32, 32) as large as those of faces."""
    noise = np.random.default_rng(seed).normal(0, 0.9, (count, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE))
    return noise.astype(np.float16)


def soft_mask() -> NDArray[np.uint8]:
    """(128, 128): an oval within :data:`RECT`, with a soft rim."""
    x, y, w, h = (n * MASK_SIDE / CROP for n in RECT)
    rows, columns = np.mgrid[:MASK_SIDE, :MASK_SIDE] + 0.5
    away = np.hypot((columns - x - w / 2) / (w / 2), (rows - y - h / 2) / (h / 2))
    return (np.clip(4 * (1 - away), 0, 1) * 255).astype(np.uint8)


def make_part(frames: int, width: int, height: int, mark: str = "") -> MuseTalkPart:
    """A part whose face takes the middle of the frame."""
    box = np.array([width / 4, height / 4, width * 3 / 4, height * 3 / 4], np.float32)
    return MuseTalkPart(
        latents=latents(frames),
        boxes=np.repeat(box[None], frames, 0),
        masks=np.repeat(soft_mask()[None], frames, 0),
        patch_rect=np.array(RECT, np.int32),
        fingerprint=mark,
    )


def give_part(data_dir: Path) -> None:
    """Let the avatar be one that MuseTalk can show, for engines with that data folder."""
    store = AvatarStore(avatars_folder(data_dir))
    manifest = store.manifest(AVATAR)
    mark = fingerprint(manifest, _METHOD)
    store.put_musetalk(AVATAR, make_part(frames_of(manifest), manifest.width, manifest.height, mark))


def babble(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Noise with the rhythm of syllables, (n,) at 24 kHz."""
    t = np.arange(round(seconds * SPEECH_RATE)) / SPEECH_RATE
    noise = np.random.default_rng(seed).standard_normal(len(t))
    return (0.2 * noise * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)
