import numpy as np

from streaming.speech.limiter import CEILING, KNEE, limited


def test_what_is_below_the_knee_stays_and_nothing_passes_the_ceiling():
    pcm = np.linspace(-5, 5, 2001, dtype=np.float32)
    bent = limited(pcm.copy())
    low = np.abs(pcm) <= KNEE
    assert np.array_equal(bent[low], pcm[low])
    assert np.abs(bent).max() <= CEILING
    assert np.abs(bent[~low]).min() > KNEE


def test_louder_stays_louder_and_signs_are_kept():
    pcm = np.linspace(-1.5, 1.5, 301, dtype=np.float32)
    bent = limited(pcm.copy())
    assert (np.diff(bent) > 0).all()
    assert np.allclose(bent, -bent[::-1], atol=1e-6)
