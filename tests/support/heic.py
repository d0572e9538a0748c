"""Small HEIC photos: an HEVC picture in the boxes of ISO/IEC 23008-12."""

import io
import struct

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

QUARTER_TURNS = {0: b"", 90: b"\x01", 180: b"\x02", 270: b"\x03"}


def heic(
    picture: NDArray[np.uint8], counterclockwise: int = 0, claims: tuple[int, int] | None = None
) -> bytes:
    """Encode a picture.

    Args:
        picture: (h, w, 3) BGR, sides multiples of 8.
        counterclockwise: degrees by which it is to be turned when it is shown.
        claims: width and height that its header tells, if not its own.
    """
    configuration, data = _hevc(picture)
    height, width = picture.shape[:2]
    properties = [
        _box(b"hvcC", configuration),
        _full(b"ispe", struct.pack(">II", *(claims or (width, height)))),
    ]
    if counterclockwise:
        properties.append(_box(b"irot", QUARTER_TURNS[counterclockwise]))
    links = bytes(0x80 | index + 1 for index in range(len(properties)))
    kind = _box(b"ftyp", b"heic", bytes(4), b"mif1heic")

    def meta(place: int) -> bytes:
        return _full(
            b"meta",
            _full(b"hdlr", bytes(4), b"pict", bytes(12), b"\0"),
            _full(b"pitm", struct.pack(">H", 1)),
            _full(b"iloc", b"\x44\0", struct.pack(">HHHHII", 1, 1, 0, 1, place, len(data))),
            _full(
                b"iinf", struct.pack(">H", 1), _full(b"infe", struct.pack(">HH", 1, 0), b"hvc1\0", version=2)
            ),
            _box(
                b"iprp",
                _box(b"ipco", *properties),
                _full(b"ipma", struct.pack(">IHB", 1, 1, len(links)), links),
            ),
        )

    begin = len(kind) + len(meta(0)) + 8
    return kind + meta(begin) + _box(b"mdat", data)


def _hevc(picture: NDArray[np.uint8]) -> tuple[bytes, bytes]:
    """The decoder's configuration and the coded picture, taken from an MP4 of one frame."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        options = {"preset": "ultrafast", "crf": "4", "x265-params": "log-level=0:keyint=1"}
        stream = container.add_stream("libx265", rate=1, options=options)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.codec_tag = "hvc1"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    data = file.getvalue()
    return _inside(data, b"hvcC"), _inside(data, b"mdat")


def _inside(data: bytes, kind: bytes) -> bytes:
    place = data.index(kind)
    return data[place + 4 : place - 4 + int.from_bytes(data[place - 4 : place], "big")]


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, *parts: bytes, version: int = 0) -> bytes:
    return _box(kind, bytes([version, 0, 0, 0]), *parts)
