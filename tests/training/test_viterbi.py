import itertools

import numpy as np
import pytest

from streaming.speech.base import Phoneme
from training.visemes.labels import CLASS_COUNT, classes
from training.visemes.viterbi import FARTHEST_ROWS, moved_sounds

TRUE = (
    Phoneme("_", 0.0, 0.3),
    Phoneme("b", 0.3, 0.4),
    Phoneme("A", 0.4, 0.62, 1.0),
    Phoneme("s", 0.62, 0.75),
    Phoneme("_", 0.75, 1.0),
)


def heard(sounds: tuple[Phoneme, ...], rows: int = 100) -> np.ndarray:
    posteriors = np.full((rows, CLASS_COUNT), -4.0, np.float32)
    posteriors[np.arange(rows), classes(sounds, rows)] = -0.1
    return posteriors


def late(seconds: float) -> tuple[Phoneme, ...]:
    edges = [0.0, *(sound.end + seconds for sound in TRUE[:-1]), 1.0]
    pairs = zip(TRUE, edges[:-1], edges[1:], strict=True)
    return tuple(Phoneme(s.symbol, a, b, s.stress) for s, a, b in pairs)


@pytest.mark.parametrize("seconds", [-0.05, 0.0, 0.03, 0.06])
def test_boundaries_go_to_where_they_are_heard(seconds: float) -> None:
    moved = moved_sounds(late(seconds), heard(TRUE))
    assert moved is not None
    assert [sound.symbol for sound in moved] == [sound.symbol for sound in TRUE]
    assert [sound.start for sound in moved] == pytest.approx([s.start for s in TRUE], abs=0.011)
    assert moved[2].stress == 1.0
    assert all(one.end == other.start for one, other in itertools.pairwise(moved))


def test_boundaries_stay_near() -> None:
    given = late(0.2)
    moved = moved_sounds(given, heard(TRUE))
    assert moved is not None
    assert all(
        abs(a.start - b.start) <= FARTHEST_ROWS / 100 + 1e-9 for a, b in zip(moved, given, strict=True)
    )


def test_what_is_too_short_for_its_sounds_is_left() -> None:
    assert moved_sounds(TRUE, heard(TRUE)[:10]) is None
