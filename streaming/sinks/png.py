"""A zip of one PNG for each frame, with alpha where the person has nothing behind, and the sound as WAV."""

from __future__ import annotations

import os
import struct
import tempfile
import wave
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO

import av
import cv2
import numpy as np

from streaming.credits import Credits
from streaming.encoders.video import check_frame, check_size
from streaming.sinks.film import Alpha, Samples, check_fat, nothing_spoken, partial_path
from streaming.sinks.planes import to_bgra
from streaming.timing import SLOT_SAMPLES, SLOT_SECONDS, SPEECH_RATE

COMPRESSION = 3
"""Of zlib, 0 to 9. More costs time, and little is gained with photos."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""A zip's date for what has none."""
_SIGNATURE_AND_HEADER = 8 + 25
"""Bytes of a PNG before its second chunk."""


class PngSink:
    """Implements :class:`streaming.sinks.film.FilmSink`. Frames are written as they come; alpha is straight.

    Args:
        path: where the file shall be.
        width: pixels, even.
        height: pixels, even.
        credits: what the film says about itself.
        transparent: whether frames come with alpha.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        credits: Credits | None = None,
        transparent: bool = False,
    ) -> None:
        check_size(width, height)
        self.path = path
        self.frames = 0
        self._size = width, height
        self._transparent = transparent
        self._partial = partial_path(path)
        self._finished = False
        self._sound: IO[bytes] | None = None
        self._wave: wave.Wave_write | None = None
        self._extra = b""
        self._zip = zipfile.ZipFile(self._partial, "w", zipfile.ZIP_STORED)
        try:
            # Without a name: it goes with the process, whatever happens.
            self._sound = tempfile.TemporaryFile(dir=path.parent)
            self._wave = wave.open(self._sound, "wb")
            self._wave.setnchannels(1)
            self._wave.setsampwidth(2)
            self._wave.setframerate(SPEECH_RATE)
            if credits is not None:
                self._extra = _text_chunk("XML:com.adobe.xmp", credits.xmp())
                self._add("about.txt", _about(credits))
        except BaseException:
            self.abort()
            raise

    def write(self, frame: av.VideoFrame, samples: Samples, alpha: Alpha | None = None) -> None:
        """Append one slot; see :class:`streaming.sinks.film.FilmSink`."""
        if self._finished or self._wave is None:
            raise ValueError("The file is finished.")
        check_frame(frame, *self._size)
        if samples.shape != (SLOT_SAMPLES,):
            raise ValueError(f"A slot has {SLOT_SAMPLES} samples, got an array of shape {samples.shape}.")
        if self._transparent and alpha is None:
            raise ValueError("A film with alpha needs it with every frame.")
        picture = to_bgra(frame, alpha if self._transparent else None)
        encoded, data = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, COMPRESSION])
        if not encoded:
            raise ValueError("The frame cannot be written as a PNG.")
        png = data.tobytes()
        start = _SIGNATURE_AND_HEADER
        self._add(f"frames/{self.frames:06}.png", b"".join((png[:start], self._extra, png[start:])))
        sound = np.clip(np.rint(samples * 32767), -32768, 32767)
        self._wave.writeframesraw(sound.astype("<i2").tobytes())
        self.frames += 1
        check_fat(self.frames, self._partial)

    def close(self) -> float:
        """Finish the file and give it its name; see :class:`streaming.sinks.film.FilmSink`."""
        if self._finished or self._wave is None or self._sound is None:
            return self.frames * SLOT_SECONDS
        if self.frames == 0:
            self.abort()
            raise nothing_spoken()
        try:
            self._wave.close()
            self._sound.seek(0)
            with self._zip.open(_entry("sound.wav"), "w") as target:
                while piece := self._sound.read(1 << 20):
                    target.write(piece)
            self._zip.close()
            self._sound.close()
            os.replace(self._partial, self.path)
            self._finished = True
        except BaseException:
            self.abort()
            raise
        return self.frames * SLOT_SECONDS

    def abort(self) -> None:
        """Give up and remove what was written; see :class:`streaming.sinks.film.FilmSink`."""
        if self._finished:
            return
        self._finished = True
        with suppress(OSError, ValueError):
            self._zip.close()
        if self._wave is not None:
            with suppress(OSError, wave.Error):
                self._wave.close()
        if self._sound is not None:
            self._sound.close()
        self._partial.unlink(missing_ok=True)

    def _add(self, name: str, data: bytes) -> None:
        self._zip.writestr(_entry(name), data)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, LONG_AGO)
    entry.external_attr = 0o644 << 16
    return entry


def _about(credits: Credits) -> bytes:
    return "".join(f"{name}: {value}\n" for name, value in credits.fields().items()).encode()


def _text_chunk(keyword: str, text: str) -> bytes:
    """An iTXt chunk, not compressed, without a language."""
    data = keyword.encode() + bytes(5) + text.encode()
    body = b"iTXt" + data
    return b"".join((struct.pack(">I", len(data)), body, struct.pack(">I", zlib.crc32(body))))
