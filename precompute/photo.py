"""Opens a photo from a stranger: any usual format in, upright 8-bit BGR out.

Pillow does the decoding. Formats that run programs or hold vectors (EPS, PDF and the like) are not opened,
and sizes are judged from the header, before any pixel is decoded.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from precompute.errors import AvatarRejected
from precompute.heif import FORMAT as HEIF
from precompute.heif import INSTALL, have_pillow_read_it, is_heif
from precompute.kinds import kind_of

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF")
HEAD_BYTES = 16
MAX_BYTES = 32 * 2**20
MAX_PIXELS = 64_000_000
MIN_SIDE = 96
WORKING_SIDE = 4096
"""Larger pictures are shrunk to this longer side: no portrait needs more."""
BEHIND = (233, 235, 238)
"""Light grey (RGB) behind transparent pictures."""
OPAQUE = 255
_STRIP = 256
"""Rows."""

_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, ArithmeticError, RuntimeError, TypeError),
    *(struct.error, zlib.error),
)
"""What Pillow's decoders raise on damaged files, found by feeding them some."""


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A person that was cut out of the background before.

    Attributes:
        colours: (H, W, 3) BGR; of any value where ``alpha`` is 0.
        alpha: (H, W) float32, 0..1.
    """

    colours: NDArray[np.uint8]
    alpha: NDArray[np.float32]


def open_photo(source: bytes | Path) -> NDArray[np.uint8]:
    """Decode a photo.

    Args:
        source: the file's bytes, or a path that the caller has chosen itself (never one a stranger named).

    Returns:
        (H, W, 3) BGR, turned upright by its EXIF tag, in sRGB, transparency over light grey, the first
        picture of an animation; at most ``WORKING_SIDE`` on the longer side.

    Raises:
        AvatarRejected: ``not_an_image``, ``truncated_image``, ``image_too_large``, ``image_too_small`` or
            ``heif_not_installed``.
    """
    return _decode(source, _to_rgb)


def open_cutout(source: bytes | Path) -> Cutout | None:
    """Decode a photo's own transparency, in the same pixels as ``open_photo``.

    Returns:
        ``None`` where there is none.

    Raises:
        AvatarRejected: as ``open_photo``.
    """
    rgba = _decode(source, _to_rgba)
    if (rgba[..., 3] == OPAQUE).all():
        return None
    return Cutout(np.ascontiguousarray(rgba[..., :3]), np.asarray(rgba[..., 3] / OPAQUE, np.float32))


def _decode(source: bytes | Path, convert: Callable[[Image.Image], Image.Image]) -> NDArray[np.uint8]:
    """(H, W, 3) BGR, or (H, W, 4) with alpha last, as ``convert`` makes it."""
    data = source if isinstance(source, bytes) else _read(source)
    if len(data) > MAX_BYTES:
        raise AvatarRejected(
            "image_too_large",
            f"The file is {len(data) / 2**20:.0f} MB; at most {MAX_BYTES / 2**20:.0f} MB are taken. "
            "Save the photo as a JPEG.",
        )
    try:
        picture = Image.open(io.BytesIO(data), formats=formats())
    except UnidentifiedImageError as error:
        head = data[:HEAD_BYTES]
        if is_heif(head) and not have_pillow_read_it():
            raise AvatarRejected(
                "heif_not_installed",
                f"HEIC photos are only read with an extra: {INSTALL}. Or save the photo as a JPEG.",
            ) from error
        if _begins_as_picture(head):
            raise _damaged() from error
        raise AvatarRejected(
            "not_an_image", "This is not a picture that can be read. Send a JPEG, PNG or WebP photo."
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except _BROKEN as error:
        raise _damaged() from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(width, height)
    if min(width, height) < MIN_SIDE:
        raise AvatarRejected(
            "image_too_small",
            f"The picture is only {width} x {height} pixels. Send a photo of at least 512 x 512.",
        )
    try:
        picture.draft("RGB", (WORKING_SIDE, WORKING_SIDE))
        picture.load()
        picture = ImageOps.exif_transpose(picture)
        turned = convert(picture)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except _BROKEN as error:
        raise _damaged() from error
    turned.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(turned).copy()
    pixels[..., :3] = pixels[..., 2::-1]
    return pixels


def formats() -> list[str]:
    """The formats that strangers' pictures may have, as far as this build of Pillow has them."""
    Image.init()
    wanted = (*FORMATS, HEIF) if have_pillow_read_it() else FORMATS
    return [name for name in wanted if name in Image.OPEN]


def _begins_as_picture(head: bytes) -> bool:
    """Whether a file begins as those do that are read here."""
    if head[4:8] == b"ftyp":
        return is_heif(head) or (head[8:12] in (b"avif", b"avis") and "AVIF" in Image.OPEN)
    return kind_of(head) == "photo"


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise AvatarRejected(
                "image_too_large",
                f"{path.name} is larger than {MAX_BYTES / 2**20:.0f} MB. Save the photo as a JPEG.",
            )
        return path.read_bytes()
    except OSError as error:
        raise AvatarRejected("not_an_image", f"{path} cannot be read: {error.strerror}.") from error


def _to_rgb(picture: Image.Image) -> Image.Image:
    """Any mode to 8-bit sRGB."""
    if picture.mode.startswith("I") or picture.mode == "F":
        return _high_depth(picture)
    alpha = "A" in picture.getbands() or "transparency" in picture.info
    if alpha or picture.mode == "P":
        picture = picture.convert("RGBA")
    rgb = _to_srgb(picture)
    if not alpha:
        return rgb
    behind = Image.new("RGB", picture.size, BEHIND)
    behind.paste(rgb, mask=picture.getchannel("A"))
    return behind


def _to_rgba(picture: Image.Image) -> Image.Image:
    """Any mode to 8-bit sRGB with alpha."""
    if "A" in picture.getbands() or "transparency" in picture.info:
        clear = picture.convert("RGBA")
        return Image.merge("RGBA", (*_to_srgb(clear).split(), clear.getchannel("A")))
    return _to_rgb(picture).convert("RGBA")


def _to_srgb(picture: Image.Image) -> Image.Image:
    """Follow an embedded colour profile, such as a phone's Display P3; a broken one is ignored."""
    profile = picture.info.get("icc_profile")
    plain = picture.convert("RGB") if picture.mode in ("RGBA", "LA") else picture
    if profile and plain.mode in ("RGB", "CMYK", "L"):
        try:
            turned = ImageCms.profileToProfile(
                plain, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )  # fmt: skip
        except (ImageCms.PyCMSError, OSError):
            turned = None
        if turned is not None:
            return turned
    return plain.convert("RGB")


def _high_depth(picture: Image.Image) -> Image.Image:
    """16- and 32-bit grey to 8 bits; Pillow's own conversion would clip."""
    values = np.asarray(picture)
    high = float(values.max(initial=0))
    full = 65535.0 if picture.mode.startswith("I") and high <= 65535 else max(high, 1e-9)
    grey = np.empty(values.shape, np.uint8)
    # In strips: all at once in numbers of 8 bytes takes two gigabytes.
    for top in range(0, len(values), _STRIP):
        strip = np.nan_to_num(values[top : top + _STRIP].astype(np.float64))
        grey[top : top + _STRIP] = np.clip(strip / full * 255 + 0.5, 0, 255)
    return Image.fromarray(grey).convert("RGB")


def _too_many_pixels(width: int = 0, height: int = 0) -> AvatarRejected:
    size = f"The picture has {width} x {height} pixels" if width else "The picture has far too many pixels"
    return AvatarRejected(
        "image_too_large", f"{size}; at most {MAX_PIXELS / 1e6:.0f} megapixels are taken. Make it smaller."
    )


def _damaged() -> AvatarRejected:
    return AvatarRejected(
        "truncated_image", "The picture file is damaged or cut short. Save or download it again."
    )
