"""Pictures as planar yuv420p (BT.601, limited range), the form in which frames are drawn and encoded.

A chroma sample sits in the middle of its 2 x 2 luma pixels and is their mean. A picture at even coordinates
therefore converts to the same samples whether it is converted alone or as part of the whole frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

# ITU-R BT.601, 8 bit, rows Y, Cb, Cr over columns B, G, R, offset.
_BT601 = np.array(
    [
        [24.966 / 255, 128.553 / 255, 65.481 / 255, 16.0],
        [112.0 / 255, -74.203 / 255, -37.797 / 255, 128.0],
        [-18.214 / 255, -93.786 / 255, 112.0 / 255, 128.0],
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """Views of one picture's planes: luma (h, w), chroma (h/2, w/2) each."""

    y: Plane
    u: Plane
    v: Plane

    def window(self, x: int, y: int, width: int, height: int) -> Planes:
        """The planes of a rectangle with even coordinates, as views."""
        half = np.s_[y // 2 : (y + height) // 2, x // 2 : (x + width) // 2]
        return Planes(self.y[y : y + height, x : x + width], self.u[half], self.v[half])

    def put(self, other: Planes) -> None:
        """Copy a picture of the same size into this one."""
        self.y[:] = other.y
        self.u[:] = other.u
        self.v[:] = other.v


def packed_size(width: int, height: int) -> int:
    """Bytes of a packed picture: its three planes one after the other."""
    return width * height * 3 // 2


def unpack(packed: Plane, width: int, height: int) -> Planes:
    """Views of the planes of a packed picture, shape (packed_size,)."""
    luma, chroma = width * height, width * height // 4
    half = (height // 2, width // 2)
    return Planes(
        packed[:luma].reshape(height, width),
        packed[luma : luma + chroma].reshape(half),
        packed[luma + chroma :].reshape(half),
    )


def pack(picture: NDArray[np.uint8]) -> Plane:
    """Convert a (h, w, 3) BGR picture with even sides to a packed one of shape (packed_size,)."""
    height, width = picture.shape[:2]
    packed = np.empty(packed_size(width, height), np.uint8)
    planes = unpack(packed, width, height)
    planes.y[:] = cv2.transform(picture, _BT601[:1]).reshape(height, width)
    # The mean of the chroma is the chroma of the mean; floats, so that it is rounded once.
    half = cv2.resize(picture.astype(np.float32), (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    chroma = np.rint(cv2.transform(half, _BT601[1:])).clip(0, 255)
    planes.u[:], planes.v[:] = chroma[..., 0], chroma[..., 1]
    return packed


def pack_all(pictures: NDArray[np.uint8]) -> Plane:
    """Convert pictures (..., h, w, 3) to packed ones (..., packed_size), read-only."""
    leading, (height, width) = pictures.shape[:-3], pictures.shape[-3:-1]
    packed = np.empty((*leading, packed_size(width, height)), np.uint8)
    for place in np.ndindex(leading):
        packed[place] = pack(pictures[place])
    packed.flags.writeable = False
    return packed


def frame_planes(frame: av.VideoFrame) -> Planes:
    """Writable views of a yuv420p frame's planes; nothing written through them is copied again."""
    return Planes(*map(_view, frame.planes))


def luma_of(frame: av.VideoFrame) -> Plane:
    """The first plane of a frame of 8 bits, as a writable view."""
    return _view(frame.planes[0])


def _view(plane: VideoPlane) -> Plane:
    rows = np.frombuffer(plane, np.uint8)[: plane.line_size * plane.height]  # pyright: ignore[reportArgumentType, reportCallIssue]
    return rows.reshape(plane.height, plane.line_size)[:, : plane.width]
