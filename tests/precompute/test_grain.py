import dataclasses

import numpy as np

from precompute.grain import photo_grain


def test_added_noise_is_measured(closed_portrait):
    plain = photo_grain(closed_portrait)
    noise = np.random.default_rng(0).normal(0, 6, closed_portrait.frame.shape[:2])[..., None]
    noisy = np.clip(closed_portrait.frame + noise, 0, 255).astype(np.uint8)
    assert photo_grain(dataclasses.replace(closed_portrait, frame=noisy)) > plain + 2
