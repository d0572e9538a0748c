import numpy as np

from streaming.audio.joint import JOINT_SECONDS, joined
from streaming.timing import SPEECH_RATE

TONE = (0.4 * np.cos(np.arange(960) * 0.03)).astype(np.float32)


def test_no_step_is_left_and_what_follows_is_as_it_was():
    out = joined(-0.4, TONE)
    assert out[0] == np.float32(-0.4)
    assert np.abs(np.diff(out)).max() < 0.03
    after = round(JOINT_SECONDS * SPEECH_RATE)
    assert np.array_equal(out[after:], TONE[after:])
    assert TONE[0] == np.float32(0.4), "the original is left alone"


def test_before_silence_it_is_a_fade():
    out = joined(0.5, np.zeros(960, np.float32))
    assert out[0] == 0.5 and np.all(np.diff(out) <= 0) and not out[120:].any()


def test_short_and_empty_sound():
    assert joined(0.5, np.zeros(0, np.float32)).size == 0
    assert joined(0.5, np.zeros(3, np.float32)).size == 3
