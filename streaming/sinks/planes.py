"""Pictures for encoders that want more than 4:2:0 in 8 bits: chroma for every pixel, 10 bits, or RGBA."""

from __future__ import annotations

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray

from streaming.compositor.planes import frame_planes

Alpha = NDArray[np.uint8]

# The inverse of ITU-R BT.601 in limited range: rows B, G, R over columns Y, Cb, Cr, offset.
_KR, _KB = 0.299, 0.114
_Y, _C = 255 / 219, 255 / 224
_BGR = np.array(
    [
        [_Y, 2 * (1 - _KB) * _C, 0.0],
        [_Y, -2 * (1 - _KB) * _KB / (1 - _KR - _KB) * _C, -2 * (1 - _KR) * _KR / (1 - _KR - _KB) * _C],
        [_Y, 0.0, 2 * (1 - _KR) * _C],
    ]
)
_OFFSETS = -_BGR @ np.array([16.0, 128.0, 128.0])
_FROM_YUV = np.hstack([_BGR, _OFFSETS[:, None]])


def copy_plane(source: VideoPlane | Alpha, target: VideoPlane) -> None:
    """Copy a plane of 8 bits, whatever the length of its rows in memory."""
    _rows(target)[:] = source if isinstance(source, np.ndarray) else _rows(source)


def deep_planes(frame: av.VideoFrame, target: av.VideoFrame, alpha: Alpha | None) -> None:
    """Write a yuv420p frame into one of 10 bits with chroma for every pixel, and its alpha if it has some.

    Chroma is interpolated between the middles of its 2 x 2 pixels, with the finer steps that 10 bits have.
    """
    size = frame.width, frame.height
    planes = frame_planes(frame)
    np.left_shift(planes.y, 2, out=_deep(target.planes[0]), dtype=np.uint16)
    for number, plane in ((1, planes.u), (2, planes.v)):
        fine = plane.astype(np.uint16) << 2
        _deep(target.planes[number])[:] = cv2.resize(fine, size, interpolation=cv2.INTER_LINEAR)
    if alpha is not None:
        # 0 and 255 become 0 and 1023.
        _deep(target.planes[3])[:] = (alpha.astype(np.uint32) * 1023 + 127) // 255


def to_bgra(frame: av.VideoFrame, alpha: Alpha | None) -> NDArray[np.uint8]:
    """A yuv420p frame (BT.601, limited range) as (height, width, 4), or 3 without alpha; straight colours."""
    size = frame.width, frame.height
    planes = frame_planes(frame)
    chroma = [
        cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        for plane in (planes.u, planes.v)
    ]
    yuv = cv2.merge([planes.y.astype(np.float32), *chroma])
    bgr = np.clip(cv2.transform(yuv, _FROM_YUV) + 0.5, 0, 255).astype(np.uint8)
    return bgr if alpha is None else np.dstack([bgr, alpha])


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    rows = np.frombuffer(plane, np.uint8)[: plane.line_size * plane.height]  # pyright: ignore[reportArgumentType, reportCallIssue]
    return rows.reshape(plane.height, plane.line_size)[:, : plane.width]


def _deep(plane: VideoPlane) -> NDArray[np.uint16]:
    rows = np.frombuffer(plane, np.uint16)[: plane.line_size // 2 * plane.height]  # pyright: ignore[reportArgumentType, reportCallIssue]
    return rows.reshape(plane.height, plane.line_size // 2)[:, : plane.width]
