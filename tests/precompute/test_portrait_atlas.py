import numpy as np
import pytest

from avatars.atlas import MOTIONS, validate
from precompute.portrait_atlas import APERTURES, GAZES, LIDS, TONGUE_LEVELS, WIDTHS

GROUPS = ("mouths", "press", "bite", "tongue", "eyes")


def on_still(atlas, picture, rect):
    x, y, w, h = (int(v) for v in rect)
    full = atlas.still.copy()
    full[y : y + h, x : x + w] = picture
    return full


def crop(atlas, rect):
    x, y, w, h = (int(v) for v in rect)
    return atlas.still[y : y + h, x : x + w]


def test_atlas_is_valid_and_complete(smiling_atlas):
    validate(smiling_atlas)
    assert smiling_atlas.mouths.shape[:2] == (len(APERTURES), len(WIDTHS))
    assert smiling_atlas.eyes.shape[:2] == (len(LIDS), len(GAZES))
    assert len(smiling_atlas.tongue) == len(TONGUE_LEVELS)
    assert smiling_atlas.motion.shape == (len(MOTIONS), 33, 33, 2)
    assert smiling_atlas.still.shape == (512, 512, 3) and smiling_atlas.landmarks.shape == (468, 2)


def test_rest_pictures_equal_the_still(smiling_atlas):
    atlas = smiling_atlas
    assert (atlas.mouths[0, WIDTHS.index(0.0)] == crop(atlas, atlas.mouth_rect)).all()
    assert (atlas.eyes[0, 0] == crop(atlas, atlas.eye_rect)).all()


@pytest.mark.parametrize("group", GROUPS)
def test_every_picture_meets_the_still_at_its_edges(smiling_atlas, group):
    rect = smiling_atlas.eye_rect if group == "eyes" else smiling_atlas.mouth_rect
    still = crop(smiling_atlas, rect)
    pictures = getattr(smiling_atlas, group).reshape(-1, *still.shape)
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):
        for picture in pictures:
            assert (picture[edge] == still[edge]).all()


def test_mouth_of_a_smiling_photo_is_closed_at_rest(smiling_atlas, smiling_portrait, finder):
    face = finder.detect(smiling_portrait.frame)[0]
    photo = finder.mesh(smiling_portrait.frame, face).mouth_opening
    rest = finder.mesh(smiling_atlas.still, face).mouth_opening
    assert photo > 0.09 and rest < 0.05


def test_mouth_opens_with_aperture(smiling_atlas, finder):
    face = finder.detect(smiling_atlas.still)[0]
    openings = [
        finder.mesh(
            on_still(smiling_atlas, smiling_atlas.mouths[a, WIDTHS.index(0.0)], smiling_atlas.mouth_rect),
            face,
        ).mouth_opening
        for a in range(0, len(APERTURES), 2)
    ]
    assert (np.diff(openings) > 0.002).all() and openings[-1] > 0.12


def test_round_mouths_are_narrower_than_spread_ones(smiling_atlas, finder):
    face = finder.detect(smiling_atlas.still)[0]
    a = APERTURES.index(0.32)
    widths = []
    for j in (0, WIDTHS.index(0.0), -1):
        frame = on_still(smiling_atlas, smiling_atlas.mouths[a, j], smiling_atlas.mouth_rect)
        points = finder.mesh(frame, face).points
        widths.append(np.linalg.norm(points[61, :2] - points[291, :2]))
    assert widths[0] < 0.92 * widths[1] and widths[1] < 0.97 * widths[2]


def test_progress_rises_to_one(smiling_atlas, progress_calls):
    assert progress_calls[-1] == 1 and len(progress_calls) > 50
    assert (np.diff(progress_calls) > 0).all()
