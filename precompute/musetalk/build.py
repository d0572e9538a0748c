"""From an avatar's frames to its part for MuseTalk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from avatars.bundle import Bundle
from avatars.errors import BundleInvalid
from avatars.manifest import LoopKind
from avatars.musetalk import (
    CROP,
    LATENT_CHANNELS,
    LATENT_SIDE,
    MASK_SIDE,
    MaskMode,
    MuseTalkPart,
    fingerprint,
    source_part,
)
from avatars.musetalk_file import MAX_FRAMES
from precompute.landmarks import FaceFinder
from precompute.musetalk.boxes import BEYOND, EXTRA_MARGIN, clamp, face_box, ibug_points, smooth, smooth_boxes
from precompute.musetalk.crops import face_crop
from precompute.musetalk.frames import Frames, loop_frames
from precompute.musetalk.masks import drop_faint, face_mask, patch_rect, square_around
from precompute.musetalk.parsing import FaceParser
from precompute.musetalk.tracking import Track, follow
from precompute.parts import Progress

DEFAULT_MODE: MaskMode = "jaw"
BATCH = 8
"""Face crops that are handed to the encoder at once."""
TRACKING_ENDS = 0.4
"""Share of the whole work at which all faces are found."""
MASK_SPREAD = 1.5
"""Standard deviation of the smoothing of masks over time, in frames."""


class LatentEncoder(Protocol):
    """The part of the network that sees the face crops."""

    def encode(self, faces: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Encode (B, 256, 256, 3) BGR crops to (B, 8, 32, 32) latents."""
        ...


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What can be chosen.

    Attributes:
        mode: which part of the drawn face shows; ``None``: as the avatar has it already, else with the jaw.
        margin: pixels below the chin that belong to the face crop.
        shift: pixels by which the face crop's middle goes down; a lower crop opens the mouth less.
    """

    mode: MaskMode | None = None
    margin: float = EXTRA_MARGIN
    shift: float = 0.0


def build_part(
    bundle: Bundle,
    encoder: LatentEncoder,
    parser: FaceParser,
    finder: Callable[[], FaceFinder],
    options: BuildOptions,
    method: str,
    progress: Progress,
) -> MuseTalkPart:
    """Build the part of an avatar. Frames are read twice and never kept.

    Args:
        bundle: the avatar.
        encoder: the VAE.
        parser: finds the regions that masks are made of.
        finder: makes the face networks; only asked where a video is looked through.
        options: what was chosen.
        method: goes into the fingerprint.
        progress: told about the work.

    Raises:
        AvatarRejected: frames do not show the face as it is needed; with their numbers.
        BundleInvalid: the avatar is damaged, or too long.
        EngineUnavailable: the face landmark models are not installed.
    """
    mode, loop = options.mode or DEFAULT_MODE, bundle.manifest.loop
    progress("Finding the face", 0.0)
    frames, track = (
        _still(bundle, options) if _has_still(bundle) else _loop(bundle, finder, options, progress)
    )
    boxes = clamp(smooth_boxes(track.boxes, loop), frames.width, frames.height)
    meshes = smooth(track.meshes, loop=loop)

    count = frames.count
    latents = np.empty((count, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE), np.float16)
    masks = np.empty((count, MASK_SIDE, MASK_SIDE), np.uint8)
    crops = np.empty((min(BATCH, count), CROP, CROP, 3), np.uint8)
    for index, frame in enumerate(frames.read()):
        progress("Encoding faces", TRACKING_ENDS + index / count * (1 - TRACKING_ENDS))
        box = boxes[index]
        regions = parser.parse(frame, square_around(box), meshes[index].astype(np.float32))
        masks[index] = face_mask(regions, box, mode)
        crops[index % BATCH] = face_crop(frame, box)
        filled = index % BATCH + 1
        if filled == len(crops) or index + 1 == count:
            latents[index + 1 - filled : index + 1] = encoder.encode(crops[:filled])
    _steady(masks, loop)
    drop_faint(masks)
    progress("Done", 1.0)
    return MuseTalkPart(
        latents=latents,
        boxes=boxes,
        masks=masks,
        patch_rect=patch_rect(masks),
        fingerprint=fingerprint(bundle.manifest, method),
        mask_mode=mode,
    )


def _has_still(bundle: Bundle) -> bool:
    return source_part(bundle.manifest) == "atlas.npz"


def _still(bundle: Bundle, options: BuildOptions) -> tuple[Frames, Track]:
    """The one picture of an avatar that is drawn into its still, whose mesh is known."""
    atlas = bundle.atlas()
    box = face_box(ibug_points(atlas.landmarks), options.shift, options.margin)
    if box is None:
        raise BundleInvalid(f"The landmarks of '{bundle.id}' are no face. Create the avatar again.")
    height, width = atlas.still.shape[:2]
    frames = Frames(1, width, height, lambda: iter([atlas.still]))
    return frames, Track(atlas.landmarks[None].astype(np.float32), box[None])


def _loop(
    bundle: Bundle, finder: Callable[[], FaceFinder], options: BuildOptions, progress: Progress
) -> tuple[Frames, Track]:
    frames = loop_frames(bundle)
    if frames.count > MAX_FRAMES:
        raise BundleInvalid(
            f"The avatar '{bundle.id}' has {frames.count} frames; its part for MuseTalk holds at most "
            f"{MAX_FRAMES}. Create it again from a shorter video."
        )

    def found(done: int) -> None:
        progress("Finding the face", TRACKING_ENDS * done / frames.count)

    track = follow(frames.read(), finder(), shift=options.shift, margin=options.margin, each=found)
    return frames, track


def _steady(masks: NDArray[np.uint8], loop: LoopKind) -> None:
    """Smooth masks over time in place: a network that parses each frame anew makes their rims flicker."""
    if len(masks) == 1:
        return
    for row in range(masks.shape[1]):
        rows = masks[:, row].astype(np.float32)
        smoothed = gaussian_filter1d(rows, MASK_SPREAD, axis=0, mode=BEYOND[loop])
        masks[:, row] = np.clip(smoothed + 0.5, 0, 255)
