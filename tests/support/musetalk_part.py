"""Small parts of avatars for MuseTalk, made of numbers instead of pictures."""

import numpy as np

from avatars.bundle import Bundle
from avatars.musetalk import CROP, MASK_SIDE, MuseTalkPart, fingerprint, frames_of

RECT = (48, 96, 160, 144)


def small_part(
    frames: int = 1, width: int = 128, height: int = 96, mark: str | None = None, seed: int = 3, **changes
):
    """A part whose face takes the middle of the frame; the mask is a soft ellipse within ``RECT``."""
    rng = np.random.default_rng(seed)
    x, y, w, h = (n * MASK_SIDE / CROP for n in RECT)
    rows, columns = np.mgrid[:MASK_SIDE, :MASK_SIDE] + 0.5
    away = np.hypot((columns - x - w / 2) / (w / 2), (rows - y - h / 2) / (h / 2))
    mask = (np.clip(2 * (1 - away), 0, 1) * 255).astype(np.uint8)
    box = np.array([width * 0.25, height * 0.1, width * 0.75, height * 0.9], np.float32)
    fields = {
        "latents": rng.normal(0, 0.9, (frames, 8, 32, 32)).astype(np.float16),
        "boxes": box + rng.uniform(-2, 2, (frames, 4)).astype(np.float32),
        "masks": np.repeat(mask[None], frames, 0),
        "patch_rect": np.array(RECT, np.int32),
        "fingerprint": mark or "-".join(("0" * 64, "f" * 64)),
    }
    return MuseTalkPart(**(fields | changes))


def part_of(bundle: Bundle, method: str = "test", **changes) -> MuseTalkPart:
    """A part that fits an avatar and is up to date."""
    manifest = bundle.manifest
    mark = fingerprint(manifest, method)
    return small_part(frames_of(manifest), manifest.width, manifest.height, mark, **changes)
