"""Films of people who move their heads a lot and say what they are told: what a drawn mouth is compared with.

They are rendered from the avatars that come with the program, whose stills are moved by their depth: turned
up to 13 degrees, in a light that changes as they turn, and with a camera's noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatars.atlas import MouthAtlas
from streaming.compositor.assets import load_assets
from streaming.compositor.easing import REST_POSE, MouthPose
from streaming.compositor.eyes import EyePainter
from streaming.compositor.life import Life
from streaming.compositor.mouth import MouthPainter
from streaming.compositor.planes import Planes, frame_planes, packed_size, unpack
from streaming.compositor.warp import CELL, Warp
from streaming.encoders.bt601 import tag_bt601
from streaming.timing import FPS

Image = NDArray[np.uint8]

FARTHEST = (
    14.0,
    9.0,
    math.sin(math.radians(5)),
    math.sin(math.radians(13)),
    math.sin(math.radians(8)),
    1.0,
    0.3,
)
"""Where each field of motion ends: pixels, sines of angles, shares."""
SLOWEST, QUICKEST = 5.5, 2.3
"""Seconds from one end of a field's motion to the same end."""
ROUNDS = 8
"""In which a place is looked for that came from another one."""
TURNED_LIGHT, LIFTED_LIGHT, DIMMED = 1.0, 0.3, 0.5
"""How much the light changes across the picture as the head turns and nods, and all over it in time."""


class MovingHead:
    """One person in one film.

    Args:
        atlas: of a photo's avatar.
        seed: varies the motion.
        scale: of the motion.
        light: share of luma by which the light changes.
        noise: standard deviation of the camera's noise in levels.
    """

    def __init__(
        self, atlas: MouthAtlas, seed: int = 0, scale: float = 1.0, light: float = 0.12, noise: float = 1.5
    ) -> None:
        self._assets = assets = load_assets(atlas)
        self.width, self.height = assets.width, assets.height
        self._light, self._noise = light, noise
        self._painter = MouthPainter(assets)
        self._warp = Warp(assets.motion, assets.width, assets.height)
        self._life = Life(seed, assets.eye_span)
        random = np.random.default_rng(seed)
        self._periods, self._begins = random.uniform(QUICKEST, SLOWEST, 7), random.uniform(0, 2 * np.pi, 7)
        self._farthest = scale * np.array(FARTHEST)
        across, along = np.linspace(-1, 1, self.width), np.linspace(-1, 1, self.height)
        self._x, self._y = np.meshgrid(across, along)

    def motion(self, frame: int) -> NDArray[np.float32]:
        """(7,) coefficients of the fields of motion."""
        turns = np.sin(2 * np.pi * frame / FPS / self._periods + self._begins)
        return (self._farthest * turns).astype(np.float32)

    def planes(self, frame: int, pose: MouthPose = REST_POSE) -> Planes:
        """A frame of the film, with any mouth."""
        assets = self._assets
        still = unpack(np.array(assets.still), self.width, self.height)
        self._painter.paint(pose, still.window(*assets.mouth_rect))
        life = self._life.pose(frame)
        EyePainter(assets).paint(life.closure, life.gaze, still.window(*assets.eye_rect))
        shown = unpack(np.empty(packed_size(self.width, self.height), np.uint8), self.width, self.height)
        self._warp.draw(still, self.motion(frame), shown)
        luma = 16 + (shown.y - 16.0) * self.light(frame)
        if self._noise:
            luma += np.random.default_rng(frame).normal(0, self._noise, luma.shape)
        shown.y[:] = np.clip(luma + 0.5, 0, 255)
        return shown

    def light(self, frame: int) -> NDArray[np.float64]:
        """(height, width) factor of luma over black."""
        motion = self.motion(frame) / np.array(FARTHEST)
        change = DIMMED * math.sin(frame / 40) + TURNED_LIGHT * motion[3] * self._x
        return 1 + self._light * (change + LIFTED_LIGHT * motion[4] * self._y)

    def origins(self, frame: int, places: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where places (n, 2) of a frame were on the still, in pixels."""
        nodes = np.einsum("m,mrck->rck", self.motion(frame), self._assets.motion).astype(np.float32)
        size = nodes.shape[1] * CELL, nodes.shape[0] * CELL
        moved = cv2.resize(nodes, size, interpolation=cv2.INTER_LINEAR)
        x, y = np.asarray(places, np.float32).T[:, None] + CELL
        return np.asarray(places, np.float64) - cv2.remap(moved, x, y, cv2.INTER_LINEAR)[0]

    def shown_at(self, frame: int, origins: NDArray[np.floating]) -> NDArray[np.float64]:
        """Where places (n, 2) of the still are in a frame."""
        found = np.asarray(origins, np.float64).copy()
        for _ in range(ROUNDS):
            found += origins - self.origins(frame, found)
        return found


def picture_of(planes: Planes) -> Image:
    """(H, W, 3) BGR of planes."""
    height, width = planes.y.shape
    frame = av.VideoFrame(width, height, "yuv420p")
    frame.colorspace, frame.color_range = Colorspace.SMPTE170M, ColorRange.MPEG
    frame_planes(frame).put(planes)
    return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def write_film(path: Path, frames: Iterable[Planes], crf: int = 18) -> None:
    """Write frames of one size as H.264."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": str(crf), "preset": "veryfast"})
        assert isinstance(stream, VideoStream)
        for index, planes in enumerate(frames):
            height, width = planes.y.shape
            if index == 0:
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                tag_bt601(stream.codec_context)
            frame = av.VideoFrame(width, height, "yuv420p")
            frame_planes(frame).put(planes)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
