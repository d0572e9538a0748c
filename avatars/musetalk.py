"""What an avatar has for MuseTalk: where the face is in each frame, and what the network is given.

The face crop is the rectangle around the face that is scaled to ``CROP`` x ``CROP`` pixels, whatever its own
sides are: the network sees it, and draws it again with another mouth.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from avatars.errors import BundleInvalid
from avatars.manifest import Manifest, PartName

PART_VERSION = 1
"""Counts the ways of building it; a part that another version built is outdated."""
CROP = 256
"""Side of the square that the face crop is scaled to, in pixels."""
LATENT_CHANNELS, LATENT_SIDE = 8, 32
"""Of the picture without its lower half, and of the whole picture, four channels each."""
MASK_SIDE = 128
"""Masks are smooth, so half the resolution of the face crop is enough for them."""
MaskMode = Literal["jaw", "raw", "neck"]
"""Which part of the drawn face shows: with the jaw's rim, the skin as it is, or with the neck below it."""
MIN_BOX_SIDE = 16.0
"""Least side of a face crop in pixels of the frame."""
LATENT_LIMIT = 100.0
"""Scaled latents lie within about -8..8; numbers beyond this one are no picture."""


@dataclass(frozen=True, slots=True, eq=False)
class MuseTalkPart:
    """Everything about N frames, read-only. Frame ``i`` belongs to frame ``i`` of the avatar's loop.

    Attributes:
        latents: (N, 8, 32, 32) float16, scaled as the network wants them: masked picture, then the whole.
        boxes: (N, 4) float32 left, top, right, bottom of the face crop in pixels of the frame; fractions.
        masks: (N, MASK_SIDE, MASK_SIDE) uint8 how much of the drawn face crop shows, 255 for all of it.
        patch_rect: (4,) int32 x, y, width, height in pixels of the scaled face crop, all even: the masks of
            all frames are 0 outside of it, so nothing else has to be drawn.
        fingerprint: hash of what the part was made from, and how; another one means that it is outdated. See
            :func:`fingerprint`.
        mask_mode: how the masks were made.
    """

    latents: NDArray[np.float16]
    boxes: NDArray[np.float32]
    masks: NDArray[np.uint8]
    patch_rect: NDArray[np.int32]
    fingerprint: str
    mask_mode: MaskMode = "jaw"

    @property
    def frames(self) -> int:
        """Frames that it holds."""
        return len(self.latents)

    @property
    def number(self) -> int:
        """A short name of it (32 bits): one of another avatar, or built otherwise, has another one."""
        return zlib.crc32(self.fingerprint.encode())


def source_part(manifest: Manifest) -> PartName:
    """The part of an avatar that its frames come from: the one still of a photo's atlas, else the idle loop.

    Of a video, too, there may be a mouth atlas; it then has moving heads, that say where mouths go in the
    loop.

    Raises:
        BundleInvalid: it has neither.
    """
    if "atlas.npz" in manifest.parts and "heads.npz" not in manifest.parts:
        return "atlas.npz"
    if "idle.mp4" in manifest.parts:
        return "idle.mp4"
    raise BundleInvalid(f"The avatar '{manifest.id}' has no pictures. Create it again, or get a whole copy.")


def frames_of(manifest: Manifest) -> int:
    """How many frames the part of an avatar has: one of a photo, else those of its loop."""
    return 1 if source_part(manifest) == "atlas.npz" else manifest.frames


def source_fingerprint(manifest: Manifest) -> str:
    """What can be told without any network: pictures, how they go on, version of the builder (64 digits)."""
    source = source_part(manifest)
    seam = ":forward" if source == "idle.mp4" and manifest.loop == "forward" else ""
    return hashlib.sha256(f"{PART_VERSION}:{manifest.parts[source].sha256}{seam}".encode()).hexdigest()


def fingerprint(manifest: Manifest, method: str) -> str:
    """The fingerprint of a part: that of its source, and that of all else.

    Args:
        manifest: of the avatar.
        method: says how it is built, the weights that the latents come from among it.
    """
    return f"{source_fingerprint(manifest)}-{hashlib.sha256(method.encode()).hexdigest()}"


def is_current(part_fingerprint: str, manifest: Manifest) -> bool:
    """Whether a part was built from the avatar as it is now, by this version of the builder."""
    return part_fingerprint.partition("-")[0] == source_fingerprint(manifest)


def validate(part: MuseTalkPart, width: int, height: int, frames: int) -> None:
    """Check that a part fits together and fits its avatar, so that drawing from it cannot fail.

    Args:
        part: what to check.
        width: of the avatar's frame in pixels.
        height: of the avatar's frame in pixels.
        frames: that it must have; see :func:`frames_of`.

    Raises:
        BundleInvalid: naming the first thing that does not fit.
    """
    _require(len(part.latents) == frames, f"it has {len(part.latents)} frames, the avatar {frames}")
    _check_array("latents", part.latents, np.float16, (frames, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE))
    _check_array("boxes", part.boxes, np.float32, (frames, 4))
    _check_array("masks", part.masks, np.uint8, (frames, MASK_SIDE, MASK_SIDE))
    _check_array("patch_rect", part.patch_rect, np.int32, (4,))
    # The bits of positive floats rise as they do, with NaN above all; and they are compared much quicker.
    sizes = part.latents.view(np.uint16) & np.uint16(0x7FFF)
    most = np.float16(LATENT_LIMIT).view(np.uint16)
    _require(bool((sizes <= most).all()), "latents are out of range")
    # Comparisons with NaN are false, so these find it, too.
    left, top, right, bottom = part.boxes.T
    inside = (left >= 0) & (top >= 0) & (right <= width) & (bottom <= height)
    _require(bool(inside.all()), "a box leaves the frame")
    large = (right - left >= MIN_BOX_SIDE) & (bottom - top >= MIN_BOX_SIDE)
    _require(bool(large.all()), "a box is too small")
    x, y, w, h = (int(n) for n in part.patch_rect)
    within = x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= CROP and y + h <= CROP
    _require(within, "patch_rect leaves the face crop")
    _require(not any(n % 2 for n in (x, y, w, h)), "patch_rect must have even numbers")
    per_cell = CROP // MASK_SIDE
    x0, y0, x1, y1 = (n // per_cell for n in (x, y, x + w, y + h))
    for rest in (
        part.masks[:, :y0],
        part.masks[:, y1:],
        part.masks[:, y0:y1, :x0],
        part.masks[:, y0:y1, x1:],
    ):
        _require(not rest.any(), "a mask shows something outside of patch_rect")


def _check_array(
    name: str, array: NDArray[np.generic], dtype: type[np.generic], shape: tuple[int, ...]
) -> None:
    _require(array.dtype == dtype, f"{name} holds {array.dtype}")
    _require(array.shape == shape, f"{name} has the shape {array.shape}, not {shape}")


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise BundleInvalid(f"The MuseTalk part is damaged ({problem}). Build it again, or get a whole copy.")
