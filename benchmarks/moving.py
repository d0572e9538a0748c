"""Renders that move, whose silhouettes are known in every frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.renders import Alpha, Image, Render
from streaming.timing import FPS

NOISE_LEVELS = 2.5
"""Standard deviation of a camera's noise."""
NOISES = 8
STEPS = 3
"""In which a place of the last frame is found again; a person who does not tear takes few."""
MARGIN = 1.25
"""A background is this many times as large as the picture, so that it can move."""


@dataclass(frozen=True, slots=True)
class Motion:
    """How much moves, in parts of the picture's side.

    Attributes:
        sway: of the whole person.
        nod: of the head alone, above the shoulders.
        turn: of the whole person, radians.
        speed: how much faster than somebody who sits still.
        pan: of the background, per second; it goes to and fro.
        shake: of the camera, from frame to frame.
    """

    sway: float = 0.012
    nod: float = 0.008
    turn: float = 0.015
    speed: float = 1.0
    pan: float = 0.0
    shake: float = 0.0


class Moment(NamedTuple):
    """A frame.

    Attributes:
        picture: (height, width, 3) BGR uint8.
        alpha: (height, width), 0..1.
        places: (height, width, 2): which place of the person, or around, is seen; in pixels of the frame.
    """

    picture: Image
    alpha: Alpha
    places: NDArray[np.float32]


CALM = Motion()
LIVELY = Motion(sway=0.03, nod=0.03, turn=0.04, speed=3.0)
MOTIONS: dict[str, Motion] = {
    "calm": CALM,
    "calm, the background moves": Motion(pan=0.15),
    "lively": LIVELY,
    "lively, the camera shakes": Motion(sway=0.03, nod=0.03, turn=0.04, speed=3.0, shake=0.003),
    "motionless": Motion(0, 0, 0),
}


def moving(
    person: Render,
    background: Image,
    motion: Motion,
    count: int,
    *,
    width: int = 720,
    height: int = 720,
    seed: int = 0,
) -> Iterator[Moment]:
    """Frames of a person who moves before a background, with the truth about them.

    Args:
        person: fills the height, in the middle.
        background: cut to fit.
        motion: how much moves.
        count: of frames.
        width: of the frames in pixels.
        height: likewise.
        seed: of noise and shaking.

    Yields:
        One for each frame.
    """
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, NOISE_LEVELS, (NOISES, height, width, 1)).astype(np.float32)
    # Beyond the silhouette, too, the person's colours go on: warping must mix no black into them.
    extended = _sized(_extended(person.colours(), person.alpha), height)
    whole = _sized(person.alpha, height)
    wide = _covering(background, round(width * MARGIN), round(height * MARGIN))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    middle = ((width - 1) / 2, height * 0.8)
    # The head goes its own way above the shoulders.
    head = np.clip((0.72 * height - y) / (0.25 * height), 0, 1)
    head = head * head * (3 - 2 * head)
    for n in range(count):
        t = motion.speed * 2 * np.pi * n / FPS
        jolt = rng.normal(0, motion.shake, 2) * height
        dx = motion.sway * height * np.sin(t / 3.1) + jolt[0]
        dy = motion.sway / 3 * height * np.sin(t / 2.3) + jolt[1]
        nod_x = motion.nod * height * np.sin(t / 1.9)
        nod_y = motion.nod / 2 * height * np.sin(t / 1.3)
        angle = motion.turn * np.sin(t / 3.7)
        cos, sin = np.cos(angle), np.sin(angle)
        px = x - middle[0] - dx - nod_x * head
        py = y - middle[1] - dy - nod_y * head
        from_x = cos * px + sin * py + middle[0] - (width - height) / 2
        from_y = -sin * px + cos * py + middle[1]
        map_x, map_y = from_x.astype(np.float32), from_y.astype(np.float32)
        colours = cv2.remap(extended, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        alpha = _moved_matte(whole, map_x, map_y)
        pan = motion.pan * height * 2 / np.pi * np.arcsin(np.sin(n / FPS * np.pi / 2)) + jolt[0]
        left = float(np.clip((MARGIN - 1) / 2 * width + pan, 0, (MARGIN - 1) * width))
        top = float(np.clip((MARGIN - 1) / 2 * height + jolt[1], 0, (MARGIN - 1) * height))
        shift = np.array([[1, 0, -left], [0, 1, -top]])
        behind = cv2.warpAffine(wide, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
        share = alpha[..., None]
        frame = colours * share + behind * (1 - share) + noise[n % NOISES]
        places = np.stack([map_x, map_y], axis=-1)
        yield Moment(np.clip(frame + 0.5, 0, 255).astype(np.uint8), alpha, places)


def carried(values: NDArray[np.float32], before: Moment, now: Moment) -> NDArray[np.float32]:
    """What was (height, width) at the pixels of one frame, at the same places of the person in the next."""
    height, width = values.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for _ in range(STEPS):
        there = cv2.remap(before.places, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        x, y = x + now.places[..., 0] - there[..., 0], y + now.places[..., 1] - there[..., 1]
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _moved_matte(alpha: Alpha, map_x: NDArray[np.float32], map_y: NDArray[np.float32]) -> Alpha:
    """The silhouette, which goes on below the picture and ends above it."""
    edge = alpha.shape[0] // 4
    larger = cv2.copyMakeBorder(alpha, 0, edge, edge, edge, cv2.BORDER_REPLICATE)
    larger = cv2.copyMakeBorder(larger, edge, 0, 0, 0, cv2.BORDER_CONSTANT, value=0.0)
    moved = cv2.remap(larger, map_x + edge, map_y + edge, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _extended(own: Image, alpha: Alpha) -> Image:
    """Each pixel without a person gets the colour of the nearest one that has one."""
    known = alpha > 0.5
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels = np.asarray(labels, np.int32)
    palette = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    palette[labels[known]] = own[known]
    filled = palette[labels]
    return np.where(alpha[..., None] > 0.3, own, filled).astype(np.uint8)


def _sized(picture: NDArray, side: int) -> NDArray:
    method = cv2.INTER_AREA if side < len(picture) else cv2.INTER_CUBIC
    return np.clip(cv2.resize(picture, (side, side), interpolation=method), 0, 255 if picture.ndim > 2 else 1)


def _covering(picture: Image, width: int, height: int) -> Image:
    scale = max(width / picture.shape[1], height / picture.shape[0])
    size = max(width, round(picture.shape[1] * scale)), max(height, round(picture.shape[0] * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    fitted = cv2.resize(picture, size, interpolation=method)
    top, left = (size[1] - height) // 2, (size[0] - width) // 2
    return np.ascontiguousarray(fitted[top : top + height, left : left + width], np.uint8)
