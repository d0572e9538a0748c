import numpy as np
import pytest

from streaming.face.finishing import Target
from streaming.face.following import FollowingMouth
from streaming.speech.base import Phoneme, SpeechChunk

RATE = 24_000


def chunk(*parts):
    sounds, at = [], 0.0
    for symbol, seconds in parts:
        sounds.append(Phoneme(symbol, at, at + seconds, 1.0))
        at += seconds
    return SpeechChunk(np.zeros(round(at * RATE), np.float32), sounds)


def targets(mouth, *chunks) -> list[Target]:
    out: list[Target] = []
    for each in chunks:
        out += mouth.push(each)
    return out + mouth.finish()


def test_a_closure_is_seen_in_the_frame_nearest_to_it():
    # Held from .30 to .3464 s; frame 7 shows .32 s.
    shown = targets(FollowingMouth(), chunk(("ɑ", 0.3), ("b", 0.08), ("ɑ", 0.3)))
    assert len(shown) == 17
    assert [i for i, target in enumerate(shown) if target.closure] == [7]
    assert shown[7].aperture == 0.0 and shown[7].press == 1.0


def test_a_later_stretch_is_the_same_mouth_later():
    speech = chunk(("ɑ", 0.3), ("b", 0.08), ("i", 0.3))
    alone, later = targets(FollowingMouth(), speech), targets(FollowingMouth(10 * 960), speech)
    assert len(alone) == len(later)
    assert [t.aperture for t in later] == pytest.approx([t.aperture for t in alone], abs=1e-9)


@pytest.mark.parametrize(("start", "frames"), [(0, 5), (1, 4), (959, 5), (960, 5), (961, 4)])
def test_a_stretch_has_the_frames_that_begin_in_it(start, frames):
    assert len(targets(FollowingMouth(start), chunk(("ɑ", 4500 / RATE)))) == frames


def test_a_closure_at_the_very_start_of_a_later_stretch_is_seen():
    shown = targets(FollowingMouth(1000), chunk(("m", 0.03), ("ɑ", 0.3)))
    assert shown[0].closure
