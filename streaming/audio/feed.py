"""Sound on its way into a film while it is still being sent: from one sender to one renderer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import numpy as np
from numpy.typing import NDArray

from streaming.audio.utterance import MAX_SOUND_SECONDS
from streaming.errors import LipstreamError
from streaming.script import piece_of
from streaming.timing import SPEECH_RATE

MAX_FEED_SECONDS = MAX_SOUND_SECONDS
"""The longest film of a stream: as long as an utterance of sound may be."""
WAITING_SECONDS = 10.0
"""Of sound that a renderer has not taken yet (1 MB). Live sound seldom waits; what comes faster has to."""
PIECE_SECONDS = 0.2
"""Passed on at once: nobody waits for a frame, and each piece costs the performer a step."""

_SAMPLE_BYTES = 4
_WAITING_BYTES = round(WAITING_SECONDS * SPEECH_RATE) * _SAMPLE_BYTES
_PIECE_BYTES = round(PIECE_SECONDS * SPEECH_RATE) * _SAMPLE_BYTES


class SoundFeed:
    """A bounded queue of sound. Senders wait while it is full, the renderer while it is empty.

    Args:
        max_seconds: what comes beyond is not taken.

    Attributes:
        samples: taken so far, at 24 kHz.
        complete: no more is taken; what came is rendered to its end.
        overflowed: more came than fits.
    """

    def __init__(self, max_seconds: float = MAX_FEED_SECONDS) -> None:
        self.samples = 0
        self.complete = False
        self.overflowed = False
        self.max_seconds = max_seconds
        self._max_samples = round(max_seconds * SPEECH_RATE)
        self._error: LipstreamError | None = None
        self._waiting = bytearray()
        self._more = asyncio.Event()
        self._room = asyncio.Event()

    @property
    def seconds(self) -> float:
        """How much sound was taken."""
        return self.samples / SPEECH_RATE

    async def push(self, samples: NDArray[np.float32]) -> bool:
        """Take more sound: (n,) at 24 kHz, within -1..1. Of what is too much, the part that fits is taken.

        Returns:
            Once more is welcome: true; false when nothing more is taken.
        """
        if self.complete:
            return False
        taken = samples[: self._max_samples - self.samples]
        self.samples += taken.size
        self._waiting += piece_of(taken)
        if taken.size < samples.size:
            self.overflowed = True
            self.finish()
        self._more.set()
        while len(self._waiting) >= _WAITING_BYTES and not self.complete:
            self._room.clear()
            await self._room.wait()
        return not self.complete

    def finish(self) -> None:
        """No more sound comes; what came is rendered to its end."""
        self.complete = True
        self._more.set()
        self._room.set()

    def close(self, error: LipstreamError | None = None) -> None:
        """Drop what waits; nothing more is taken. A renderer that is not through gets the error."""
        self._error = error
        self._waiting.clear()
        self.finish()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The sound, once: little-endian float32, in pieces of 0.2 s and a last one that may be shorter.

        Raises:
            LipstreamError: what the feed was closed with.
        """
        while True:
            while len(self._waiting) >= _PIECE_BYTES or (self.complete and self._waiting):
                piece = bytes(self._waiting[:_PIECE_BYTES])
                del self._waiting[:_PIECE_BYTES]
                self._room.set()
                yield piece
            if self._error is not None:
                raise self._error
            if self.complete:
                return
            self._more.clear()
            await self._more.wait()
