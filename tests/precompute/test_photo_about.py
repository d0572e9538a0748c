import io

import numpy as np
import pytest
from PIL import GifImagePlugin, Image, ImageCms

from precompute.photo_about import about_photo


def _saved(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _saved(Image.new("RGB", (120, 80)), "JPEG", exif=exif)


@pytest.mark.parametrize(
    ("orientation", "done"),
    [(1, []), (3, ["turned by 180 degrees"]), (6, ["turned by 90 degrees"]), (77, [])],
)
def test_what_the_file_says_of_its_orientation(orientation, done):
    found = about_photo(_turned(orientation), 120, 80)
    assert (found["format"], found["width"], found["height"], found["done"]) == ("JPEG", 120, 80, done)
    assert found["orientation"] == (orientation if orientation < 9 else 1)


def test_what_is_done_to_unusual_ones(tmp_path):
    frames = [Image.new("RGB", (99, 99), (n, 0, 0)) for n in (0, 90)]
    gif = _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert "the first picture of several taken" in about_photo(gif, 99, 99)["done"]
    cmyk = _saved(Image.new("CMYK", (99, 99)), "JPEG")
    assert "CMYK" in about_photo(cmyk, 99, 99)["done"][0]
    deep = _saved(Image.fromarray(np.full((99, 99), 40_000, np.uint16)), "PNG")
    assert about_photo(deep, 99, 99)["done"] == ["brought to 8 bits per colour"]
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    clear = _saved(Image.new("RGBA", (99, 99)), "PNG", icc_profile=profile)
    assert about_photo(clear, 99, 99)["done"] == [
        "put over light grey where it is transparent",
        "colours brought to sRGB by its profile",
    ]
    large = tmp_path / "large.png"
    Image.new("RGB", (5000, 100)).save(large)
    assert about_photo(large, 4096, 82)["done"] == ["made smaller, 4096 x 82"]


def test_pictures_of_an_animation_are_not_counted(monkeypatch):
    """A file of some megabytes may hold a million of them."""
    frames = [Image.new("L", (99, 99), n) for n in range(9)]
    gif = _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    looked_at = []
    seek = GifImagePlugin.GifImageFile._seek
    monkeypatch.setattr(
        GifImagePlugin.GifImageFile,
        "_seek",
        lambda file, frame, *rest: (looked_at.append(frame), seek(file, frame, *rest)),
    )
    assert about_photo(gif, 99, 99)["done"] == ["the first picture of several taken"]
    assert max(looked_at) <= 1
