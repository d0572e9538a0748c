import numpy as np

from precompute.hdr import HLG, PQ, Curve, to_sdr


def grey(code: float) -> np.ndarray:
    return np.full((2, 2, 3), round(code * 65535), np.uint16)


def test_black_is_black_and_what_is_brightest_is_white():
    for curve in (HLG, PQ):
        assert (to_sdr(grey(0), curve) == 0).all()
        assert to_sdr(grey(1), curve).min() >= 250


def test_paper_is_nearly_white_and_grey_stays_between():
    # BT.2408: paper at 203 cd/m2 is 75 % of HLG and 58 % of PQ; a face in good light about 17 % below.
    codes: dict[Curve, tuple[float, float]] = {HLG: (0.75, 0.52), PQ: (0.58, 0.44)}
    for curve, (paper, skin) in codes.items():
        white, face = int(to_sdr(grey(paper), curve).mean()), int(to_sdr(grey(skin), curve).mean())
        assert 220 < white < 250 and 110 < face < 190, (curve, white, face)


def test_more_light_is_never_darker():
    ramp = np.linspace(0, 65535, 500).astype(np.uint16)
    picture = np.repeat(np.tile(ramp, (2, 1))[..., None], 3, axis=2)
    for curve in (HLG, PQ):
        assert (np.diff(to_sdr(picture, curve)[0, :, 0].astype(int)) >= 0).all()


def test_wide_colours_get_more_saturated_codes_and_stay_in_range():
    red = np.zeros((1, 1, 3), np.uint16)
    red[..., 2], red[..., :2] = 40_000, 20_000
    out = to_sdr(red, HLG)[0, 0].astype(int)
    plain = (red[0, 0] >> 8).astype(int)
    assert out[2] - out[0] > plain[2] - plain[0]
