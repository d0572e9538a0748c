"""A process that decodes one file: ``python -m streaming.audio.decode_child 600 < file``.

FFmpeg reads what strangers wrote. Here it can neither open another file, nor a socket, nor take more memory
or time than a recording needs; and when it crashes, nothing else does. Started by
:mod:`streaming.audio.recording`, which reads its standard output: messages of a kind (u8), a length (u32,
little-endian) and a body.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
import wave
from contextlib import suppress
from typing import BinaryIO

import msgspec

from streaming.audio.decode import AudioFile
from streaming.confinement import confine, refuse, send
from streaming.errors import LipstreamError, ScriptRejected
from streaming.script import piece_of
from streaming.timing import SPEECH_RATE

INFO, PIECE, END, REFUSED = range(4)

MEMORY_BYTES = 640 << 20
"""Address space. Code and libraries take 300 MB of it, a decoder at work a few."""
CPU_SECONDS = 60
"""Ten minutes of any format take about three."""


class Ended(msgspec.Struct, frozen=True):
    """What a whole file turned out to hold: its largest magnitude, and how many packets were damaged."""

    peak: float
    damaged: int


def _load_all() -> None:
    """Have Python load what it loads late: decode a little sound that needs resampling."""
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((2, 2, 2 * SPEECH_RATE, 0, "NONE", ""))
        file.writeframes(bytes(4 * SPEECH_RATE // 10))
    for _ in AudioFile(sound).pieces():
        pass


def main(source: BinaryIO, sink: BinaryIO, max_seconds: float) -> None:
    """Decode ``source`` and write messages to ``sink``."""
    try:
        file = AudioFile(source, max_seconds)
        send(sink, INFO, msgspec.json.encode(file.info))
        for piece in file.pieces():
            send(sink, PIECE, piece_of(piece))
        send(sink, END, msgspec.json.encode(Ended(file.peak, file.damaged)))
    except LipstreamError as error:
        refuse(sink, REFUSED, error.code, error.message)
    except BrokenPipeError:
        raise
    except Exception:
        # Whatever FFmpeg made of it, it is the file's doing. The log of the server shows it.
        traceback.print_exc()
        message = "The file is built in a way that cannot be read. Export it again."
        refuse(sink, REFUSED, ScriptRejected.code, message)


if __name__ == "__main__":
    _load_all()
    confine(MEMORY_BYTES, CPU_SECONDS)
    # A reader that went away is no error.
    with suppress(BrokenPipeError):
        main(open(0, "rb", closefd=False), sys.stdout.buffer, float(sys.argv[1]))
    # Nothing is left to flush into a pipe that may be closed.
    os._exit(0)
