"""Speech made faster, slower, higher or deeper while it streams (FFmpeg's ``atempo``, which is WSOLA)."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from streaming.timing import SPEECH_RATE

SLOWEST, FASTEST = 0.5, 2.0
DEEPEST, HIGHEST = -12.0, 12.0
"""Semitones."""


class _Stretched:
    """One stream of speech on its way through filters.

    Args:
        filters: name and arguments of each; none: samples pass unchanged.
        ratio: length of what comes out by that of what goes in.
    """

    def __init__(self, filters: tuple[tuple[str, str], ...], ratio: float) -> None:
        self._ratio = ratio
        self._taken = self._given = 0
        self._graph = _graph(filters) if filters else None

    def push(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples (n,) at 24 kHz; what can be given by now, some 40 ms later than it came."""
        if self._graph is None or not pcm.size:
            return pcm
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm)[None], format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SPEECH_RATE, self._taken, Fraction(1, SPEECH_RATE)
        self._taken += len(pcm)
        self._graph.push(frame)
        return self._pull()

    def flush(self) -> NDArray[np.float32]:
        """The stream ends: what is left, so that the whole has its due length."""
        if self._graph is None:
            return np.zeros(0, np.float32)
        missing = max(0, round(self._taken * self._ratio) - self._given)
        self._graph.push(None)
        rest = self._pull()[:missing]
        return np.concatenate((rest, np.zeros(missing - len(rest), np.float32)))

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


class Tempo(_Stretched):
    """Changes how fast speech is; its pitch stays.

    Args:
        speed: 0.5 .. 2.0; at 1 samples pass unchanged.
    """

    def __init__(self, speed: float) -> None:
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"The speed must lie between {SLOWEST} and {FASTEST}, not {speed:g}.")
        super().__init__((("atempo", f"{speed:g}"),) if speed != 1 else (), 1 / speed)


class Pitch(_Stretched):
    """Changes how high speech is, and the colour of the voice with it; its length stays.

    Args:
        semitones: -12 .. 12; at 0 samples pass unchanged.
    """

    def __init__(self, semitones: float) -> None:
        if not DEEPEST <= semitones <= HIGHEST:
            raise ValueError(f"The pitch must lie between {DEEPEST} and {HIGHEST}, not {semitones:g}.")
        rate = round(SPEECH_RATE * 2 ** (semitones / 12))
        filters = (
            ("asetrate", str(rate)),
            ("aresample", str(SPEECH_RATE)),
            ("atempo", f"{SPEECH_RATE / rate:.6f}"),
            ("aformat", "sample_fmts=flt"),
        )
        super().__init__(filters if semitones else (), 1.0)


def _graph(filters: tuple[tuple[str, str], ...]) -> Graph:
    graph = Graph()
    last = graph.add(
        "abuffer",
        sample_rate=str(SPEECH_RATE),
        sample_fmt="flt",
        channel_layout="mono",
        time_base=f"1/{SPEECH_RATE}",
    )
    for name, arguments in (*filters, ("abuffersink", "")):
        following = graph.add(name, arguments or None)
        last.link_to(following)
        last = following
    graph.configure()
    return graph
