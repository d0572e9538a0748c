"""Opens a video from a stranger: MP4, MOV or WebM in, upright 8-bit BGR frames at 25 per second out.

FFmpeg is held to a list of formats and decoders and gets nothing but the bytes of the file. The process that
this runs in (:mod:`precompute.video_child`) limits what it may use of memory and time; callers use
:mod:`precompute.clip`. Frames are scaled and turned while they are decoded, one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO, NoReturn

import av
import msgspec
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from precompute.errors import AvatarRejected
from precompute.video_picture import Image, Turn, hdr_of, picture_of, turn_of
from precompute.video_slots import Timed, fill_slots
from precompute.video_whole import is_cut_short
from streaming.timing import FPS

MAX_FILE_BYTES = 1 << 30
"""A minute of 4K from a phone takes less than half of it."""
MAX_SECONDS = 60.0
MIN_SECONDS = 1.0
TOLERANCE_SECONDS = 0.5
"""What a file may hold more or less than it says: sound and pictures do not end at once."""
MAX_SIDE, MAX_PIXELS = 4096, 4096 * 2304
MIN_SIDE = 96
WORKING_SIDE = 1920
"""Larger frames are shrunk to this longer side: the face of a portrait then still has more pixels than the
avatar shows of it."""
MAX_PACKETS = 16_000
"""A minute at 240 frames per second, and some more."""
MAX_ALL_PACKETS = 200_000
"""Of all streams together."""
MAX_STREAMS = 16
THREADS = 2
LONGEST_LAST = Fraction(1, 2)
"""Seconds for which the last frame is shown at most, whatever the file says of it."""

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
CODECS = ("h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "libdav1d", "av1", "mpeg4", "mjpeg", "prores")
"""Decoders that may run."""
PROTECTED_TAGS = frozenset({"encv", "drmi"})
"""Sample entries of encrypted MP4 (ISO/IEC 14496-12, 8.12; the other is Apple's)."""

_OPTIONS = {
    "format_whitelist": FORMATS,
    "codec_whitelist": ",".join(CODECS),
    "protocol_whitelist": "none",
    "max_streams": str(MAX_STREAMS),
}


class VideoInfo(msgspec.Struct, frozen=True):
    """What a video is.

    Attributes:
        format: its container.
        codec: of its pictures.
        width: of the frames that come out, in pixels; even.
        height: likewise.
        coded_width: as the file has it, before it is turned and scaled.
        coded_height: likewise.
        seconds: of the pictures.
        rate: frames per second on average.
        turn: degrees clockwise by which frames are set upright: 0, 90, 180 or 270.
        hdr: which high dynamic range is brought to the usual one: ``HLG``, ``PQ``, or empty.
    """

    format: str
    codec: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    seconds: float
    rate: float
    turn: int = 0
    hdr: str = ""


class VideoFile:
    """A video to be decoded. Blocking; reads the whole file once, to measure it.

    Args:
        source: an open file at any position; must be seekable.
        max_seconds: longer ones are refused.

    Raises:
        AvatarRejected: ``not_a_video``, ``truncated_video``, ``video_too_large``, ``video_too_small``,
            ``video_too_long`` or ``video_too_short``.
    """

    def __init__(self, source: BinaryIO, max_seconds: float = MAX_SECONDS) -> None:
        self._source = source
        self._max_seconds = max_seconds
        try:
            cut = is_cut_short(source)
            with self._open(cut) as container:
                stream = _choose(container)
                seconds, count = self._measure(container, stream)
            if cut:
                raise _cut_short(seconds)
            self._interval = Fraction(seconds).limit_denominator(1_000_000) / count
            self._turn = Turn()
            self._size: tuple[int, int] = (0, 0)
            self.info = self._look(seconds, count)
        except MemoryError:
            raise _oversized() from None

    def frames(self, begin: int = 0, end: int | None = None) -> Iterator[Image | None]:
        """Its pictures at 25 per second: (height, width, 3) BGR, or ``None`` for the same as before.

        Args:
            begin: the first slot that is wanted.
            end: the slot behind the last one.

        Raises:
            AvatarRejected: as above, where only decoding tells; ``truncated_video`` for damage.
        """
        last: VideoFrame | None = None
        count = 0
        try:
            for slot, frame in enumerate(fill_slots(self._timed())):
                if slot == end:
                    return
                if slot > (self._max_seconds + TOLERANCE_SECONDS) * FPS:
                    raise _too_long(self._max_seconds)
                if slot < begin:
                    continue
                count += 1
                yield None if frame is last else picture_of(frame, *self._size, self._turn)
                last = frame
        except MemoryError:
            raise _oversized() from None
        if count == 0:
            raise _no_picture()

    def _open(self, cut: bool = False) -> InputContainer:
        self._source.seek(0)
        try:
            return av.open(self._source, "r", options=_OPTIONS, io_open=_nothing_else)
        except (FFmpegError, ValueError, UnicodeError) as error:
            if cut:
                raise _cut_short(0) from error
            raise AvatarRejected(
                "not_a_video", "This is not a video that can be read. Send an MP4, MOV or WebM file."
            ) from error

    def _measure(self, container: InputContainer, stream: VideoStream) -> tuple[float, int]:
        """Seconds of pictures and how many there are, from the packets: headers may say anything."""
        first: Fraction | None = None
        last = end = whole = Fraction(0)
        count = total = 0
        try:
            for packet in container.demux():
                total += 1
                if packet.pts is None or packet.time_base is None or not packet.size:
                    continue
                begins = packet.pts * packet.time_base
                ends = begins + min((packet.duration or 0) * packet.time_base, LONGEST_LAST)
                whole = max(whole, ends)
                if packet.stream.index == stream.index:
                    count += 1
                    first = begins if first is None else min(first, begins)
                    last, end = max(last, begins), max(end, ends)
                    if end - first > self._max_seconds + TOLERANCE_SECONDS:
                        raise _too_long(self._max_seconds)
                if count > MAX_PACKETS or total > MAX_ALL_PACKETS:
                    raise AvatarRejected(
                        "video_too_large",
                        f"The video has more than {MAX_PACKETS} pictures. Export it at 30 frames per second.",
                    )
        except (FFmpegError, EOFError) as error:
            raise _cut_short(float(end - (first or 0))) from error
        if first is None:
            raise _no_picture()
        if end == last and count > 1:
            # No durations, as in WebM from a browser: the last one is shown as long as the others.
            end += (last - first) / (count - 1)
        seconds = float(end - first)
        told = (container.duration or 0) / av.time_base
        begins_at = (container.start_time or 0) / av.time_base
        if told > float(whole) - min(begins_at, 0.0) + TOLERANCE_SECONDS:
            raise _cut_short(seconds)
        if seconds < MIN_SECONDS:
            raise AvatarRejected(
                "video_too_short",
                f"The video is {seconds:.1f} s long. Send 10 to 30 seconds of one person who looks into the "
                "camera.",
            )
        return seconds, count

    def _look(self, seconds: float, count: int) -> VideoInfo:
        """Decode the first picture, which tells what comes out of the others."""
        timed = next(self._timed(), None)
        if timed is None:
            raise _no_picture()
        frame = timed.frame
        with self._open() as container:
            stream = _choose(container)
            self._turn = turn_of(frame)
            ratio = stream.sample_aspect_ratio or Fraction(1)
            self._size = _size_of(frame, ratio)
            width, height = self._size[::-1] if self._turn.swaps else self._size
            return VideoInfo(
                format=container.format.name.partition(",")[0],
                codec=stream.codec_context.name,
                width=width,
                height=height,
                coded_width=frame.width,
                coded_height=frame.height,
                seconds=round(seconds, 3),
                rate=round(count / seconds, 3),
                turn=self._turn.degrees,
                hdr=hdr_of(frame),
            )

    def _timed(self) -> Iterator[Timed[VideoFrame]]:
        with self._open() as container:
            stream = _choose(container)
            stream.codec_context.thread_count = THREADS
            stream.thread_type = "AUTO"
            base = stream.time_base or Fraction(1, 1000)
            begins: Fraction | None = None
            for frame in _decoded(container, stream):
                if max(frame.width, frame.height) > MAX_SIDE or frame.width * frame.height > MAX_PIXELS:
                    raise _too_large(frame.width, frame.height)
                if frame.pts is not None:
                    begins = frame.pts * base
                else:
                    begins = Fraction(0) if begins is None else begins + self._interval
                lasts = frame.duration * base if frame.duration else self._interval
                yield Timed(frame, begins, min(lasts, LONGEST_LAST))


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    count = 0
    decoder = _with_alpha(stream)
    try:
        for packet in container.demux(stream):
            frames = packet.decode() if decoder is None else decoder.decode(packet if packet.size else None)
            for frame in frames:
                if not isinstance(frame, VideoFrame):
                    continue
                if frame.is_corrupt:
                    raise _damaged(count)
                count += 1
                yield frame
    except FFmpegError as error:
        if isinstance(error, EOFError):
            return
        raise _damaged(count) from error


def _with_alpha(stream: VideoStream) -> Any:
    """A decoder that knows of transparency, where WebM has some: FFmpeg's own leaves it out."""
    names = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
    name = stream.codec_context.name
    if stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) != "1" or name not in names:
        return None
    decoder = av.CodecContext.create(names[name], "r")
    decoder.extradata = stream.codec_context.extradata
    return decoder


def _choose(container: InputContainer) -> VideoStream:
    """The first stream of moving pictures that can be decoded; covers of albums are none."""
    if not container.streams.video:
        raise AvatarRejected(
            "not_a_video", "The file holds no pictures, only sound. Send a video of a person, or a photo."
        )
    for stream in container.streams.video:
        context = stream.codec_context
        if context is None or "attached_pic" in (stream.disposition.name or ""):
            continue
        if _tag(context) in PROTECTED_TAGS:
            raise AvatarRejected(
                "not_a_video", "The video is protected against copying (DRM). Send an unprotected one."
            )
        if context.name in CODECS:
            width, height = context.width, context.height
            if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
                raise _too_large(width, height)
            if 0 < min(width, height) < MIN_SIDE:
                raise AvatarRejected(
                    "video_too_small",
                    f"The video has only {width} x {height} pixels. Send one of at least 640 x 480.",
                )
            context.options = {"max_pixels": str(MAX_PIXELS)}
            return stream
    raise AvatarRejected(
        "not_a_video",
        "Its pictures are coded in a way that is not read here. Export it as MP4 with H.264.",
    )


def _tag(context: Any) -> str:
    try:
        return context.codec_tag.lower()
    except UnicodeDecodeError:
        return ""


def _size_of(frame: VideoFrame, ratio: Fraction) -> tuple[int, int]:
    """Width and height before turning, for square pixels, with even sides."""
    ratio = ratio if Fraction(1, 4) <= ratio <= 4 else Fraction(1)
    width, height = float(frame.width * ratio), float(frame.height)
    scale = min(1.0, WORKING_SIDE / max(width, height))
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def _too_large(width: int, height: int) -> AvatarRejected:
    return AvatarRejected(
        "video_too_large",
        f"The video has {width} x {height} pixels; up to 4K ({MAX_SIDE} on the longer side) is taken. "
        "Export it in Full HD (1080p).",
    )


def _too_long(seconds: float) -> AvatarRejected:
    return AvatarRejected(
        "video_too_long", f"The video is longer than {seconds:g} s. Cut it: 10 to 30 seconds are best."
    )


def _oversized() -> AvatarRejected:
    return AvatarRejected(
        "video_too_large",
        "The video would need far more memory than a video does. Export it in Full HD (1080p).",
    )


def _no_picture() -> AvatarRejected:
    return AvatarRejected("not_a_video", "The file holds no picture that can be read. Export it again.")


def _cut_short(seconds: float) -> AvatarRejected:
    found = f" after {seconds:.1f} s" if seconds else ""
    return AvatarRejected(
        "truncated_video",
        f"The video file is cut short or damaged{found}. Copy or download it again, and whole.",
    )


def _damaged(frames: int) -> AvatarRejected:
    return AvatarRejected(
        "truncated_video",
        f"The video file is damaged behind its picture {frames}. Copy, download or export it again, or cut "
        "out the part that is sound.",
    )


def _nothing_else(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise PermissionError("a video may not open another file")
