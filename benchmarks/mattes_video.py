"""How true and how calm mattes of videos are, on renders that move, and what such an avatar costs.

Of the models that are on this machine the smallest and MODNet are measured, each in two ways: every frame by
itself, as photos are done, and steadied over time. Flicker is how much a matte's error changes from frame to
frame at the same place of the person, along the outline.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
from av.video.stream import VideoStream
from numpy.typing import NDArray

from avatars.store import AvatarStore
from benchmarks.backdrops import LEAST_IOU, PACKAGED, bitten, iou
from benchmarks.moving import MOTIONS, Moment, carried, moving
from benchmarks.peak import peak_memory
from benchmarks.renders import busy, render
from benchmarks.result import Row
from precompute.landmarks import FaceFinder
from precompute.matting.edges import refine_edges
from precompute.matting.face_inside import keep_face
from precompute.matting.models import matter_of, models_here
from precompute.matting.moving import SteadyMattes
from precompute.matting.rembg_model import Matter
from precompute.order import AvatarOrder
from precompute.portrait import PORTRAIT_SIZE
from precompute.repair.over_time import ClothingMender
from precompute.stages.base import SOURCE, Desk
from precompute.stages.plan import run_all, stages_of

Alpha = NDArray[np.float32]

MEASURED = ("u2netp", "modnet")
CASES = (
    ("theo", "brick", "motionless"),
    ("mira", "chelsea", "calm"),
    ("theo", "grass", "calm, the background moves"),
    ("mira", "coffee", "calm, the background moves"),
    ("mira", "camera", "lively"),
    ("theo", "rocket", "lively, the camera shakes"),
)
FRAMES = 40
ALONE = 10
"""Of each video's first frames, to compare with: networks that look at every frame take their time."""
BAND = 21
"""Pixels around the outline, across, in which flicker is measured."""
WHOLE_SECONDS = 10
MAX_SECONDS, MAX_MEGABYTES = 120, 1500
"""What ten seconds of 720p may take."""
BITTEN_SHARE = 0.3
"""Of the key frames, to test the repair."""


@dataclass(slots=True)
class Scores:
    """Of one way of making mattes, over all cases."""

    ious: list[float]
    errors: list[float]
    flicker: list[float]
    still: list[float]


class Truth:
    """A matter that knows, and now and then leaves out a piece of the clothing."""

    name = "truth"

    def __init__(self, moments: list[Moment], landmarks: NDArray[np.float32]) -> None:
        self._rng = np.random.default_rng(4)
        self._known = {id(moment.picture): number for number, moment in enumerate(moments)}
        self._moments, self._landmarks = moments, landmarks

    def matte(self, image: NDArray[np.uint8]) -> Alpha:
        number = self._known[id(image)]
        alpha = self._moments[number].alpha
        if self._rng.random() < BITTEN_SHARE:
            return bitten(alpha, self._landmarks[number], self._rng)
        return alpha


async def measure() -> list[Row]:
    if PACKAGED.is_dir():
        os.environ.setdefault("U2NET_HOME", str(PACKAGED))
    rows = await asyncio.to_thread(_mattes)
    return [*rows, *await asyncio.to_thread(_whole_way)]


def _mattes() -> list[Row]:
    finder = FaceFinder()
    cases: list[tuple[str, list[Moment], NDArray[np.float32]]] = []
    for person, background, motion in CASES:
        size = {"width": PORTRAIT_SIZE, "height": PORTRAIT_SIZE}
        moments = list(moving(render(person), busy(background), MOTIONS[motion], FRAMES, **size))
        cases.append((motion, moments, _landmarks(moments, finder)))
    rows: list[Row] = []
    for name in MEASURED:
        if name in models_here():
            rows += _of_model(name, matter_of(name), cases)
    return [*rows, *_clothing(cases[1])]


def _of_model(name: str, matter: Matter, cases: list) -> list[Row]:
    single, steady, begun = (Scores([], [], [], []) for _ in range(3))
    seconds = keys = 0
    matter.matte(cases[0][1][0].picture)
    for motion, moments, landmarks in cases:
        alone = [
            keep_face(refine_edges(moment.picture, matter.matte(moment.picture)), points)
            for moment, points in zip(moments[:ALONE], landmarks[:ALONE], strict=True)
        ]
        began = time.process_time()
        mattes = SteadyMattes(matter)
        found = [alpha for _, alpha in mattes.of((moment.picture for moment in moments), landmarks)]
        seconds += time.process_time() - began
        keys += mattes.keys
        for scores, alphas in ((single, alone), (steady, found), (begun, found[:ALONE])):
            _score(scores, alphas, moments, motion)
    frames = FRAMES * len(cases)
    note = f"{frames} frames of {len(cases)} videos: brick, grass, a cat, a cup, a park and a rocket behind"
    ious = np.array(steady.ious)
    return [
        Row(f"{name}: IoU of videos' mattes, median", float(np.median(ious)), "", LEAST_IOU, "higher", note),
        Row(f"{name}: IoU of videos' mattes, mean", float(ious.mean()), "", LEAST_IOU, "higher"),
        Row(f"{name}: IoU of videos' mattes, worst", float(ious.min()), "", better="higher"),
        Row(f"{name}: frames with {LEAST_IOU} or more", _reached(steady), "", better="higher"),
        Row(f"{name}: frames with {LEAST_IOU} or more, of the first", _reached(begun), "", better="higher",
            note=f"the first {ALONE} of each video, here and below"),
        Row(f"{name}: the same, each frame by itself", _reached(single), ""),
        Row(f"{name}: mean error of alpha", _mean(begun.errors), ""),
        Row(f"{name}: mean error of alpha, each frame by itself", _mean(single.errors), ""),
        Row(f"{name}: flicker at the outline", _mean(begun.flicker), "levels"),
        Row(f"{name}: flicker at the outline, each frame by itself", _mean(single.flicker), "levels"),
        Row(f"{name}: flicker where nothing moves", _mean(begun.still), "levels"),
        Row(f"{name}: flicker where nothing moves, each frame by itself", _mean(single.still), "levels"),
        Row(f"{name}: share of frames that the network sees", keys / frames, ""),
        Row(f"{name}: processor time for each frame", seconds / frames, "s"),
    ]  # fmt: skip


def _reached(scores: Scores) -> float:
    return float((np.array(scores.ious) >= LEAST_IOU).mean())


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _score(scores: Scores, alphas: list[Alpha], moments: list[Moment], motion: str) -> None:
    last: tuple[Alpha, Moment] | None = None
    for alpha, moment in zip(alphas, moments, strict=False):
        scores.ious.append(iou(alpha, moment.alpha))
        error = alpha - moment.alpha
        scores.errors.append(float(np.abs(error).mean()))
        if last is not None:
            edge = ((moment.alpha > 0.02) & (moment.alpha < 0.98)).astype(np.uint8)
            band = cv2.dilate(edge, np.ones((BAND, BAND), np.uint8)) > 0
            change = np.abs(error - carried(last[0], last[1], moment))[band]
            scores.flicker.append(255 * float(change.mean()))
            if motion == "motionless":
                scores.still.append(255 * float(change.mean()))
        last = error, moment


def _clothing(case: tuple[str, list[Moment], NDArray[np.float32]]) -> list[Row]:
    _, moments, landmarks = case
    mender = ClothingMender()
    steady = SteadyMattes(Truth(moments, landmarks), mender)
    pictures = (moment.picture for moment in moments)
    scores = [
        iou(alpha, moment.alpha)
        for (_, alpha), moment in zip(steady.of(pictures, landmarks), moments, strict=True)
    ]
    found = mender.report()
    return [
        Row("key frames with 1 % or more of the clothing missing", found.bitten, "",
            note=f"three bites in {BITTEN_SHARE:.0%} of the key frames of a true matte"),
        Row("the same after the repair", found.bitten_after, ""),
        Row("clothing missing in the worst of them", found.worst * 100, "%"),
        Row("the same after the repair", found.worst_after * 100, "%"),
        Row("IoU of the repaired mattes, worst", min(scores), "", LEAST_IOU, "higher"),
    ]  # fmt: skip


def _landmarks(moments: list[Moment], finder: FaceFinder) -> NDArray[np.float32]:
    mesh = finder.mesh_once(moments[0].picture, finder.detect(moments[0].picture)[0])
    points = []
    for moment in moments:
        mesh = finder.mesh_once(moment.picture, mesh)
        points.append(mesh.points[:, :2])
    return np.array(points, np.float32)


def _whole_way() -> list[Row]:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / SOURCE
        _write(video)
        with context.Pool(1) as pool:
            seconds, cpu, peak, bytes_ = pool.apply(_cost, (Path(folder),))
    kind = f"{WHOLE_SECONDS} s of 720p before another background"
    return [
        Row(f"{kind}: time", seconds, "s", MAX_SECONDS, note="u2netp, looking and writing among it"),
        Row(f"{kind}: processor time", cpu, "s", note="decoding included"),
        Row(f"{kind}: memory", peak / 1e6, "MB", MAX_MEGABYTES, note="at its peak, decoding included"),
        Row(f"{kind}: avatar", bytes_ / 1e6, "MB"),
    ]


def _write(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "20"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for moment in _filmed():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(moment.picture, format="bgr24")))
        container.mux(stream.encode(None))


def _filmed() -> Iterator[Moment]:
    return moving(render("mira"), busy("brick"), MOTIONS["calm"], 30 * WHOLE_SECONDS, width=1280, height=720)


def _cost(folder: Path) -> tuple[float, float, int, int]:
    """Runs in a process of its own, so that its memory is that of the work, the networks included."""
    process = psutil.Process()
    began, before = time.perf_counter(), process.cpu_times()
    order = AvatarOrder(avatar="timed", kind="video", background="#e8ebee", matting="u2netp", loop_only=True)
    desk = Desk(folder, order, AvatarStore(folder / "store"))
    with peak_memory(children=True) as memory:
        run_all(desk, stages_of(order))
    seconds, after = time.perf_counter() - began, process.cpu_times()
    parts = desk.store.get("timed").manifest.parts.values()
    cpu = sum(after[:4]) - sum(before[:4])
    return seconds, cpu, memory.most, sum(part.bytes for part in parts)
