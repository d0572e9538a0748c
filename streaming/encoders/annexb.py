"""H.264 byte streams (ITU-T H.264, annex B): NAL units, parameter sets, and samples for other containers."""

from __future__ import annotations

from collections.abc import Iterator

START_CODE = b"\x00\x00\x01"

NAL_SLICE = 1
NAL_IDR = 5
NAL_SPS = 7
NAL_PPS = 8
NAL_TYPE_MASK = 0x1F

LENGTH_BYTES = 4
"""Size of the length field before each NAL unit in an MP4 sample."""


def nal_units(data: bytes) -> Iterator[bytes]:
    """The NAL units of a byte stream, without start codes and trailing zeros."""
    start = data.find(START_CODE)
    while start >= 0:
        start += len(START_CODE)
        end = data.find(START_CODE, start)
        unit = data[start:] if end < 0 else data[start:end]
        unit = unit.rstrip(b"\x00")
        if unit:
            yield unit
        start = end


def parameter_sets(data: bytes) -> tuple[bytes, bytes]:
    """The sequence and the picture parameter set of an access unit.

    Raises:
        ValueError: it has none; only keyframes do.
    """
    sps = pps = b""
    for unit in nal_units(data):
        kind = unit[0] & NAL_TYPE_MASK
        if kind == NAL_SPS:
            sps = unit
        elif kind == NAL_PPS:
            pps = unit
        elif kind in (NAL_SLICE, NAL_IDR):
            break
    if len(sps) < 4 or not pps:
        raise ValueError("The access unit carries no SPS and PPS; start at a keyframe.")
    return sps, pps


def codec_string(sps: bytes) -> str:
    """The codec as browsers name it (RFC 6381), such as ``avc1.42c01f``."""
    return f"avc1.{sps[1]:02x}{sps[2]:02x}{sps[3]:02x}"


def to_sample(data: bytes) -> bytes:
    """An access unit as an MP4 sample: length-prefixed slices, without parameter sets and SEI."""
    parts: list[bytes] = []
    for unit in nal_units(data):
        if unit[0] & NAL_TYPE_MASK in (NAL_SLICE, NAL_IDR):
            parts.append(len(unit).to_bytes(LENGTH_BYTES, "big"))
            parts.append(unit)
    return b"".join(parts)
