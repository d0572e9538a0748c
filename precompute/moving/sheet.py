"""A sheet of mouths in several frames of a loop: those in which the head is turned furthest, and its ends."""

from __future__ import annotations

from collections.abc import Iterable

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from avatars.atlas import MouthAtlas
from avatars.heads import MovingHeads
from precompute.sheet import label
from streaming.compositor.easing import REST_POSE, MouthPose
from streaming.compositor.loop_mouth import LoopMouth
from streaming.compositor.loop_mouth_assets import load_loop_mouths
from streaming.compositor.planes import Planes, frame_planes, pack, packed_size, unpack
from streaming.timing import FPS

Image = NDArray[np.uint8]

POSES = (
    ("own", None),
    ("m", MouthPose(press=1.0)),
    ("f", MouthPose(aperture=0.08, bite=1.0)),
    ("ee", MouthPose(0.3, 0.8)),
    ("ah", MouthPose(0.8, 0.0)),
    ("oo", MouthPose(0.4, -0.9)),
)
"""The loop's own mouth, and what is drawn."""
FRAMES = 5
TILE = 180
HALF_SIDE, RISE = 0.85, 0.1
"""What a tile shows around the mouth, and by how much its middle lies above; in eye spans."""


def shown_frames(heads: MovingHeads) -> list[int]:
    """Frames that differ most in where the head is: the first, the last, and the furthest ones between."""
    places = heads.maps.astype(np.float64).reshape(heads.frames, -1)
    chosen = [0, heads.frames - 1]
    while len(chosen) < min(FRAMES, heads.frames):
        away = np.min([np.abs(places - places[index]).sum(axis=1) for index in chosen], axis=0)
        chosen.append(int(away.argmax()))
    return sorted(dict.fromkeys(chosen))


def moving_sheet(frames: Iterable[Image], atlas: MouthAtlas, heads: MovingHeads) -> Image:
    """Draw the sheet: a row for each frame, a column for each mouth.

    Args:
        frames: (H, W, 3) BGR of the loop, all of them.
        atlas: of the avatar.
        heads: of the avatar.
    """
    assets = load_loop_mouths(atlas, heads)
    mouth, wanted = LoopMouth(assets), shown_frames(heads)
    rows: list[Image] = []
    for index, picture in enumerate(frames):
        if index not in wanted:
            continue
        height, width = picture.shape[:2]
        source = unpack(pack(picture), width, height)
        tiles: list[Image] = []
        for name, pose in POSES:
            target = unpack(np.empty(packed_size(width, height), np.uint8), width, height)
            target.put(source)
            mouth.draw(index, pose or REST_POSE, 0.0 if pose is None else 1.0, source, target)
            tile = _tile(_picture(target), heads.centres[index], assets.unit)
            tiles.append(label(tile, f"{index / FPS:.1f} s" if pose is None else name))
        rows.append(np.asarray(np.hstack(tiles), np.uint8))
    return np.asarray(np.vstack(rows), np.uint8)


def _picture(planes: Planes) -> Image:
    height, width = planes.y.shape
    frame = av.VideoFrame(width, height, "yuv420p")
    frame.colorspace, frame.color_range = Colorspace.SMPTE170M, ColorRange.MPEG
    frame_planes(frame).put(planes)
    return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def _tile(picture: Image, centre: NDArray[np.float32], unit: float) -> Image:
    middle = np.asarray(centre, np.float64) - (0, RISE * unit)
    scale = TILE / (2 * HALF_SIDE * unit)
    move = np.array([[scale, 0, TILE / 2 - scale * middle[0]], [0, scale, TILE / 2 - scale * middle[1]]])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    tile = cv2.warpAffine(picture, move, (TILE, TILE), flags=method, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(tile, np.uint8)
