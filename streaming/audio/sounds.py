"""All streams of sound that are open in a session."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streaming.audio.stream import SoundStream, Speaker
from streaming.clock import Clock
from streaming.errors import CapacityReached, ScriptRejected, UnknownUtterance
from streaming.protocol import MAX_END_SILENCE_SECONDS, MIN_END_SILENCE_SECONDS

MAX_STREAMS = 16


class Sounds:
    """Opens, feeds and ends streams.

    Args:
        speaker: says what they make.
        clock: time.
    """

    def __init__(self, speaker: Speaker, clock: Clock) -> None:
        self._speaker = speaker
        self._clock = clock
        self._streams: dict[str, SoundStream] = {}

    def __contains__(self, name: str) -> bool:
        """Whether what comes under this name is said."""
        stream = self._streams.get(name)
        return stream is not None and not stream.cut_off

    def open(self, name: str, *, live: bool, end_after_silence: float | None, sender: object = None) -> None:
        """Take this sender's sound under this name from now on.

        Raises:
            CapacityReached: too many are open, or too much waits in the queue.
            ScriptRejected: the silence is too short or too long.
        """
        if end_after_silence is not None and not (
            MIN_END_SILENCE_SECONDS <= end_after_silence <= MAX_END_SILENCE_SECONDS
        ):
            raise ScriptRejected(
                f"end_after_silence must be {MIN_END_SILENCE_SECONDS} to {MAX_END_SILENCE_SECONDS:.0f} s, "
                f"not {end_after_silence}."
            )
        if len(self._streams) >= MAX_STREAMS:
            self._forget_cut_off()
        if len(self._streams) >= MAX_STREAMS:
            raise CapacityReached(f"{MAX_STREAMS} streams of sound are open already. End one of them first.")

        self._streams[name] = SoundStream(
            name,
            live=live,
            end_after_silence=end_after_silence,
            sender=sender,
            speaker=self._speaker,
            clock=self._clock,
        )

    async def append(
        self, name: str, samples: NDArray[np.float32], final: bool, sender: object = None
    ) -> None:
        """More sound of a stream; returns when still more is welcome.

        Raises:
            UnknownUtterance: no such stream of this sender is open.
            ScriptRejected: the sound is not what it should be, or too long.
            CapacityReached: too many utterances wait.
        """
        stream = self._streams.get(name)
        # An interrupt frees the name, which somebody else may have taken since.
        if stream is None or stream.sender is not sender:
            raise UnknownUtterance(f"There is no open sound {name}. Begin one with say_audio.")
        if samples.ndim != 1 or samples.dtype != np.float32:
            raise ScriptRejected("Sound must be float32 mono: an array of shape (n,).")
        try:
            await stream.push(samples, final=final)
        finally:
            if final:
                stream.finish()
            self._forget(stream)

    def cut(self) -> None:
        """An interrupt has dropped all utterances."""
        for stream in self._streams.values():
            stream.cut()

    def tick(self) -> None:
        """Called with every slot: ends what its sender has left."""
        for stream in list(self._streams.values()):
            stream.tick()
            self._forget(stream)

    def _forget_cut_off(self) -> None:
        """Let the oldest stream go of which nothing is wanted; its sender is told so when it sends more."""
        oldest = next((name for name, stream in self._streams.items() if stream.cut_off), None)
        if oldest is not None:
            del self._streams[oldest]

    def _forget(self, stream: SoundStream) -> None:
        if stream.closed and self._streams.get(stream.name) is stream:
            del self._streams[stream.name]
