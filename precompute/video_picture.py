"""A decoded frame of any pixel format as an upright 8-bit BGR picture of a chosen size."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, ColorTrc, Interpolation
from numpy.typing import NDArray

from precompute.hdr import HLG, PQ, to_sdr
from precompute.photo import BEHIND

Image = NDArray[np.uint8]

HD_HEIGHT = 720
"""From this on, frames that do not say which matrix they are coded with use that of HD (BT.709), as players
take it."""
_UNSPECIFIED = 2
_BT2020_CONSTANT = 10
_FULL_RANGE_FORMATS = "yuvj"
_RGB_PREFIXES = ("rgb", "bgr", "gbr", "argb", "abgr", "gray", "pal")
DEEP = "bgr48le"
_MATRIX = struct.Struct("=9i")


@dataclass(frozen=True, slots=True)
class Turn:
    """How a picture is set upright: first its axes are swapped, then it is mirrored.

    Attributes:
        swaps: whether x and y change places.
        mirror_x: whether left becomes right.
        mirror_y: whether top becomes bottom.
    """

    swaps: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    @property
    def degrees(self) -> int:
        """Clockwise: 0, 90, 180 or 270; mirroring by itself is no turn."""
        if self.swaps:
            return 90 if self.mirror_x else 270
        return 180 if self.mirror_x and self.mirror_y else 0

    def apply(self, picture: Image) -> Image:
        """The upright picture, (h, w, 3)."""
        if self.swaps:
            picture = picture.transpose(1, 0, 2)
        if self.mirror_x:
            picture = picture[:, ::-1]
        if self.mirror_y:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)


def turn_of(frame: VideoFrame) -> Turn:
    """What the display matrix of a frame asks for (ISO/IEC 14496-12, 8.5.2), to the nearest quarter turn."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return Turn()
    raw = bytes(data)
    if len(raw) < _MATRIX.size:
        return Turn()
    # x' = a x + c y, y' = b x + d y
    a, b, _, c, d, *_ = _MATRIX.unpack_from(raw)
    if abs(b) > abs(a):
        return Turn(True, mirror_x=c < 0, mirror_y=b < 0)
    return Turn(False, mirror_x=a < 0, mirror_y=d < 0)


def hdr_of(frame: VideoFrame) -> str:
    """The curve of a frame of high dynamic range: ``HLG`` or ``PQ``; empty for the usual range."""
    names = {ColorTrc.SMPTE2084: "PQ", ColorTrc.ARIB_STD_B67: "HLG"}
    return next((name for curve, name in names.items() if frame.color_trc == curve), "")


def picture_of(frame: VideoFrame, width: int, height: int, turn: Turn) -> Image:
    """Convert a frame.

    Limited and full range, BT.601, BT.709 and BT.2020, 8 to 12 bits; HDR is brought to the usual range, and
    what is transparent lies over light grey.

    Args:
        frame: as decoded.
        width: of the picture before it is turned.
        height: likewise.
        turn: sets it upright.

    Returns:
        (h, w, 3) BGR, sRGB, contiguous.
    """
    if frame.color_trc in (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67):
        deep = _converted(frame, width, height, DEEP)
        return turn.apply(to_sdr(deep, PQ if frame.color_trc == ColorTrc.SMPTE2084 else HLG))
    if not any(component.is_alpha for component in frame.format.components):
        return turn.apply(np.asarray(_converted(frame, width, height, "bgr24"), np.uint8))
    both = _converted(frame, width, height, "bgra")
    alpha = both[..., 3:].astype(np.uint16)
    behind = np.array(BEHIND[::-1], np.uint16)
    over = (both[..., :3] * alpha + behind * (255 - alpha) + 127) // 255
    return turn.apply(over.astype(np.uint8))


def _converted(frame: VideoFrame, width: int, height: int, pixels: str) -> NDArray[np.unsignedinteger]:
    smaller = width < frame.width or height < frame.height
    rgb = frame.format.name.startswith(_RGB_PREFIXES)
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith(_FULL_RANGE_FORMATS)
    converted = frame.reformat(
        width=width,
        height=height,
        format=pixels,
        src_colorspace=None if rgb else _matrix(frame),
        src_color_range=ColorRange.JPEG if full or rgb else ColorRange.MPEG,
        dst_color_range=ColorRange.JPEG,
        interpolation=(Interpolation.AREA if smaller else Interpolation.BICUBIC) | Interpolation.ACCURATE_RND,
    )
    depth = np.uint16 if pixels == DEEP else np.uint8
    return np.asarray(converted.to_ndarray(), depth)


def _matrix(frame: VideoFrame) -> Colorspace:
    known = int(frame.colorspace)
    if known == Colorspace.ITU709:
        return Colorspace.ITU709
    if known in (Colorspace.BT2020, _BT2020_CONSTANT):
        return Colorspace.BT2020
    if known == Colorspace.SMPTE240M:
        return Colorspace.SMPTE240M
    if known == _UNSPECIFIED and min(frame.width, frame.height) >= HD_HEIGHT:
        return Colorspace.ITU709
    return Colorspace.ITU601
