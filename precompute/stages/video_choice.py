"""The best stretch of a video is chosen, and the square of it that is shown."""

from __future__ import annotations

import cv2
import numpy as np

from precompute.loop import CUT, REASONS, Stretch, choose_stretch
from precompute.loop_crop import LoopCrop, find_crop
from precompute.stages.base import Desk, Image, Stage
from precompute.stages.thumbs import thumb
from precompute.stages.video_loop import clip_of, save_choice, sights_of
from precompute.video import VideoInfo
from streaming.timing import FPS

TOLD_LEFT_OUT = 60
"""Parts of a video that a report tells of."""
SHOWN_LEFT_OUT = 4
CELL = (480, 320)
"""Width and height of a picture in the preview."""
PAPER = 244
TEXT_HEIGHT = 40
FRAMED = (90, 200, 90)
DIMMED = 0.55


def _choose(desk: Desk) -> None:
    sights, clip = sights_of(desk), clip_of(desk)
    stretch = choose_stretch(sights)
    crop = find_crop(
        sights.meshes[stretch.begin : stretch.end], clip.info.width, clip.info.height, desk.order.size
    )
    save_choice(desk, stretch, crop)
    desk.detail(loop=stretch.kind)
    left_out = stretch.left_out
    desk.report(
        {
            "begin": round(stretch.begin / FPS, 2),
            "end": round(stretch.end / FPS, 2),
            "loop": stretch.kind,
            "seam": round(stretch.seam, 4),
            "speeds": [round(speed, 3) for speed in stretch.speeds],
            "speaking": round(stretch.speaking, 3),
            "crop": [crop.left, crop.top, crop.side],
            "left_out": [
                {"begin": round(part.begin, 2), "end": round(part.end, 2), "reason": REASONS[part.reason]}
                for part in left_out[:TOLD_LEFT_OUT]
            ],
        }
    )
    if len(left_out) > TOLD_LEFT_OUT:
        desk.report({"left_out_more": len(left_out) - TOLD_LEFT_OUT})
    desk.preview(_drawn(desk, stretch, crop, clip.info))


def _drawn(desk: Desk, stretch: Stretch, crop: LoopCrop, info: VideoInfo) -> Image:
    """Where the loop begins and ends, and below, darker, some of what it does without."""
    cells: list[Image] = []
    for text, index in (("begins", stretch.begin), ("ends", stretch.end - 1)):
        _, picture = thumb(desk, index, stretch.begin, stretch.end)
        scale = picture.shape[1] / info.width
        corner = round(crop.left * scale), round(crop.top * scale)
        side = round(crop.side * scale) - 1
        cv2.rectangle(picture, corner, (corner[0] + side, corner[1] + side), FRAMED, 2)
        cells.append(_cell(picture, f"{text} {index / FPS:.1f} s"))
    longest = sorted(
        (part for part in stretch.left_out if part.reason != CUT), key=lambda part: part.begin - part.end
    )
    for part in sorted(longest[:SHOWN_LEFT_OUT], key=lambda part: part.begin):
        first, behind = round(part.begin * FPS), round(part.end * FPS)
        _, picture = thumb(desk, (first + behind) // 2, first, behind)
        cells.append(_cell((picture * DIMMED).astype(np.uint8), str(part)))
    if len(cells) % 2:
        cells.append(np.full_like(cells[0], PAPER))
    return np.vstack([np.hstack(cells[i : i + 2]) for i in range(0, len(cells), 2)])


def _cell(picture: Image, text: str) -> Image:
    width, height = CELL
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    cell = np.full((TEXT_HEIGHT + height, width, 3), PAPER, np.uint8)
    cv2.putText(cell, text, (8, TEXT_HEIGHT - 12), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (0, 0, 0), 2, cv2.LINE_AA)
    below = cell[TEXT_HEIGHT + (height - size[1]) // 2 :, (width - size[0]) // 2 :]
    below[: size[1], : size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cell


LOOP = Stage("loop", "Choosing the loop", 0.05, _choose)
