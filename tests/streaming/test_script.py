import numpy as np

from streaming.script import piece_of, samples_of


def test_sound_survives_the_trip_bit_for_bit():
    sound = np.random.default_rng(0).standard_normal(1001).astype(np.float32)
    assert np.array_equal(samples_of(piece_of(sound)), sound)
    assert len(piece_of(sound.astype(np.float64))) == 4 * sound.size
