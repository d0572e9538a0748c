"""Judges a face for an avatar: its size, pose, mouth, sharpness and light, each with a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from precompute.focus import sharpness
from precompute.mesh_points import EYE_OUTER_LEFT, EYE_OUTER_RIGHT, LIP_LOWER_INNER, LIP_UPPER_INNER
from precompute.portrait import BRIGHT, DARK, MAX_PITCH, MAX_ROLL, MAX_YAW, SOFT_EYE_SPAN, Portrait

Image = NDArray[np.uint8]

GOOD, FAIR, POOR = "good", "fair", "poor"
TINY_EYE_SPAN = 55.0
"""Pixels of the photo: below it is hardly a likeness."""
CLOSED_MOUTH, OPEN_MOUTH = 0.06, 0.15
"""Gap between the lips over the eye span: closed below the first, open above the second."""
SHARP, SOFT = 0.065, 0.04
"""See :func:`precompute.focus.sharpness`."""
EVEN, UNEVEN = 0.25, 0.4
"""Difference between the halves of the face over its brightness."""
DIM, GLARING = 75.0, 215.0
"""Mean grey of a face that is well lit lies between."""

_ADVICE = {
    "mouth": "The mouth is open; lips are drawn better from a closed mouth.",
    "sharpness": "The face is blurred; a sharper picture, held still and in focus, looks better.",
    "evenness": "The light comes from one side; even light from the front looks better.",
}


def judge_portrait(portrait: Portrait) -> dict[str, dict[str, Any]]:
    """Everything that is judged of a photo's face, by name: ``value``, ``unit`` and ``verdict``."""
    found = portrait.report
    points = portrait.landmarks[:, :2]
    half = found.yaw, found.pitch, found.roll
    limits = MAX_YAW, MAX_PITCH, MAX_ROLL
    judged = {"eye_span": _entry(found.eye_span, "px", _low(found.eye_span, TINY_EYE_SPAN, SOFT_EYE_SPAN))}
    for name, angle, limit in zip(("yaw", "pitch", "roll"), half, limits, strict=True):
        judged[name] = _entry(angle, "degrees", _high(abs(angle), 0.4 * limit, 0.75 * limit))
    scale = portrait.source.shape[0] / portrait.size
    return judged | judge_look(portrait.source, points * scale)


def judge_look(picture: Image, points: NDArray[np.floating]) -> dict[str, dict[str, Any]]:
    """What is judged of a face in any picture: ``mouth``, ``sharpness``, ``brightness``, ``evenness``.

    Args:
        picture: (H, W, 3) BGR.
        points: (468, 2) landmarks in its pixels.
    """
    gap = float(np.linalg.norm(points[LIP_LOWER_INNER] - points[LIP_UPPER_INNER]))
    mouth = gap / max(_span(points), 1e-6)
    sharp = sharpness(picture, points)
    light, uneven = _light(picture, points)
    bright = POOR if not DARK <= light <= BRIGHT else GOOD if DIM <= light <= GLARING else FAIR
    return {
        "mouth": _entry(mouth, "of the eye span", _high(mouth, CLOSED_MOUTH, OPEN_MOUTH)),
        "sharpness": _entry(sharp, "", _low(sharp, SOFT, SHARP)),
        "brightness": _entry(light, "of 255", bright),
        "evenness": _entry(uneven, "", _high(uneven, EVEN, UNEVEN)),
    }


def advice_of(judged: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Sentences on what is judged poor and not told otherwise; size and brightness are."""
    return [sentence for name, sentence in _ADVICE.items() if judged[name]["verdict"] == POOR]


def _light(picture: Image, points: NDArray[np.floating]) -> tuple[float, float]:
    """Mean grey of the face, and how much its halves differ, over it."""
    low, high = np.clip(points.min(axis=0).astype(int), 0, None), points.max(axis=0).astype(int)
    grey = cv2.cvtColor(picture[low[1] : high[1], low[0] : high[0]], cv2.COLOR_BGR2GRAY)
    middle = grey.shape[1] // 2
    light = float(grey.mean())
    return light, abs(float(grey[:, :middle].mean()) - float(grey[:, middle:].mean())) / max(light, 1.0)


def _span(points: NDArray[np.floating]) -> float:
    return float(np.linalg.norm(points[EYE_OUTER_LEFT] - points[EYE_OUTER_RIGHT]))


def _entry(value: float, unit: str, verdict: str) -> dict[str, Any]:
    digits = 3 if abs(value) < 1 and unit != "degrees" else 1
    return {"value": round(value, digits) + 0.0, "unit": unit, "verdict": verdict}


def _low(value: float, fair: float, good: float) -> str:
    """Verdict on what had better be high."""
    return GOOD if value >= good else FAIR if value >= fair else POOR


def _high(value: float, good: float, fair: float) -> str:
    """Verdict on what had better be low."""
    return GOOD if value <= good else FAIR if value <= fair else POOR
