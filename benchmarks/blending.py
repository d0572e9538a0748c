"""What a drawn mouth costs where it is shown: the blend alone, beside others' ways, and the whole frame."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from avatars.musetalk import CROP, LATENT_CHANNELS, LATENT_SIDE, MASK_SIDE, MuseTalkPart
from avatars.store import AvatarStore
from benchmarks.result import Row
from streaming.compositor.assets import load_assets
from streaming.compositor.atlas_compositor import AtlasCompositor, StillFace
from streaming.compositor.base import Compositor
from streaming.compositor.blend import PatchBlender, underlay
from streaming.compositor.face import FaceAssets
from streaming.compositor.life import Life
from streaming.compositor.loop import LoopAssets
from streaming.compositor.loop_compositor import LoopCompositor
from streaming.compositor.place import Place, warp
from streaming.compositor.planes import Planes, pack, packed_size, unpack
from streaming.slots import FacePixels, MouthShape, Patch
from streaming.timing import FPS

Image = NDArray[np.uint8]

TIMES = 200
SIZES = ((512, 512), (1920, 1080))
TARGETS = {256: 0.11, 400: 0.25, 560: 0.48}
"""Milliseconds by the height of the face in pixels."""
FACE_WIDTH = 0.8
"""Share of the height."""
PATCH = (0, 104, CROP, CROP - 104)
"""The rows of the face crop that a mask can show."""


def _picture(seed: int, width: int, height: int) -> Image:
    random = np.random.default_rng(seed)
    noise = random.integers(0, 256, (height, width, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)


def _crop_mask() -> Image:
    """Over the face crop: an oval, its lower half, with a soft rim."""
    mask = np.zeros((CROP, CROP), np.uint8)
    cv2.ellipse(mask, (CROP // 2, CROP // 2), (CROP // 2 - 6, CROP // 2 - 4), 0, 0, 360, 255, -1)
    mask[: CROP // 2 + 10] = 0
    return np.asarray(cv2.GaussianBlur(mask, (25, 25), 0), np.uint8)


def _ms(work: Callable[[], object]) -> float:
    """Median milliseconds of one thread."""
    for _ in range(5):
        work()
    taken = []
    for _ in range(TIMES):
        began = time.thread_time()
        work()
        taken.append(time.thread_time() - began)
    return statistics.median(taken) * 1000


@dataclass(frozen=True, slots=True)
class _Case:
    """One face in one frame, and a patch for it."""

    width: int
    height: int
    face: int

    @property
    def box(self) -> tuple[float, float, float, float]:
        across, along = round(self.face * FACE_WIDTH), self.face
        left, top = (self.width - across) // 2, (self.height - along) // 2
        return (left, top, left + across, top + along)

    def part(self, frames: int = 1) -> MuseTalkPart:
        mask = cv2.resize(_crop_mask(), (MASK_SIDE, MASK_SIDE), interpolation=cv2.INTER_AREA)
        mask[: PATCH[1] // 2] = 0
        return MuseTalkPart(
            np.zeros((frames, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE), np.float16),
            np.array([self.box] * frames, np.float32) + 0.3,
            np.repeat(np.asarray(mask, np.uint8)[None], frames, axis=0),
            np.array(PATCH, np.int32),
            "",
        )

    def whole_frame(self) -> Callable[[], object]:
        """As MuseTalk does it: the face is pasted into a crop of the frame, and that back, by Pillow."""
        frame, drawn = _picture(1, self.width, self.height), _picture(2, CROP, CROP)
        left, top, right, bottom = (int(n) for n in self.box)
        reach = int(max(right - left, bottom - top) // 2 * 1.5)
        x, y = (left + right) // 2 - reach, (top + bottom) // 2 - reach
        mask = np.zeros((2 * reach, 2 * reach), np.uint8)
        mask[top - y : bottom - y, left - x : right - x] = cv2.resize(
            _crop_mask(), (right - left, bottom - top)
        )

        def blend() -> Image:
            copy = frame.copy()
            face = cv2.resize(drawn, (right - left, bottom - top))
            body = Pillow.fromarray(copy[:, :, ::-1])
            large = body.crop((x, y, x + 2 * reach, y + 2 * reach))
            large.paste(Pillow.fromarray(face[:, :, ::-1]), (left - x, top - y))
            body.paste(large, (x, y), Pillow.fromarray(mask).convert("L"))
            return np.asarray(body)[:, :, ::-1]

        return blend

    def floats(self) -> Callable[[], object]:
        """The same planes and the same region, with alpha in floats."""
        place, frame, patch, target = self._prepared()
        x, y, width, height = place.rect
        under = frame.window(x, y, width, height)
        luma = place.alpha[: width * height].reshape(height, width).astype(np.float32) / 255
        chroma = place.alpha[width * height :].reshape(height // 2, width // 2).astype(np.float32) / 255
        lying = unpack(np.empty(packed_size(width, height), np.uint8), width, height)
        planes = (
            (patch.y, lying.y, under.y, target.y, luma, 1 - luma, place.luma),
            (patch.u, lying.u, under.u, target.u, chroma, 1 - chroma, place.chroma),
            (patch.v, lying.v, under.v, target.v, chroma, 1 - chroma, place.chroma),
        )

        def blend() -> None:
            for drawn, resampled, below, into, alpha, rest, matrix in planes:
                warp(drawn, matrix, resampled)
                cv2.blendLinear(resampled, below, alpha, rest, dst=into)

        return blend

    def still(self) -> Callable[[], object]:
        """Ours, on the still of a photo."""
        place, frame, patch, target = self._prepared()
        under, blender = underlay(place, frame), PatchBlender()
        return lambda: blender.draw_still(under, patch, target)

    def moving(self, kept_bytes: int) -> Callable[[], object]:
        """Ours, on a frame of a loop."""
        faces = FaceAssets(self.part(), self.width, self.height, kept_bytes)
        place, frame, patch, target = self._prepared()
        under, blender = frame.window(*place.rect), PatchBlender()

        def blend() -> None:
            where = faces.place(0)
            assert where is not None
            blender.draw(where, patch, 1.0, under, target)

        return blend

    def _prepared(self) -> tuple[Place, Planes, Planes, Planes]:
        place = FaceAssets(self.part(), self.width, self.height).place(0)
        assert place is not None
        frame = unpack(pack(_picture(1, self.width, self.height)), self.width, self.height)
        patch = unpack(pack(_picture(2, *PATCH[2:])), *PATCH[2:])
        target = unpack(np.empty(packed_size(self.width, self.height), np.uint8), self.width, self.height)
        return place, frame, patch, target.window(*place.rect)


def _blends(case: _Case) -> list[Row]:
    where = f"{case.width}x{case.height}, face of {case.face}"
    target = TARGETS[case.face]
    return [
        Row(f"blend of the whole frame by Pillow, {where}", _ms(case.whole_frame()), "ms/frame"),
        Row(f"blend with alpha in floats, {where}", _ms(case.floats()), "ms/frame"),
        Row(f"blend on a still, {where}", _ms(case.still()), "ms/frame", target),
        Row(f"blend on a loop, {where}", _ms(case.moving(1 << 30)), "ms/frame", target),
        Row(f"blend on a loop, mask made anew, {where}", _ms(case.moving(0)), "ms/frame"),
    ]


def _drawn(count: int, part: int) -> list[FacePixels]:
    """Patches of a face that speaks loudly, for the part of this number."""
    pixels = [pack(_picture(seed, *PATCH[2:])).tobytes() for seed in range(4)]
    loud = [0.5 + 0.5 * (n % 8 < 4) for n in range(count)]
    return [FacePixels(n, pixels[n % len(pixels)], loud[n], part=part) for n in range(count)]


def _compose_ms(compositor: Compositor, patches: list[Patch | None]) -> float:
    """Median of what a frame costs; every patch is shown once, then the first one again."""
    index = 0

    def compose() -> None:
        nonlocal index
        compositor.compose(index, patches[index % len(patches)])
        index += 1

    return _ms(compose)


def _photo() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        assets = load_assets(AvatarStore(Path(folder)).get("mira").atlas())
    case = _Case(assets.width, assets.height, 256)
    face = StillFace(FaceAssets(case.part(), assets.width, assets.height), assets)
    shapes: list[Patch | None] = [
        MouthShape(aperture=n % 20 / 20, width=0.3, energy=0.5 + 0.5 * (n % 8 < 4)) for n in range(40)
    ]
    drawn: list[Patch | None] = [msgspec.structs.replace(p, frame=0) for p in _drawn(40, face.number)]

    def compositor() -> AtlasCompositor:
        return AtlasCompositor(assets, Life(0, assets.eye_span), face)

    return [
        Row("compose a photo, mouth of the atlas", _compose_ms(compositor(), shapes), "ms/frame"),
        Row("compose a photo, drawn mouth", _compose_ms(compositor(), drawn), "ms/frame"),
    ]


def _video(width: int, height: int, face: int) -> list[Row]:
    case, count = _Case(width, height, face), FPS
    still = pack(_picture(1, width, height))
    frames = np.array([np.roll(still, n) for n in range(count)])
    loop = LoopAssets(width, height, frames)
    faces = FaceAssets(case.part(count), width, height)
    there_and_back: list[Patch | None] = [*_drawn(count, faces.number)]
    there_and_back += there_and_back[-2:0:-1]
    where = f"{width}x{height}, face of {face}"
    return [
        Row(f"compose a loop, idle, {where}", _compose_ms(LoopCompositor(loop, faces), [None]), "ms/frame"),
        Row(
            f"compose a loop, drawn mouth, {where}",
            _compose_ms(LoopCompositor(loop, faces), there_and_back),
            "ms/frame",
        ),
    ]


async def measure() -> list[Row]:
    cv2.setNumThreads(1)
    rows = [row for size in SIZES for face in TARGETS for row in _blends(_Case(*size, face))]
    return [*rows, *_photo(), *_video(512, 512, 256), *_video(1920, 1080, 560)]
