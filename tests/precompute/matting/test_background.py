import numpy as np
import pytest

from precompute.errors import AvatarRejected
from precompute.matting.background import Blurred, Picture, Plain, colour, composite


@pytest.mark.parametrize(
    ("text", "bgr"),
    [
        ("#e8ebee", (0xEE, 0xEB, 0xE8)),
        ("#F00", (0, 0, 255)),
        (" White ", (255, 255, 255)),
        ("rebeccapurple", (153, 51, 102)),
    ],
)
def test_colours_by_number_and_by_name(text, bgr):
    plain = colour(text)
    assert plain == Plain(bgr)
    picture = plain.behind(np.zeros((4, 6, 3), np.uint8), np.ones((4, 6), np.float32))
    assert picture.shape == (4, 6, 3) and (picture == bgr).all()


@pytest.mark.parametrize("text", ["", "e8ebee", "#e8ebe", "no-such.jpg", "rgb(1,2,3)", "#e8ebeeff"])
def test_what_is_no_colour_is_refused_with_what_works(text):
    with pytest.raises(AvatarRejected, match="blur or keep") as caught:
        colour(text)
    assert caught.value.code == "bad_background"


@pytest.mark.parametrize("shape", [(40, 400), (400, 40), (33, 57), (900, 1100)])
def test_a_picture_covers_everything_and_shows_its_middle(shape):
    picture = np.zeros((*shape, 3), np.uint8)
    picture[shape[0] // 2 - 5 : shape[0] // 2 + 5, shape[1] // 2 - 5 : shape[1] // 2 + 5] = 255
    fitted = Picture(picture).behind(np.zeros((120, 80, 3), np.uint8), np.zeros((120, 80), np.float32))
    assert fitted.shape == (120, 80, 3)
    rows, columns = np.nonzero(fitted[..., 0] > 128)
    assert abs(rows.mean() - 59.5) < 4 and abs(columns.mean() - 39.5) < 4


def test_a_picture_is_not_distorted():
    circle = np.zeros((100, 300, 3), np.uint8)
    y, x = np.mgrid[:100, :300]
    circle[(y - 50) ** 2 + (x - 150) ** 2 < 900] = 255
    fitted = Picture(circle).behind(np.zeros((200, 200, 3), np.uint8), np.zeros((200, 200), np.float32))
    rows, columns = np.nonzero(fitted[..., 0] > 128)
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 2


def test_the_person_does_not_run_into_a_blurred_background():
    image = np.full((128, 128, 3), (40, 80, 120), np.uint8)
    image[40:, 40:90] = (255, 0, 255)
    alpha = np.zeros((128, 128), np.float32)
    alpha[40:, 40:90] = 1
    behind = Blurred().behind(image, alpha)
    assert np.abs(behind.astype(int) - (40, 80, 120)).max() <= 2


def test_a_blurred_background_is_blurred_and_keeps_its_place():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (256, 256, 3)).astype(np.uint8)
    image[:, 128:] //= 4
    behind = Blurred().behind(image, np.zeros((256, 256), np.float32)).astype(float)
    assert behind[:, :80].std() < image[:, :80].std() / 5
    assert behind[:, :80].mean() > 2.5 * behind[:, 180:].mean()


def test_composition_mixes_by_the_matte():
    person, behind = np.full((1, 3, 3), 200, np.uint8), np.full((1, 3, 3), 100, np.uint8)
    mixed = composite(person, np.array([[0, 0.5, 1]], np.float32), behind)
    assert mixed[0, :, 0].tolist() == [100, 150, 200]
