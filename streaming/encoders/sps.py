"""The picture size in an H.264 sequence parameter set (ITU-T H.264, sections 7.3.2.1.1 and 7.4.2.1.1)."""

from __future__ import annotations

MACROBLOCK = 16
CHROMA_420 = 1

PROFILES_WITH_CHROMA = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 138, 139, 244})
"""Profiles whose parameter sets say more about chroma; constrained baseline, main and extended do not."""


class _Bits:
    """Reads the payload of a NAL unit bit by bit."""

    def __init__(self, unit: bytes) -> None:
        # Emulation prevention: an encoder writes 00 00 03 where 00 00 is meant.
        payload = unit.replace(b"\x00\x00\x03", b"\x00\x00")
        self._value = int.from_bytes(payload, "big")
        self._left = len(payload) * 8

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("The sequence parameter set ends too early.")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def golomb(self) -> int:
        """An unsigned Exp-Golomb code."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def picture_size(sps: bytes) -> tuple[int, int]:
    """Width and height in pixels after cropping, for progressive 4:2:0 video.

    Args:
        sps: the NAL unit, beginning with its header byte.

    Raises:
        ValueError: it is cut short, or describes another kind of video.
    """
    bits = _Bits(sps[1:])
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    if profile in PROFILES_WITH_CHROMA:
        chroma = bits.golomb()
        bits.golomb()
        bits.golomb()
        bits.take(1)
        if chroma != CHROMA_420 or bits.take(1):
            raise ValueError("Only 4:2:0 video without scaling matrices is read.")
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        raise ValueError("Picture order count type 1 is not read.")
    bits.golomb()
    bits.take(1)
    width = (bits.golomb() + 1) * MACROBLOCK
    height = (bits.golomb() + 1) * MACROBLOCK
    if not bits.take(1):
        raise ValueError("Interlaced video is not read.")
    bits.take(1)
    left = right = top = bottom = 0
    if bits.take(1):
        left, right, top, bottom = (bits.golomb() for _ in range(4))
    return width - 2 * (left + right), height - 2 * (top + bottom)
