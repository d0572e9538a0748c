"""The face of a photo is found, judged, and cut out as a portrait."""

from __future__ import annotations

import cv2
import numpy as np

from precompute.judging import advice_of, judge_portrait
from precompute.portrait import Portrait, find_portrait
from precompute.stages.base import PREVIEW_SIDE, Desk, Image, Stage
from precompute.stages.drawing import draw_mesh
from precompute.stages.keeping import AS_TAKEN, PHOTO, photo_of, save_portrait

FRAMED = (90, 200, 90)
"""BGR of the crop's outline."""


def _find(desk: Desk) -> None:
    picture = photo_of(desk)
    portrait = find_portrait(picture, desk.finder, desk.order.size)
    save_portrait(desk, AS_TAKEN, portrait)
    found = portrait.report
    left, top, side = found.crop
    judged = judge_portrait(portrait)
    desk.report(
        {
            "faces": found.faces,
            "crop": [left, top, side],
            "enlarged": round(found.enlarged, 3),
            "judged": judged,
        }
    )
    for advice in (*found.advice, *advice_of(judged)):
        desk.note(advice)
    desk.preview(_drawn(picture, portrait))
    desk.forget(PHOTO)


def _drawn(picture: Image, portrait: Portrait) -> Image:
    """The photo with its crop and the landmarks drawn lightly."""
    scale = min(1.0, PREVIEW_SIDE / max(picture.shape[:2]))
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    left, top, side = (round(n * scale) for n in portrait.report.crop)
    points = (portrait.landmarks[:, :2] + 0.5) / portrait.report.enlarged + portrait.report.crop[:2]
    shown = draw_mesh(small, points * scale)
    cv2.rectangle(shown, (left, top), (left + side - 1, top + side - 1), FRAMED, 2)
    return shown


FACE = Stage("face", "Finding the face", 0.04, _find)
