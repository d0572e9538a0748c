"""How the line's pictures are coloured: BT.601 matrix and primaries, limited range (ITU-T H.273 codes)."""

from av.video.codeccontext import VideoCodecContext

SMPTE170M = 6
"""ITU-T H.273 code of BT.601 (525 lines) for primaries, transfer and matrix alike."""

LIMITED_RANGE = 1
"""libav's ``AVCOL_RANGE_MPEG``."""


def tag_bt601(context: VideoCodecContext) -> None:
    """Write the colours into what ``context`` encodes, so that players do not guess BT.709 for HD."""
    context.color_primaries = SMPTE170M
    context.color_trc = SMPTE170M
    context.colorspace = SMPTE170M
    context.color_range = LIMITED_RANGE
