import numpy as np

from precompute.gaze import follow_gaze


def test_lids_hide_what_the_eye_does_and_the_rest_follows():
    ahead = np.full((40, 60, 3), 200, np.uint8)
    look = ahead.copy()
    look[10:30, 20:40] = 120
    lowered = ahead.copy()
    lowered[:20] = 90
    found = follow_gaze(lowered, ahead, look)
    np.testing.assert_array_equal(found[:16], lowered[:16])
    np.testing.assert_array_equal(found[24:28, 24:36], look[24:28, 24:36])
