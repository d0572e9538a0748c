import numpy as np
import pytest

from streaming.face.loudness import Loudness


def levels(pcm, frames, step=None):
    loudness = Loudness()
    for i in range(0, len(pcm), step or max(1, len(pcm))):
        loudness.add(pcm[i : i + (step or len(pcm))])
    loudness.finish()
    return [loudness.take() for _ in range(frames)]


def tone(seconds, level):
    return (level * np.sin(np.arange(round(seconds * 24_000)) * 0.05)).astype(np.float32)


def test_silence_is_zero_and_speech_is_not():
    assert levels(np.zeros(9600, np.float32), 10) == [0.0] * 10
    loud, soft = levels(tone(1, 0.3), 25), levels(tone(1, 0.03), 25)
    assert loud[12] > 0.8 > 0.6 > soft[12] > 0.2
    assert all(0.0 <= x <= 1.0 for x in loud)


def test_it_falls_slower_than_it_rises():
    x = levels(np.concatenate((np.zeros(4800, np.float32), tone(0.4, 0.3), np.zeros(9600, np.float32))), 25)
    assert x[3] == 0.0 and x[7] > 0.7 and 0.2 < x[18] < x[15]


def test_pieces_do_not_matter():
    pcm = tone(0.73, 0.2)
    assert levels(pcm, 19, 333) == pytest.approx(levels(pcm, 19), abs=1e-6)
