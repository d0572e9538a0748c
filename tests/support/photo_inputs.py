"""Photos of every kind that people send: what is in them, and what has to come of them."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from precompute.landmarks import FaceMesh
from precompute.photo import WORKING_SIDE
from tests.support.heic import heic
from tests.support.occluders import hand
from tests.support.turned_head import turned_head

Picture = NDArray[np.uint8]
Encoder = Callable[[Picture], bytes]
STAY = np.array([[1.0, 0, 0], [0, 1, 0]])
TALL = 600
"""Height that portraits are brought to."""


@dataclass(frozen=True)
class Base:
    """An openly licensed portrait, BGR, and its mesh."""

    picture: Picture
    mesh: FaceMesh


@dataclass(frozen=True)
class Good:
    """A photo that becomes an avatar.

    Attributes:
        picture: as it is to be seen, (H, W, 3) BGR.
        encode: makes a file of it.
        move: (2, 3) from the base's pixels to those of the picture as it is opened.
        colours: how far the face's mean colour may be off, in levels.
        notes: words that are told.
        grey: whether colours are lost.
    """

    picture: Picture
    encode: Encoder
    move: NDArray[np.float64] = field(default_factory=STAY.copy)
    colours: float = 4.0
    notes: tuple[str, ...] = ()
    grey: bool = False


@dataclass(frozen=True)
class Refused:
    """A photo that becomes none: the code, and words of what is told."""

    data: bytes
    code: str
    says: str = ""


# Encoders.


def pillow(kind: str, mode: str = "RGB", **options: object) -> Encoder:
    """Pillow's encoder of a kind, from a mode."""

    def encode(picture: Picture) -> bytes:
        image = Image.fromarray(np.ascontiguousarray(picture[..., ::-1]))
        if mode == "P":
            image = image.quantize(256)
        elif mode == "LA":
            image = image.convert("L")
            image.putalpha(255)
        elif mode != "RGB":
            image = image.convert(mode)
        file = io.BytesIO()
        image.save(file, kind, **options)
        return file.getvalue()

    return encode


JPEG, PNG, WEBP = (
    pillow("JPEG", quality=93),
    pillow("PNG", compress_level=1),
    pillow("WEBP", quality=92, method=0),
)


def with_exif(orientation: int, kind: str = "JPEG") -> Encoder:
    """A picture that is stored lying or mirrored, and says so."""

    def encode(picture: Picture) -> bytes:
        stored = {
            1: lambda p: p,
            2: lambda p: p[:, ::-1],
            3: lambda p: p[::-1, ::-1],
            4: lambda p: p[::-1],
            5: lambda p: p.transpose(1, 0, 2),
            6: lambda p: np.rot90(p, 1),
            7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
            8: lambda p: np.rot90(p, -1),
        }[orientation](picture)
        exif = Image.Exif()
        exif[0x0112] = orientation
        return pillow(kind, exif=exif, quality=93)(np.ascontiguousarray(stored))

    return encode


def animated(kind: str, others: Picture) -> Encoder:
    """A film of two pictures; the first one counts."""

    def encode(picture: Picture) -> bytes:
        first, other = (Image.fromarray(np.ascontiguousarray(p[..., ::-1])) for p in (picture, others))
        file = io.BytesIO()
        first.save(file, kind, save_all=True, append_images=[other.resize(first.size)], duration=80)
        return file.getvalue()

    return encode


def deep(picture: Picture) -> bytes:
    """PNG with 16 bits for each colour."""
    done, data = cv2.imencode(".png", picture.astype(np.uint16) * 257)
    assert done
    return data.tobytes()


def deep_grey(picture: Picture) -> bytes:
    """PNG with 16 bits of grey."""
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint16) * 257)
    assert done
    return data.tobytes()


def cut_out(alpha: Picture, kind: str) -> Encoder:
    """With a matte, and nonsense where nothing is to be seen."""

    def encode(picture: Picture) -> bytes:
        shown = np.where(alpha[..., None] > 0, picture, np.array([40, 200, 20], np.uint8))
        rgba = np.dstack([shown[..., ::-1], alpha])
        file = io.BytesIO()
        Image.fromarray(rgba).save(file, kind, lossless=True)
        return file.getvalue()

    return encode


# Pictures.


def scaled(base: Base, height: int, canvas: tuple[int, int] | None = None, left: int = 0) -> Good:
    """The base at a height, at the lower edge of a plain canvas (height, width)."""
    scale = height / base.picture.shape[0]
    small = cv2.resize(base.picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    move = np.array([[scale, 0, 0.5 * scale - 0.5], [0, scale, 0.5 * scale - 0.5]])
    if canvas is None:
        return Good(np.asarray(small, np.uint8), JPEG, move)
    wide = np.full((*canvas, 3), (170, 176, 168), np.uint8)
    top = canvas[0] - small.shape[0]
    wide[top:, left : left + small.shape[1]] = small
    return Good(wide, JPEG, move + np.array([[0, 0, left], [0, 0, top]]))


def leaning(base: Base, degrees: float) -> Good:
    """Turned about its middle, counterclockwise."""
    height, width = base.picture.shape[:2]
    move = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turned = cv2.warpAffine(base.picture, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return Good(np.asarray(turned, np.uint8), JPEG, np.asarray(move, np.float64))


def lit(base: Base, gain: float, offset: float = 0.0) -> Picture:
    """Lighter or darker, with a camera's noise."""
    noise = np.random.default_rng(2).normal(0, 1.5, base.picture.shape)
    return np.clip(base.picture * gain + offset + noise, 0, 255).astype(np.uint8)


def with_glasses(base: Base) -> Picture:
    """Glasses drawn on: dark rims, temples, and lenses that shine a little."""
    drawn, points = base.picture.copy(), base.mesh.points[:, :2]
    span = float(np.linalg.norm(points[263] - points[33]))
    centres = [points[[33, 133, 159, 145]].mean(axis=0), points[[263, 362, 386, 374]].mean(axis=0)]
    size = (round(0.27 * span), round(0.22 * span))
    lenses = drawn.copy()
    for centre in centres:
        at = (round(float(centre[0])), round(float(centre[1] + 0.03 * span)))
        cv2.ellipse(lenses, at, size, 0, 0, 360, (230, 222, 214), -1)
    drawn = np.asarray(cv2.addWeighted(drawn, 0.88, lenses, 0.12, 0), np.uint8)
    thick = max(2, round(0.035 * span))
    for centre, edge in zip(centres, (points[127], points[356]), strict=True):
        at = (round(float(centre[0])), round(float(centre[1] + 0.03 * span)))
        cv2.ellipse(drawn, at, size, 0, 0, 360, (32, 26, 24), thick, cv2.LINE_AA)
        outside = (at[0] + (size[0] if edge[0] > at[0] else -size[0]), at[1])
        cv2.line(
            drawn, outside, (round(float(edge[0])), round(float(edge[1]))), (32, 26, 24), thick, cv2.LINE_AA
        )
    bridge = [(round(float(c[0])), round(float(c[1]))) for c in centres]
    left, right = (bridge[0][0] + size[0], bridge[0][1]), (bridge[1][0] - size[0], bridge[1][1])
    cv2.line(drawn, left, right, (32, 26, 24), thick, cv2.LINE_AA)
    return drawn


def person_of(base: Base) -> Picture:
    """(H, W) alpha of the base's person before its plain wall: rough, but whole."""
    wall = base.picture[:40, :40].reshape(-1, 3).mean(axis=0)
    away = np.abs(base.picture.astype(np.float64) - wall).max(axis=2)
    mask = (away > 40).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    outline, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(np.zeros_like(mask), [max(outline, key=cv2.contourArea)], -1, 255, -1)
    return np.asarray(cv2.GaussianBlur(cv2.erode(whole, np.ones((3, 3))), (0, 0), 1.2), np.uint8)


def before_shelves(base: Base) -> Picture:
    """Before a wall full of colours, edges and patterns."""
    height, width = base.picture.shape[:2]
    rng = np.random.default_rng(8)
    busy = np.zeros((height, width, 3), np.uint8)
    for y in range(0, height, height // 7):
        x = 0
        while x < width:
            wide = int(rng.integers(8, 34))
            colour = tuple(int(v) for v in rng.integers(20, 240, 3))
            cv2.rectangle(busy, (x, y), (x + wide, y + height // 7 - 6), colour, -1)
            cv2.putText(busy, "book", (x + 2, y + 40), cv2.FONT_HERSHEY_PLAIN, 0.7, (255, 255, 255), 1)
            x += wide + 1
    alpha = person_of(base)[..., None] / 255.0
    return np.rint(base.picture * alpha + busy * (1 - alpha)).astype(np.uint8)


def beside(one: Base, other: Base, share: float = 1.0) -> Picture:
    """Two people beside each other; the other one at a share of the size."""
    height = one.picture.shape[0]
    size = round(height * share)
    second = cv2.resize(other.picture, (size, size), interpolation=cv2.INTER_AREA)
    wide = np.full((height, one.picture.shape[1] + size, 3), 190, np.uint8)
    wide[:, : one.picture.shape[1]] = one.picture
    wide[height - size :, one.picture.shape[1] :] = second
    return wide


# What is no picture, or should not be opened.


def png_header(width: int, height: int, body: bytes = b"") -> bytes:
    """A PNG of that size, whatever it holds."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", body), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def png_bomb() -> bytes:
    """30000 x 30000 black pixels, well formed."""
    squeeze = zlib.compressobj(9)
    row = bytes(30_000 * 3 + 1)
    body = b"".join(squeeze.compress(row) for _ in range(400)) + squeeze.flush()
    return png_header(30_000, 30_000, body)


def gif_bomb() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"," + bytes(20)


def jpeg_bomb() -> bytes:
    """A JPEG whose header tells 65500 x 65500."""
    data = bytearray(JPEG(np.full((128, 128, 3), 90, np.uint8)))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", 65500, 65500)
    return bytes(data)


def text_bomb() -> bytes:
    """A PNG with a comment that grows to 200 MB."""
    data = PNG(np.full((128, 128, 3), 90, np.uint8))
    body = b"Comment\0\0" + zlib.compress(bytes(200 << 20), 9)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    return data[:33] + chunk + data[33:]


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("photo.jpg", b"none")
    return file.getvalue()


def speckles() -> Picture:
    return np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)


def noise(size: int = 4000) -> bytes:
    return np.random.default_rng(5).bytes(size)


def goods(mira: Base, theo: Base, astronaut: Base) -> dict[str, Callable[[], Good]]:
    """All photos that become avatars, by name."""
    plain = mira.picture

    def as_is(encode: Encoder, **changes: object) -> Callable[[], Good]:
        return lambda: Good(plain, encode, **changes)  # pyright: ignore[reportArgumentType]

    found: dict[str, Callable[[], Good]] = {f"turned by EXIF {n}": as_is(with_exif(n)) for n in range(1, 9)}
    found |= {
        "turned by EXIF in a PNG": as_is(with_exif(6, "PNG")),
        "turned by EXIF in a WebP": as_is(with_exif(8, "WEBP")),
        "astronaut": lambda: Good(astronaut.picture, JPEG, notes=("small",)),
        "theo, leaning": lambda: leaning(theo, 12),
        "dark": lambda: Good(lit(theo, 0.24), PNG, notes=("dark",)),
        "overexposed in part": lambda: Good(lit(theo, 1.5, 40), JPEG, notes=("overexposed",)),
        "small": lambda: _with_notes(scaled(mira, 210, (500, 700), 240), "small"),
        "large": lambda: _enlarged(scaled(astronaut, WORKING_SIDE), 4608),
        "somebody far behind": lambda: Good(beside(mira, theo, 0.35), JPEG),
        "glasses": lambda: Good(with_glasses(mira), JPEG, colours=12),
        "busy background": lambda: Good(before_shelves(mira), JPEG),
        "CMYK": as_is(pillow("JPEG", "CMYK", quality=93), colours=8),
        "16 bits": as_is(deep),
        "16 bits of grey": as_is(deep_grey, grey=True),
        "palette": as_is(pillow("PNG", "P"), colours=8),
        "grey": as_is(pillow("JPEG", "L", quality=93), grey=True),
        "grey with alpha": as_is(pillow("PNG", "LA"), grey=True),
        "GIF": as_is(pillow("GIF", "P"), colours=8),
        "animated GIF": as_is(animated("GIF", theo.picture), colours=10),
        "animated WebP": as_is(animated("WEBP", theo.picture), colours=6),
        "animated PNG": as_is(animated("PNG", theo.picture)),
        "several in one JPEG": as_is(animated("MPO", theo.picture)),
        "progressive JPEG": as_is(pillow("JPEG", progressive=True, quality=90)),
        "strongly compressed JPEG": as_is(pillow("JPEG", quality=12), colours=6),
        "TIFF": as_is(pillow("TIFF", compression="tiff_lzw")),
        "BMP": as_is(pillow("BMP")),
        "WebP": as_is(WEBP),
        "JPEG with a broken colour profile": as_is(pillow("JPEG", quality=93, icc_profile=b"no profile")),
        "JPEG with rubbish behind it": as_is(lambda picture: JPEG(picture) + noise()),
        "cut-out as PNG": lambda: Good(plain, cut_out(person_of(mira), "PNG")),
        "cut-out as WebP": lambda: Good(plain, cut_out(person_of(mira), "WEBP")),
    }  # fmt: skip
    return found


def _enlarged(good: Good, side: int) -> Good:
    """A file with more pixels than are worked with."""
    large = cv2.resize(good.picture, (side, side), interpolation=cv2.INTER_LINEAR)
    return Good(good.picture, lambda _: JPEG(np.asarray(large, np.uint8)), good.move)


def _with_notes(good: Good, *notes: str) -> Good:
    return Good(good.picture, good.encode, good.move, good.colours, notes, good.grey)


def hard_to_install(mira: Base) -> dict[str, tuple[str, Callable[[], Good]]]:
    """Photos that need a library which may be missing: its name, and the photo."""
    height, width = (n // 8 * 8 for n in mira.picture.shape[:2])
    even = np.ascontiguousarray(mira.picture[:height, :width])
    lying = np.ascontiguousarray(np.rot90(even, -1))
    return {
        "AVIF": ("avif", lambda: Good(mira.picture, pillow("AVIF", quality=80), colours=6)),
        "HEIC": ("heif", lambda: Good(even, heic, colours=6)),
        "HEIC, turned": ("heif", lambda: Good(even, lambda _: heic(lying, 90), colours=6)),
    }


def refusals(mira: Base, theo: Base, cat: Picture) -> dict[str, Callable[[], Refused]]:
    """All photos that become none, by name."""
    plain, height = mira.picture, mira.picture.shape[0]
    points = mira.mesh.points[:, :2].astype(int)
    low, high = points.min(axis=0), points.max(axis=0)
    face = high - low

    def cut(encode: Encoder, share: float = 0.5) -> Callable[[], Refused]:
        def make() -> Refused:
            data = encode(plain)
            return Refused(data[: round(len(data) * share)], "truncated_image", "damaged or cut short")

        return make

    def turned(quarters: int, way: str) -> Callable[[], Refused]:
        return lambda: Refused(JPEG(np.rot90(plain, quarters)), "photo_not_upright", way)

    def of(data: Callable[[], bytes], code: str, says: str = "") -> Callable[[], Refused]:
        return lambda: Refused(data(), code, says)

    def aside(degrees: float, base: Base) -> Callable[[], Refused]:
        return lambda: Refused(
            JPEG(turned_head(base.picture, base.mesh, degrees)),
            "face_turned_away",
            "straight into the camera",
        )

    return {
        "lies on its left": turned(1, "a quarter clockwise"),
        "stands on its head": turned(2, "half a turn"),
        "lies on its right": turned(3, "a quarter counterclockwise"),
        "leans": of(lambda: JPEG(leaning(mira, 33).picture), "face_turned_away", "eyes are level"),
        "half turned to the right": aside(40, mira),
        "half turned to the left": aside(-40, theo),
        "profile to the right": aside(75, theo),
        "profile to the left": aside(-80, mira),
        "much too dark": of(lambda: PNG(lit(mira, 0.08)), "face_too_dark", "more light"),
        "blown out": of(lambda: JPEG(lit(mira, 1.6, 60)), "face_overexposed", "softer light"),
        "out of focus": of(
            lambda: JPEG(np.asarray(cv2.GaussianBlur(plain, (0, 0), 12), np.uint8)), "face_blurred", "sharp"
        ),
        "tiny picture": of(lambda: JPEG(plain[: height // 8, : height // 8]), "image_too_small", "512 x 512"),
        "tiny face": of(
            lambda: JPEG(scaled(mira, 140, (500, 700), 300).picture), "face_too_small", "closer photo"
        ),
        "two faces": of(lambda: JPEG(beside(mira, theo)), "several_faces", "only one person"),
        "two faces, one a little smaller": of(
            lambda: JPEG(beside(theo, mira, 0.75)), "several_faces", "only one person"
        ),
        "chin cut off": of(
            lambda: JPEG(plain[: high[1] - round(0.12 * face[1])]), "face_cut_off", "whole head"
        ),
        "nothing but a face": of(
            lambda: JPEG(plain[low[1] : high[1], low[0] : high[0]]), "face_cut_off", "whole head"
        ),
        "a cat": of(lambda: JPEG(cat), "no_face", "one person"),
        "a hand": of(lambda: JPEG(hand((120, 150, 205))[..., :3]), "no_face", "one person"),
        "a wall": of(lambda: JPEG(np.full((400, 500, 3), 150, np.uint8)), "no_face", "one person"),
        "noise": of(lambda: PNG(speckles()), "no_face", "one person"),
        "truncated JPEG": cut(JPEG),
        "truncated PNG": cut(PNG),
        "truncated WebP": cut(WEBP),
        "truncated GIF": cut(pillow("GIF", "P")),
        "truncated TIFF": cut(pillow("TIFF"), 0.9),
        "truncated BMP": cut(pillow("BMP")),
        "JPEG without its end": cut(JPEG, 0.97),
        "bomb as PNG": of(png_bomb, "image_too_large", "Make it smaller"),
        "bomb as GIF": of(gif_bomb, "image_too_large", "Make it smaller"),
        "bomb as JPEG": of(jpeg_bomb, "image_too_large", "Make it smaller"),
        "bomb as a comment": of(text_bomb, "truncated_image", ""),
        "too large a file": of(lambda: JPEG(plain) + bytes(33 << 20), "image_too_large", "as a JPEG"),
        "empty": of(lambda: b"", "not_an_image", "JPEG, PNG or WebP"),
        "text": of(lambda: b"My photo is attached.\n" * 50, "not_an_image", "JPEG, PNG or WebP"),
        "archive": of(archive, "not_an_image", "JPEG, PNG or WebP"),
        "PDF": of(lambda: b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n", "not_an_image", "JPEG, PNG or WebP"),
        "EPS": of(lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n", "not_an_image", "JPEG, PNG or WebP"),
        "SVG": of(
            lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
            "not_an_image",
        ),
        "any bytes": of(noise, "not_an_image", "JPEG, PNG or WebP"),
    }  # fmt: skip
