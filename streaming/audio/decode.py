"""Recorded speech from a file of any common kind: 24 kHz mono pieces through FFmpeg.

Files come from strangers. FFmpeg is held to a list of formats and decoders, and gets nothing but the bytes of
the file: no other file and no address is opened, whatever a playlist in it says. The process that this runs
in (:mod:`streaming.audio.decode_child`) limits what it may use of memory and time.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import BinaryIO, NoReturn

import av
import msgspec
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from numpy.typing import NDArray

from streaming.errors import ScriptRejected
from streaming.timing import SPEECH_RATE

MAX_FILE_BYTES = 25 << 20
"""What a client may send: ten minutes of compressed speech with room to spare."""
MAX_SECONDS = 600.0
"""About as long as the longest text takes to say."""
TOLERANCE_SECONDS = 1.0
"""What a file may hold more than it says: the padding of encoders."""

MIN_RATE, MAX_RATE = 4_000, 384_000
MAX_CHANNELS = 24
"""As many as the largest cinema layout (22.2) has."""
PLANES = 8
"""PyAV 18 reads beyond the list of planes when there are as many as that list has places."""
MAX_FRAME_SAMPLES = 1 << 17
"""Above what any codec here makes of one packet; the header of a file may claim anything."""
MAX_PACKET_SECONDS = 60
MAX_PACKETS = 500_000
MAX_STREAMS = 32
MAX_READ_ERRORS = 100
"""Places where a damaged file may be picked up again."""

PIECE_SAMPLES = SPEECH_RATE // 5
HEADROOM = 8.0
"""What a decoder may give beyond full scale; it is cut off only after resampling."""

FORMATS = "wav,w64,aiff,caf,mp3,aac,mov,mp4,m4a,3gp,ogg,flac,matroska,webm"
KINDS = "WAV, MP3, M4A, AAC, OGG, Opus, FLAC or WebM"

_PCM = tuple(
    f"pcm_{sample}{order}" for sample in ("s16", "s24", "s32", "s64", "f32", "f64") for order in ("le", "be")
)
CODECS = frozenset(_PCM).union(
    "pcm_s8 pcm_u8 pcm_alaw pcm_mulaw adpcm_ima_wav adpcm_ima_qt adpcm_ms gsm gsm_ms amrnb amrwb".split(),
    "aac aac_latm alac flac mp2 mp2float mp3 mp3float opus libopus vorbis libvorbis".split(),
)
"""Decoders that may run. No video decoder is among them: the picture of a film is never looked at."""

PROTECTED_TAGS = frozenset({"enca", "drms", "drma"})
"""Sample entries of encrypted MP4 (ISO/IEC 14496-12, 8.12; the other two are Apple's)."""

_OPTIONS = {
    "format_whitelist": FORMATS,
    "codec_whitelist": ",".join(sorted(CODECS)),
    "protocol_whitelist": "none",
    "max_streams": str(MAX_STREAMS),
}

_SURROUND = {"FC": 1.0, "FL": 0.5**0.5, "FR": 0.5**0.5, "LFE": 0.0, "LFE2": 0.0}
_OTHER_CHANNEL = 0.5
"""Shares of ITU-R BS.775's downmix, before they are made to add up to 1; speech sits in the centre."""

_FULL_SCALE = {"u1": 2.0**7, "i2": 2.0**15, "i4": 2.0**31, "i8": 2.0**63}


class RecordingInfo(msgspec.Struct, frozen=True):
    """What a recording is. ``seconds`` is as the file tells it, so nearly exact."""

    format: str
    codec: str
    sample_rate: int
    channels: int
    seconds: float


class AudioFile:
    """A recording to be decoded. Blocking.

    The level is left as it is; channels are averaged (surround: as televisions fold it down). What is damaged
    in the middle is skipped, as players do.

    Args:
        source: an open file at any position; must be seekable.
        max_seconds: longer ones are refused.

    Raises:
        ScriptRejected: it is no recording that can be read, is protected, or is too long.
    """

    def __init__(self, source: BinaryIO, max_seconds: float = MAX_SECONDS) -> None:
        self._source = source
        self._max_seconds = max_seconds
        self.peak = 0.0
        """The largest magnitude so far, before what exceeds 1 is cut off."""
        self.damaged = 0
        """Packets that could not be decoded so far."""
        self._container = self._open()
        try:
            self._place, self._stream = self._choose()
            seconds = self._measure()
            self.info = self._describe(seconds)
        finally:
            self._container.close()
        self.damaged = 0
        if seconds > max_seconds + TOLERANCE_SECONDS:
            raise _too_long(max_seconds)

    def pieces(self) -> Generator[NDArray[np.float32], None, None]:
        """The sound from its beginning: arrays (n,) of about 200 ms, within -1..1.

        Raises:
            ScriptRejected: nothing in it can be decoded, or more comes than it said.
        """
        limit = round((self._max_seconds + TOLERANCE_SECONDS) * SPEECH_RATE)
        waiting: list[NDArray[np.float32]] = []
        count = total = 0
        for samples in self._resampled():
            loudest = float(np.max(np.abs(samples), initial=0.0))
            self.peak = max(self.peak, loudest)
            waiting.append(np.clip(samples, -1.0, 1.0) if loudest > 1.0 else samples)
            count += samples.size
            total += samples.size
            if total > limit:
                raise _too_long(self._max_seconds)
            if count >= PIECE_SAMPLES:
                yield np.concatenate(waiting)
                waiting.clear()
                count = 0
        if count:
            yield np.concatenate(waiting)
        if total == 0:
            raise ScriptRejected(
                "Nothing in the file can be decoded: it is empty, damaged or protected. Export it again."
                if self.damaged
                else "The file holds no sound. Send a recording of at least a word."
            )

    def _open(self) -> InputContainer:
        self._source.seek(0)
        try:
            return av.open(self._source, "r", options=_OPTIONS, io_open=_nothing_else)
        except MemoryError:
            raise _oversized() from None
        except (FFmpegError, ValueError, UnicodeError) as error:
            raise ScriptRejected(
                f"This is no recording that can be read, or only a part of one. Send {KINDS}."
            ) from error

    def _choose(self) -> tuple[int, AudioStream]:
        """The first sound that can be decoded, and its place among all sounds."""
        streams = self._container.streams
        if not streams.audio:
            raise ScriptRejected(
                "This film has no sound. Send one with speech in it, or a sound file."
                if streams.video
                else f"The file holds no sound. Send {KINDS}."
            )
        for place, stream in enumerate(streams.audio):
            context: AudioCodecContext | None = stream.codec_context
            if context is not None and context.name in CODECS:
                _check_header(context)
                return place, stream
        raise ScriptRejected(f"Its sound is coded in a way that is not read here. Send {KINDS}.")

    def _describe(self, seconds: float) -> RecordingInfo:
        context = self._stream.codec_context
        return RecordingInfo(
            self._container.format.name.partition(",")[0],
            context.name,
            context.sample_rate,
            context.channels,
            round(seconds, 3),
        )

    def _measure(self) -> float:
        """Seconds of sound, from the packets: what headers say is an estimate, or missing."""
        ticks = count = 0
        first: int | None = None
        end = 0
        base = self._stream.time_base or Fraction(1, self._stream.codec_context.sample_rate)
        longest = (self._max_seconds + 2 * TOLERANCE_SECONDS) / base
        sane = MAX_PACKET_SECONDS / base
        for packet in self._packets():
            # The last one of an Ogg file may claim 2**32 ticks less what is to be cut off.
            lasts = packet.duration or 0
            lasts = lasts if lasts <= sane else 0
            ticks += lasts
            count += packet.size > 0
            if packet.pts is not None:
                first = packet.pts if first is None else min(first, packet.pts)
                end = max(end, packet.pts + lasts)
            if count > MAX_PACKETS:
                raise _oversized()
            if ticks > longest:
                break
        if count == 0:
            raise ScriptRejected("The file holds no sound. Send a recording of at least a word.")
        # Browsers write some packets of MP4 without a duration; a longer span is a pause or a wrong stamp.
        span = end - (first or 0)
        if ticks < span <= 2 * ticks:
            ticks = span
        if ticks == 0 and self._container.duration:
            return self._container.duration / av.time_base
        return float(ticks * base)

    def _packets(self) -> Iterator[Packet]:
        """Those of the chosen stream; the last one is empty and flushes the decoder."""
        for _ in range(MAX_READ_ERRORS):
            try:
                yield from self._container.demux(self._stream)
                return
            except MemoryError:
                raise _oversized() from None
            except EOFError:
                return
            except FFmpegError:
                self.damaged += 1

    def _frames(self) -> Iterator[AudioFrame]:
        for packet in self._packets():
            try:
                frames = packet.decode()
            except MemoryError:
                raise _oversized() from None
            except EOFError:
                return
            except FFmpegError:
                self.damaged += 1
                continue
            yield from (frame for frame in frames if isinstance(frame, AudioFrame) and frame.samples)

    def _resampled(self) -> Iterator[NDArray[np.float32]]:
        """Mono at ``SPEECH_RATE``. Rate and channels may change in the middle, as in chained Ogg files."""
        self._container = self._open()
        with self._container:
            self._stream = self._container.streams.audio[self._place]
            context = self._stream.codec_context
            context.thread_type = "NONE"
            context.options = {"max_samples": str(MAX_FRAME_SAMPLES)}
            resampler: av.AudioResampler | None = None
            rate = SPEECH_RATE
            for frame in self._frames():
                _check_layout(frame.sample_rate, frame.layout.nb_channels)
                mono = mono_of(frame)
                if mono is None:
                    self.damaged += 1
                    continue
                if frame.sample_rate != rate:
                    if resampler is not None:
                        yield from _samples(resampler.resample(None))
                    rate = frame.sample_rate
                    resampler = None
                    if rate != SPEECH_RATE:
                        resampler = av.AudioResampler("fltp", "mono", SPEECH_RATE)
                if resampler is None:
                    yield mono
                    continue
                sound = AudioFrame.from_ndarray(mono[np.newaxis], format="fltp", layout="mono")
                sound.sample_rate = rate
                yield from _samples(resampler.resample(sound))
            if resampler is not None:
                yield from _samples(resampler.resample(None))


def mono_of(frame: AudioFrame) -> NDArray[np.float32] | None:
    """A decoded frame as one channel (n,) of floats, or ``None`` when it holds no number at all.

    Single samples that are no numbers become silence.
    """
    if frame.format.is_planar and frame.layout.nb_channels >= PLANES:
        frame = _packed(frame)
    data = frame.to_ndarray()
    if not frame.format.is_planar:
        data = data.reshape(frame.samples, -1).T
    channels = data.astype(np.float32)
    if scale := _FULL_SCALE.get(data.dtype.str[1:]):
        if data.dtype == np.uint8:
            channels -= np.float32(scale)
        channels /= np.float32(scale)
    else:
        if not np.isfinite(channels).any():
            return None
        np.nan_to_num(channels, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        np.clip(channels, -HEADROOM, HEADROOM, out=channels)
    if channels.shape[0] == 1:
        return channels[0]
    return _shares(frame) @ channels


def _packed(frame: AudioFrame) -> AudioFrame:
    """The same samples, channel after channel in one plane."""
    converter = av.AudioResampler(frame.format.name.removesuffix("p"), frame.layout, frame.sample_rate)
    (packed,) = converter.resample(frame)
    return packed


def _shares(frame: AudioFrame) -> NDArray[np.float32]:
    """How much each channel counts; together 1, so that nothing is louder than before."""
    shares = np.array(
        [_SURROUND.get(channel.name, _OTHER_CHANNEL) for channel in frame.layout.channels], np.float32
    )
    count = frame.layout.nb_channels
    if shares.size != count or not shares.any():
        return np.full(count, 1 / count, np.float32)
    return shares / shares.sum()


def _samples(frames: list[AudioFrame]) -> Iterator[NDArray[np.float32]]:
    return (frame.to_ndarray()[0] for frame in frames)


def _check_header(context: AudioCodecContext) -> None:
    if _tag(context) in PROTECTED_TAGS:
        raise ScriptRejected("The file is protected against copying (DRM). Send an unprotected recording.")
    _check_layout(context.sample_rate, context.channels)


def _tag(context: AudioCodecContext) -> str:
    try:
        return context.codec_tag.lower()
    except UnicodeDecodeError:
        return ""


def _check_layout(rate: int, channels: int) -> None:
    if not MIN_RATE <= rate <= MAX_RATE or not 1 <= channels <= MAX_CHANNELS:
        raise ScriptRejected(
            f"The file claims {channels} channels at {rate} Hz. Export it in mono or stereo at 48 kHz."
        )


def _oversized() -> ScriptRejected:
    return ScriptRejected("The file would need far more memory than a recording does. Export it again.")


def _too_long(seconds: float) -> ScriptRejected:
    limit = f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} seconds"
    return ScriptRejected(f"The recording is longer than {limit}. Send it in parts.")


def _nothing_else(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    raise PermissionError("a recording may not open another file")
