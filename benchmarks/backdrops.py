"""How true mattes and repairs are, on renders whose silhouettes are known, and how long a photo takes.

Every model whose file is on this machine is measured; none is fetched. ``MIGAN_MODEL`` and
``LAMA_MODEL`` add those networks to the repairs.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avatars.store import AvatarStore
from benchmarks.renders import BUSY, PEOPLE, Render, busy, render
from benchmarks.result import Row
from precompute.backdrop import Backdrop
from precompute.create import create_avatar
from precompute.landmarks import FaceFinder
from precompute.matting.background import colour
from precompute.matting.edges import refine_edges
from precompute.matting.face_inside import keep_face
from precompute.matting.foreground import own_colours
from precompute.matting.models import matter_of, models_here
from precompute.matting.rembg_model import RembgMatter
from precompute.mesh_points import CHIN
from precompute.portrait import PORTRAIT_SIZE, find_portrait
from precompute.repair.base import Inpainter
from precompute.repair.inpainters import OpenCVInpainter
from precompute.repair.lama import LamaInpainter
from precompute.repair.mend import mend
from precompute.repair.migan import MiganInpainter

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]

PACKAGED = Path(sys.prefix) / "models" / "rembg"
"""Where the Makefile puts the smallest model."""
LEAST_IOU = 0.97
MAX_SECONDS = 15
BITES = 12
"""Cut-outs that are damaged, of each person."""
GREY = "#e8ebee"


def iou(found: Alpha, true: Alpha) -> float:
    """Intersection over union of two silhouettes."""
    a, b = found > 0.5, true > 0.5
    return float((a & b).sum() / (a | b).sum())


def psnr(found: Image, true: Image, where: NDArray[np.bool_]) -> float:
    """Peak signal-to-noise ratio in dB over some pixels."""
    error = np.mean((found[where].astype(np.float64) - true[where]) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def bitten(alpha: Alpha, landmarks: NDArray[np.float32], rng: np.random.Generator) -> Alpha:
    """A matte with three ellipses missing in the clothing, holes and notches as it comes."""
    face = float(np.ptp(landmarks[:, 1]))
    below = np.argwhere((alpha > 0.99) & (np.arange(len(alpha))[:, None] > landmarks[CHIN, 1] + 0.3 * face))
    damaged = alpha.copy()
    for y, x in below[rng.choice(len(below), 3)].tolist():
        axes = (rng.uniform(0.05, 0.15, 2) * face).astype(int).tolist()
        cv2.ellipse(damaged, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, 0.0, -1)
    return damaged


async def measure() -> list[Row]:
    return await asyncio.to_thread(_measure)


def _measure() -> list[Row]:
    if PACKAGED.is_dir():
        os.environ.setdefault("U2NET_HOME", str(PACKAGED))
    people = {person: render(person) for person in PEOPLE}
    finder = FaceFinder()
    rows = [row for model in models_here() for row in _mattes(model, people, finder)]
    rows += _edges(people)
    for inpainter in _inpainters():
        rows += _repairs(inpainter, people, finder)
    return [*rows, _whole_way(people)]


def _mattes(model: str, people: dict[str, Render], finder: FaceFinder) -> list[Row]:
    matter = matter_of(model)
    scores: list[float] = []
    errors: list[tuple[float, float]] = []
    began = time.perf_counter()
    for person in people.values():
        landmarks, true = _mesh(person, finder), _small(person.alpha)
        for name in BUSY:
            picture = _small(person.before(busy(name)))
            rough = matter.matte(picture)
            fine = keep_face(refine_edges(picture, rough), landmarks)
            scores.append(iou(fine, true))
            errors.append((float(np.abs(rough - true).mean()), float(np.abs(fine - true).mean())))
    seconds = (time.perf_counter() - began) / len(scores)
    rough_error, error = np.median(errors, axis=0).tolist()
    note = f"{len(scores)} pictures; a wall, gravel, text, a cat, a cup and the like behind two renders"
    return [
        Row(f"{model}: IoU of mattes, median", float(np.median(scores)), "", LEAST_IOU, "higher", note),
        Row(f"{model}: IoU of mattes, mean", float(np.mean(scores)), "", LEAST_IOU, "higher"),
        Row(f"{model}: IoU of mattes, worst", min(scores), "", better="higher"),
        Row(
            f"{model}: pictures with {LEAST_IOU} or more",
            float(np.mean(np.array(scores) >= LEAST_IOU)),
            "",
            better="higher",
        ),
        Row(f"{model}: mean error of alpha before edges are refined, median", rough_error, ""),
        Row(f"{model}: mean error of alpha, median", error, ""),
        Row(f"{model}: a matte of 512 x 512, edges among it", seconds, "s"),
    ]


def _edges(people: dict[str, Render]) -> list[Row]:
    """Colours of half covered pixels, before and after the old background is taken out of them."""
    scores: list[tuple[float, float]] = []
    for person in people.values():
        rim, true = (person.alpha > 0.05) & (person.alpha < 0.95), person.colours()
        for name in BUSY:
            picture = person.before(busy(name))
            cleaned = own_colours(picture, person.alpha)
            scores.append((psnr(picture, true, rim), psnr(cleaned, true, rim)))
    before, after = np.mean(scores, axis=0).tolist()
    return [
        Row("colours at edges, as in the photo", before, "dB"),
        Row("colours at edges, cleaned", after, "dB", better="higher"),
    ]


def _inpainters() -> list[Inpainter]:
    found: list[Inpainter] = [OpenCVInpainter()]
    if file := os.environ.get("MIGAN_MODEL"):
        found.append(MiganInpainter(Path(file)))
    if file := os.environ.get("LAMA_MODEL"):
        found.append(LamaInpainter(Path(file)))
    return found


def _repairs(inpainter: Inpainter, people: dict[str, Render], finder: FaceFinder) -> list[Row]:
    """Cut-outs with bites in the clothing, whose colours are gone, too."""
    rng = np.random.default_rng(6)
    scores: list[float] = []
    shares: list[tuple[float, float]] = []
    seconds = 0.0
    for person in people.values():
        true, landmarks = person.colours(), _mesh(person, finder, small=False)
        for _ in range(BITES):
            alpha = bitten(person.alpha, landmarks, rng)
            lost = (alpha < 0.5) & (person.alpha > 0.95)
            began = time.perf_counter()
            damaged = np.where(alpha[..., None] > 0, true, 0).astype(np.uint8)
            mended = mend(damaged, alpha, landmarks, inpainter, whole_photo=False)
            seconds += time.perf_counter() - began
            shares.append((mended.report.before, mended.report.after))
            if mended.report.drawn:
                scores.append(psnr(mended.colours, true, lost))
    before, after = np.mean(shares, axis=0).tolist()
    kind = inpainter.name.split()[0]
    return [
        Row(f"{kind}: bites in clothing, PSNR", float(np.mean(scores)), "dB", better="higher",
            note=f"{len(scores)} of {len(shares)} cut-outs had 1 % or more missing"),
        Row(f"{kind}: clothing missing before", before * 100, "%"),
        Row(f"{kind}: clothing missing after", after * 100, "%"),
        Row(f"{kind}: one repair", seconds / len(shares), "s"),
    ]  # fmt: skip


def _whole_way(people: dict[str, Render]) -> Row:
    photo = people["theo"].before(busy("grass"))
    encoded = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        backdrop = Backdrop(colour(GREY), RembgMatter("u2netp"), OpenCVInpainter())
        create_avatar(encoded, "timed", AvatarStore(Path(folder)), prepare=backdrop)
        seconds = time.perf_counter() - began
    return Row("photo to avatar with another background", seconds, "s", MAX_SECONDS, note="u2netp, 512 x 512")


def _mesh(person: Render, finder: FaceFinder, *, small: bool = True) -> NDArray[np.float32]:
    """(468, 2) in pixels of the render, or of its small version."""
    portrait = find_portrait(person.picture.astype(np.uint8), finder)
    left, top, side = portrait.report.crop
    points = portrait.landmarks[:, :2] * (side / portrait.size) + np.array([left, top])
    scale = PORTRAIT_SIZE / person.alpha.shape[0] if small else 1.0
    return (points * scale).astype(np.float32)


def _small(picture: Image | Alpha) -> NDArray:
    size = (PORTRAIT_SIZE, PORTRAIT_SIZE)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), picture.dtype)
