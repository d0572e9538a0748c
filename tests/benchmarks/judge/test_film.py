import numpy as np
import pytest

from benchmarks.judge.film import GAP_FRAMES, IDLE_FRAMES, Span, length_of, quiet_of, script_of, spans_of
from benchmarks.judge.utterances import Utterance
from streaming.compositor.easing import REST_FRAMES
from streaming.slots import MouthShape
from streaming.timing import SLOT_SAMPLES


def said(samples):
    return Utterance("", "", np.full(samples, 0.5, np.float32))


def test_utterances_lie_between_idle_frames():
    spans = spans_of([said(3 * SLOT_SAMPLES), said(SLOT_SAMPLES + 1)])
    first = IDLE_FRAMES + 3 + GAP_FRAMES
    assert spans == (Span(IDLE_FRAMES, IDLE_FRAMES + 3), Span(first, first + 2))
    assert length_of(spans) == first + 2 + IDLE_FRAMES


def test_frames_are_quiet_once_the_mouth_had_time_to_rest():
    quiet = quiet_of([Span(50, 53)])
    assert np.flatnonzero(~quiet).tolist() == list(range(50, 53 + REST_FRAMES))


def test_the_script_shows_patch_and_sound_together():
    utterances = [said(3 * SLOT_SAMPLES), said(SLOT_SAMPLES + 1)]
    patches = [[MouthShape(0.1)] * 3, [MouthShape(0.2)] * 2]
    script = list(script_of(utterances, patches))
    spans = spans_of(utterances)
    assert len(script) == length_of(spans)
    for i, (patch, sound) in enumerate(script):
        speaking = any(span.first <= i < span.stop for span in spans)
        assert (patch is not None) == speaking == bool(sound.any())
        assert sound.shape == (SLOT_SAMPLES,)
    assert np.count_nonzero(script[spans[1].stop - 1][1]) == 1


def test_a_face_that_loses_frames_is_found_out():
    with pytest.raises(ValueError, match="made 1 frames"):
        list(script_of([Utterance("x", "", np.zeros(2 * SLOT_SAMPLES, np.float32))], [[MouthShape()]]))
