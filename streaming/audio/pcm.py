"""Raw PCM as clients send it, in pieces of any size, to the 24 kHz floats of the line."""

from __future__ import annotations

from typing import Literal, get_args

import av
import numpy as np
from numpy.typing import NDArray

from streaming.errors import ScriptRejected
from streaming.timing import SPEECH_RATE

AudioEncoding = Literal["pcm_s16le", "pcm_f32le"]

MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 48_000

_DTYPES = {"pcm_s16le": np.dtype("<i2"), "pcm_f32le": np.dtype("<f4")}
_FULL_SCALE = 32_768.0


def bytes_per_second(encoding: AudioEncoding, sample_rate: int) -> int:
    """How much a second of mono PCM takes."""
    return _DTYPES[encoding].itemsize * sample_rate


class PcmReader:
    """Reads one stream of mono PCM. The samples are the same however the bytes are cut.

    Another rate is resampled by libswresample, whose filter holds back 2 ms at most.

    Args:
        encoding: 16-bit integers or 32-bit floats, little-endian.
        sample_rate: samples per second, 8000 to 48000.

    Raises:
        ScriptRejected: the encoding or the rate is none of these.
    """

    def __init__(self, encoding: AudioEncoding, sample_rate: int) -> None:
        if encoding not in get_args(AudioEncoding):
            raise ScriptRejected(f"PCM is one of {', '.join(get_args(AudioEncoding))}, not {encoding}.")
        if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
            raise ScriptRejected(
                f"The sample rate must be {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz, not {sample_rate}."
            )
        self.sample_rate = sample_rate
        self._dtype = _DTYPES[encoding]
        self._rest = b""
        self._resampler = self._new_resampler()

    def push(self, data: bytes) -> NDArray[np.float32]:
        """Take the next bytes; a sample may begin in one piece and end in the next.

        Returns:
            What is decided now: (n,) at 24 kHz, within -1..1.

        Raises:
            ScriptRejected: a float is not finite; the piece is dropped.
        """
        if self._rest:
            data = self._rest + data
        whole = len(data) - len(data) % self._dtype.itemsize
        self._rest = data[whole:]
        values = np.frombuffer(data, self._dtype, whole // self._dtype.itemsize)
        if self._dtype.kind == "i":
            samples = values.astype(np.float32) / np.float32(_FULL_SCALE)
        else:
            if not np.isfinite(values).all():
                raise ScriptRejected("The sound holds NaN or infinity. Send floats between -1 and 1.")
            samples = np.clip(values, -1.0, 1.0).astype(np.float32, copy=False)
        if self._resampler is None or not samples.size:
            return samples
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
        frame.sample_rate = self.sample_rate
        return self._resample(frame)

    def finish(self) -> NDArray[np.float32]:
        """The sound ends: what the resampler still held. Half a sample at the end counts as nothing.

        The next push begins another sound.
        """
        self._rest = b""
        last = self._resample(None)
        self._resampler = self._new_resampler()
        return last

    def _new_resampler(self) -> av.AudioResampler | None:
        if self.sample_rate == SPEECH_RATE:
            return None
        return av.AudioResampler(format="flt", layout="mono", rate=SPEECH_RATE)

    def _resample(self, frame: av.AudioFrame | None) -> NDArray[np.float32]:
        if self._resampler is None:
            return np.zeros(0, np.float32)
        parts = [made.to_ndarray()[0] for made in self._resampler.resample(frame)]
        if not parts:
            return np.zeros(0, np.float32)
        # The filter may overshoot a sound that is clipped already.
        return np.clip(np.concatenate(parts), -1.0, 1.0)
