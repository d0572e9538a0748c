import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, features

from precompute.errors import AvatarRejected
from precompute.photo import BEHIND, MAX_BYTES, WORKING_SIDE, open_cutout, open_photo

RED, BLUE = (200, 20, 30), (20, 40, 210)


def halves(width=160, height=120, mode="RGB") -> Image.Image:
    """Red left, blue right."""
    picture = Image.new("RGB", (width, height), RED)
    picture.paste(BLUE, (width // 2, 0, width, height))
    return picture.convert(mode)


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def rejected(data) -> str:
    with pytest.raises(AvatarRejected) as caught:
        open_photo(data)
    assert caught.value.message.endswith(".")
    return caught.value.code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_usual_formats_come_out_as_bgr(kind):
    picture = open_photo(saved(halves(), kind))
    assert picture.shape == (120, 160, 3) and picture.dtype == np.uint8
    assert np.abs(picture[60, 20].astype(int) - RED[::-1]).max() < 12
    assert np.abs(picture[60, 140].astype(int) - BLUE[::-1]).max() < 12


def test_path_reads_the_same_as_bytes(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(saved(halves(), "PNG"))
    assert (open_photo(path) == open_photo(path.read_bytes())).all()
    assert rejected(tmp_path / "missing.png") == "not_an_image"


def test_exif_orientation_turns_the_picture_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn clockwise
    picture = open_photo(saved(halves(), "JPEG", exif=exif, quality=95))
    assert picture.shape[:2] == (160, 120)
    assert picture[20, 60, 2] > 150 and picture[140, 60, 0] > 150


def test_transparency_lies_over_light_grey():
    picture = halves(mode="RGBA")
    picture.putalpha(Image.new("L", picture.size, 0))
    assert (open_photo(saved(picture, "PNG")) == BEHIND[::-1]).all()


def test_palette_cmyk_and_grey_become_colour():
    assert np.abs(open_photo(saved(halves(mode="P"), "PNG"))[60, 20].astype(int) - RED[::-1]).max() < 40
    cmyk = open_photo(saved(halves(mode="CMYK"), "JPEG", quality=95))[60, 20].astype(int)
    assert cmyk[2] > 120 and cmyk[2] - cmyk[0] > 80
    assert open_photo(saved(halves(mode="L"), "PNG")).shape == (120, 160, 3)


def test_sixteen_bits_keep_their_tones():
    ramp = np.tile(np.linspace(0, 65535, 200).astype(np.uint16), (120, 1))
    row = open_photo(saved(Image.fromarray(ramp), "PNG"))[0, :, 0].astype(int)
    assert row[0] == 0 and row[-1] == 255 and abs(row[100] - 128) <= 1


def test_animation_gives_its_first_picture():
    first, second = Image.new("RGB", (120, 120), RED), Image.new("RGB", (120, 120), BLUE)
    data = saved(first, "GIF", save_all=True, append_images=[second])
    assert np.abs(open_photo(data)[5, 5].astype(int) - RED[::-1]).max() < 12


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_of_other_kinds_give_their_first_picture_too(kind):
    first, second = Image.new("RGB", (120, 120), RED), Image.new("RGB", (120, 120), BLUE)
    data = saved(first, kind, save_all=True, append_images=[second], duration=100)
    assert np.abs(open_photo(data)[5, 5].astype(int) - RED[::-1]).max() < 12


def test_a_phone_s_photo_with_further_pictures_behind_it_gives_the_first():
    first, second = Image.new("RGB", (120, 120), RED), Image.new("RGB", (120, 120), BLUE)
    data = saved(first, "MPO", save_all=True, append_images=[second])
    assert np.abs(open_photo(data)[5, 5].astype(int) - RED[::-1]).max() < 12


def test_sixteen_bit_colours_come_out_in_eight():
    picture = np.zeros((120, 160, 3), np.uint16)
    picture[:] = [channel * 257 for channel in RED[::-1]]
    _, data = cv2.imencode(".png", picture)
    assert np.abs(open_photo(data.tobytes())[5, 5].astype(int) - RED[::-1]).max() <= 1


def test_a_file_s_name_does_not_matter(tmp_path):
    for kind, name in (("JPEG", "photo.png"), ("PNG", "photo.jpg"), ("WEBP", "photo.txt"), ("PNG", "photo")):
        path = tmp_path / name
        path.write_bytes(saved(halves(), kind))
        assert np.abs(open_photo(path)[60, 20].astype(int) - RED[::-1]).max() < 12
    path.write_bytes(b"no picture, whatever it is called")
    assert rejected(path) == "not_an_image"


def test_large_photo_is_shrunk_to_working_size():
    picture = open_photo(saved(Image.new("RGB", (6000, 3000), RED), "JPEG"))
    assert max(picture.shape[:2]) <= WORKING_SIDE and picture.shape[1] == 2 * picture.shape[0]


def test_text_and_unsafe_formats_are_no_images():
    assert rejected(b"Dear sir, please find my portrait attached. " * 20) == "not_an_image"
    assert rejected(b"") == "not_an_image"
    assert rejected(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 200 200\n") == "not_an_image"


def test_truncated_files_are_told_from_whole_ones():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8))
    for kind in ("JPEG", "PNG", "WEBP"):
        data = saved(noise, kind)
        assert rejected(data[: len(data) // 2]) == "truncated_image", kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_only_ever_rejected(kind):
    if not features.check("avif") and kind == "AVIF":
        pytest.skip("this Pillow has no AVIF")
    data, rng = saved(halves(), kind), np.random.default_rng(5)
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(0, min(len(data), 400), 6):
            damaged[place] = rng.integers(0, 256)
        try:
            assert open_photo(bytes(damaged)).ndim == 3
        except AvatarRejected as error:
            assert error.message


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_000, 30_000])
def test_bombs_are_refused_by_their_header(side):
    assert rejected(png_header(side, side)) == "image_too_large"


def test_sizes_have_bounds():
    assert rejected(b"\x89PNG\r\n\x1a\n" + bytes(MAX_BYTES)) == "image_too_large"
    assert rejected(saved(Image.new("RGB", (60, 400)), "PNG")) == "image_too_small"


def test_a_photo_without_transparency_is_no_cut_out():
    assert open_cutout(saved(halves(), "JPEG")) is None
    assert open_cutout(saved(halves(mode="RGBA"), "PNG")) is None


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_cut_out_keeps_its_colours_and_its_matte(kind):
    picture = halves(mode="RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    cutout = open_cutout(saved(picture, kind, lossless=True))
    assert cutout is not None
    assert cutout.colours.shape == (120, 160, 3) and cutout.alpha.shape == (120, 160)
    assert cutout.alpha[0, 0] < 0.01 and cutout.alpha[-1, -1] > 0.99 and cutout.alpha.dtype == np.float32
    assert cutout.colours[100, 20].tolist() == [*reversed(RED)]
    assert cutout.colours[100, 140].tolist() == [*reversed(BLUE)]


def test_a_cut_out_lies_in_the_same_pixels_as_the_photo():
    picture = halves(WORKING_SIDE + 500, 400, "RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 10, 10))
    data = saved(picture, "PNG")
    cutout = open_cutout(data)
    assert cutout is not None and cutout.colours.shape == open_photo(data).shape
    turned = Image.Exif()
    turned[0x0112] = 6
    data = saved(picture, "PNG", exif=turned)
    cutout = open_cutout(data)
    assert cutout is not None and cutout.colours.shape == open_photo(data).shape


def test_a_damaged_cut_out_is_refused():
    with pytest.raises(AvatarRejected):
        open_cutout(b"not a picture")
