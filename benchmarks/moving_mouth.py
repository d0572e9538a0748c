"""Mouths that are drawn into loops in which heads move, beside films in which they were said."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from avatars.atlas_file import load_atlas, save_atlas
from avatars.heads_file import save_heads
from avatars.manifest import AvatarDetails
from avatars.store import BUILTIN_ROOT, AvatarStore
from benchmarks.judge.drivers import FACE
from benchmarks.judge.examine import Job, examine
from benchmarks.judge.film import spans_of
from benchmarks.judge.material import TEXT_ENGINE, TEXTS, speak
from benchmarks.judge.scores import LARGEST_JUMP, score
from benchmarks.judge.utterances import GOALS, TEXT, UtteranceSet
from benchmarks.moving_head import MovingHead, write_film
from benchmarks.result import Row
from precompute.landmarks import FaceFinder
from precompute.loop_track import look
from precompute.mesh_points import OUTER_LOWER, OUTER_UPPER
from precompute.moving.build import MovingMouths, build_moving_mouths
from precompute.moving.fitting import basis
from precompute.musetalk.boxes import smooth
from streaming.compositor.easing import REST_POSE, MouthPose
from streaming.compositor.factory import AvatarCompositorFactory
from streaming.compositor.loop_mouth import LoopMouth
from streaming.compositor.loop_mouth_assets import load_loop_mouths
from streaming.compositor.planes import Planes, pack, packed_size, unpack
from streaming.slots import MouthShape
from streaming.speech.registry import build_chain
from streaming.timing import FPS

SECONDS = 6
FILMS = {"mira": 0, "theo": 1}
"""Who is filmed, and how they move."""
HALF_WIDTH, ABOVE, BELOW = 0.5, 0.4, 0.6
"""The region of the mouth and the chin, in eye spans."""
MAX_COST, MIN_SSIM = 1.0, 0.9
SILENT, TALKS = "silent loop", "loop that talks"
GOAL_OF_SILENT = 34.0, 1.0, 0.3
"""PSNR, distance of the lips from their place, and their largest trembling, in pixels."""
LIPS = [*OUTER_UPPER, *OUTER_LOWER]

Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Film:
    """A loop, what it was rendered from, and what was made of it."""

    head: MovingHead
    frames: list[Image]
    landmarks: NDArray[np.float64]
    made: MovingMouths
    seconds: float


def _silent(frame: int) -> MouthPose:
    return REST_POSE


def _talking(frame: int) -> MouthPose:
    """Another sentence than the one that is drawn."""
    return MouthPose(max(0.0, 0.7 * np.sin(frame * 0.55)), 0.5 * np.sin(frame * 0.23))


def _said(frame: int) -> MouthPose:
    """What is drawn: all openings and widths."""
    return MouthPose(min(1.0, max(0.0, 0.35 + 0.55 * np.sin(frame * 0.9))), 0.9 * np.sin(frame * 0.37))


def _film(root: Path, avatar: str, talking: bool) -> _Film:
    head = MovingHead(load_atlas(BUILTIN_ROOT / avatar / "atlas.npz"), FILMS[avatar])
    own = _talking if talking else _silent
    path = root / f"{avatar}-{talking}.mp4"
    write_film(path, (head.planes(n, own(n)) for n in range(SECONDS * FPS)))
    frames = _decoded(path)
    finder = FaceFinder()
    landmarks = smooth(look(iter(frames), finder, lambda done: None).meshes)
    began = time.perf_counter()
    made = build_moving_mouths(lambda: iter(frames), landmarks, "mirrored", finder)
    return _Film(head, frames, landmarks, made, time.perf_counter() - began)


def _decoded(path: Path) -> list[Image]:
    with av.open(str(path)) as container:
        return [np.asarray(f.to_ndarray(format="bgr24"), np.uint8) for f in container.decode(video=0)]


def _likeness(film: _Film) -> tuple[list[float], list[float], list[float], float]:
    """PSNR and SSIM of luma of drawn mouths, PSNR of the loop's own mouth, and milliseconds for one."""
    assets = load_loop_mouths(film.made.atlas, film.made.heads)
    mouth, width, height = LoopMouth(assets), film.head.width, film.head.height
    drawn_levels, likenesses, plain, taken = [], [], [], []
    for n, frame in enumerate(film.frames):
        source = _planes(frame)
        target = unpack(np.empty(packed_size(width, height), np.uint8), width, height)
        target.put(source)
        began = time.thread_time()
        mouth.draw(n, _said(n), 1.0, source, target)
        taken.append(time.thread_time() - began)
        x, y = film.made.heads.centres[n]
        region = np.s_[
            int(y - ABOVE * assets.unit) : int(y + BELOW * assets.unit),
            int(x - HALF_WIDTH * assets.unit) : int(x + HALF_WIDTH * assets.unit),
        ]
        wanted = film.head.planes(n, _said(n)).y[region]
        drawn_levels.append(_psnr(target.y[region], wanted))
        likenesses.append(float(np.mean(structural_similarity(target.y[region], wanted))))
        plain.append(_psnr(source.y[region], wanted))
    return drawn_levels, likenesses, plain, statistics.median(taken) * 1000


def _planes(picture: Image) -> Planes:
    return unpack(pack(picture), picture.shape[1], picture.shape[0])


def _psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


def _places(film: _Film) -> tuple[float, float]:
    """By how much lips are laid beside where they are, root mean square; and the largest step of that."""
    heads, unit = film.made.heads, load_loop_mouths(film.made.atlas, film.made.heads).unit
    reference = int(heads.reference[0])
    errors = []
    for n in range(heads.frames):
        places = film.landmarks[n][LIPS]
        laid = basis((places - heads.centres[n]) / unit) @ heads.maps[n].T * unit + heads.centres[reference]
        errors.append(laid - film.head.shown_at(reference, film.head.origins(n, places)))
    middles = np.mean(errors, axis=1)
    steps = np.linalg.norm(np.diff(middles, n=2, axis=0), axis=1)
    return float(np.sqrt(np.square(errors).sum(axis=-1).mean())), float(steps.max())


def _rows(avatar: str, film: _Film, what: str) -> list[Row]:
    drawn, likeness, plain, cost = _likeness(film)
    rms, trembling = _places(film)
    turned = np.degrees(np.arcsin(max(abs(float(film.head.motion(n)[3])) for n in range(len(film.frames)))))
    name = f"{avatar}, {what}"
    note = f"turns up to {turned:.0f} degrees"
    likest, nearest, steadiest = GOAL_OF_SILENT if what == SILENT else (None, None, None)
    return [
        Row(
            f"{name}: drawn mouths against said ones",
            statistics.mean(drawn),
            "dB",
            likest,
            "higher",
            f"PSNR; at least {min(drawn):.1f}",
        ),
        Row(f"{name}: the loop's own mouth against them", statistics.mean(plain), "dB", note="undrawn"),
        Row(f"{name}: likeness", statistics.mean(likeness), "SSIM", MIN_SSIM, "higher", note),
        Row(f"{name}: lips beside their place", rms, "px", nearest, note="root mean square"),
        Row(f"{name}: largest trembling of lips", trembling, "px", steadiest),
        Row(f"{name}: a mouth in a frame of 512x512", cost, "ms", note="after other work, caches cold"),
        Row(f"{name}: making atlas and heads", film.seconds, "s", note=f"{SECONDS} s of loop"),
    ]


def _keep(store: AvatarStore, avatar: str, film: _Film) -> None:
    """Put the film's avatar into a store."""
    with store.writer(f"moving-{avatar}") as writer:
        heads = film.made.heads
        write_film(writer.path("idle.mp4"), (_planes(frame) for frame in film.frames))
        save_atlas(writer.path("atlas.npz"), film.made.atlas)
        save_heads(writer.path("heads.npz"), heads, film.made.atlas)
        writer.commit(
            AvatarDetails(
                id=f"moving-{avatar}",
                name=avatar,
                width=film.head.width,
                height=film.head.height,
                fps=FPS,
                frames=heads.frames,
                created=datetime.now(UTC),
            )
        )


def _frame_ms(store: AvatarStore, avatar: str, shape: MouthShape | None) -> float:
    compositor = AvatarCompositorFactory(store).open(f"moving-{avatar}")
    taken = []
    for index in range(2 * SECONDS * FPS):
        if shape is not None:
            pose = _said(index)
            shape = MouthShape(pose.aperture, pose.width, energy=0.8)
        began = time.thread_time()
        compositor.compose(index, shape)
        taken.append(time.thread_time() - began)
    return statistics.median(taken) * 1000


def _judged(root: Path, avatar: str, spoken: UtteranceSet) -> list[Row]:
    film = examine(Job(root, f"moving-{avatar}", FACE, spoken))
    found = score(spoken, spans_of(spoken.utterances), film.seen, film.still_sharpness)
    goals = GOALS[TEXT]
    name = f"{avatar}, judged"
    return [
        Row(
            f"{name}: closures seen",
            found.closures or 0.0,
            "of all",
            goals.closures,
            "higher",
            f"{found.closure_count} m b p",
        ),
        Row(f"{name}: opening against the sounds", found.opening or 0.0, "r", goals.opening, "higher"),
        Row(f"{name}: open vowels taken for closed", found.vowels_closed or 0.0, "of all", 0),
        Row(
            f"{name}: largest step of the lips where speech begins or ends",
            found.jump or 0.0,
            "px",
            LARGEST_JUMP,
        ),
    ]


def _measure(spoken: UtteranceSet) -> list[Row]:
    cv2.setNumThreads(1)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        store = AvatarStore(root / "store")
        for avatar in FILMS:
            silent = _film(root, avatar, talking=False)
            _keep(store, avatar, silent)
            rows += _rows(avatar, silent, SILENT)
            idle, talking = _frame_ms(store, avatar, None), _frame_ms(store, avatar, MouthShape())
            rows.append(Row(f"{avatar}: a frame of the loop", idle, "ms", note="idle"))
            rows.append(Row(f"{avatar}: a frame in which it talks", talking, "ms"))
            rows.append(Row(f"{avatar}: what talking adds to a frame", talking - idle, "ms", MAX_COST))
            rows += _judged(store.root, avatar, spoken)
        rows += _rows("mira", _film(root, "mira", talking=True), TALKS)
    return rows


async def measure() -> list[Row]:
    said = await speak(build_chain(TEXT_ENGINE), " ".join(TEXTS), TEXT, "en")
    return await asyncio.to_thread(_measure, UtteranceSet(TEXT, (said,), timed=True))
