"""Speech made faster or slower while it streams; its pitch stays (FFmpeg's ``atempo``, which is WSOLA)."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from streaming.timing import SPEECH_RATE

SLOWEST, FASTEST = 0.5, 2.0


class Tempo:
    """Changes the tempo of one stream of speech.

    Args:
        speed: 0.5 .. 2.0; at 1 samples pass unchanged.
    """

    def __init__(self, speed: float) -> None:
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"The speed must lie between {SLOWEST} and {FASTEST}, not {speed:g}.")
        self._speed = speed
        self._taken = self._given = 0
        self._graph = None if speed == 1 else _graph(speed)

    def push(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples (n,) at 24 kHz; what can be given by now, some 40 ms later than it came."""
        if self._graph is None or not pcm.size:
            return pcm
        frame = av.AudioFrame.from_ndarray(pcm[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SPEECH_RATE, self._taken, Fraction(1, SPEECH_RATE)
        self._taken += len(pcm)
        self._graph.push(frame)
        return self._pull()

    def flush(self) -> NDArray[np.float32]:
        """The stream ends: what is left, so that the whole has its length divided by the speed."""
        if self._graph is None:
            return np.zeros(0, np.float32)
        missing = round(self._taken / self._speed) - self._given
        self._graph.push(None)
        rest = self._pull()[: max(0, missing)]
        return np.concatenate((rest, np.zeros(max(0, missing - len(rest)), np.float32)))

    def _pull(self) -> NDArray[np.float32]:
        assert self._graph is not None
        parts: list[NDArray[np.float32]] = []
        while True:
            try:
                frame = self._graph.pull()
            except (BlockingIOError, EOFError):
                break
            assert isinstance(frame, av.AudioFrame)
            parts.append(frame.to_ndarray()[0])
        pcm = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        self._given += len(pcm)
        return pcm


def _graph(speed: float) -> Graph:
    graph = Graph()
    source = graph.add(
        "abuffer",
        sample_rate=str(SPEECH_RATE),
        sample_fmt="flt",
        channel_layout="mono",
        time_base=f"1/{SPEECH_RATE}",
    )
    tempo, sink = graph.add("atempo", f"{speed:g}"), graph.add("abuffersink")
    source.link_to(tempo)
    tempo.link_to(sink)
    graph.configure()
    return graph
