"""Portraits and what was separated of them, as files that stages of photos leave for each other."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from precompute.backdrop import Separated
from precompute.photo import open_photo
from precompute.portrait import Portrait, PortraitReport
from precompute.stages.base import Desk

Image = NDArray[np.uint8]

PHOTO = "photo"
AS_TAKEN, DRESSED = "portrait", "dressed"
"""The portrait as it is in the photo, and before its new background."""
SEPARATED = "separated"
MAX_READ_BYTES = 64 << 20
_REPORTS = TypeAdapter(PortraitReport)


def photo_of(desk: Desk) -> Image:
    """The photo, decoded once in each process.

    Raises:
        AvatarRejected: it cannot be opened.
    """
    picture = desk.kept(PHOTO, np.ndarray)
    return picture if picture is not None else desk.keep(PHOTO, open_photo(source_of(desk)))


def source_of(desk: Desk) -> bytes | Path:
    """What ``open_photo`` takes: bytes, as the desk's own name for the file says nothing to people."""
    if desk.path is not None or desk.source.stat().st_size > MAX_READ_BYTES:
        return desk.source
    return desk.source.read_bytes()


def save_portrait(desk: Desk, name: str, portrait: Portrait) -> None:
    """Leave a portrait."""
    about = np.frombuffer(_REPORTS.dump_json(portrait.report), np.uint8)
    desk.save_arrays(
        name,
        {
            "frame": portrait.frame,
            "source": portrait.source,
            "landmarks": portrait.landmarks,
            "report": about,
        },
    )
    desk.keep(name, portrait)


def load_portrait(desk: Desk, name: str) -> Portrait:
    """A portrait that an earlier stage left."""
    kept = desk.kept(name, Portrait)
    if kept is not None:
        return kept
    found = desk.load_arrays(name)
    report = _REPORTS.validate_json(found["report"].tobytes())
    return desk.keep(name, Portrait(found["frame"], found["source"], found["landmarks"], report))


def alpha_of(desk: Desk) -> NDArray[np.float32]:
    """(S, S) matte of the avatar's frames, 0..1, that an earlier stage left."""
    alpha = cv2.imread(str(desk.part("alpha.png")), cv2.IMREAD_GRAYSCALE)
    if alpha is None:
        raise OSError("The matte cannot be read any more.")
    return np.asarray(alpha / 255, np.float32)


def save_separated(desk: Desk, separated: Separated) -> None:
    """Leave a person told from the background."""
    desk.save_arrays(
        SEPARATED,
        {
            "colours": separated.colours,
            "alpha": separated.alpha,
            "own": np.array([separated.own]),
            "made_by": np.frombuffer(separated.made_by.encode(), np.uint8),
        },
    )
    desk.keep(SEPARATED, separated)


def load_separated(desk: Desk) -> Separated:
    """The person that the stage before told from the background."""
    kept = desk.kept(SEPARATED, Separated)
    if kept is not None:
        return kept
    found = desk.load_arrays(SEPARATED)
    return Separated(
        found["colours"], found["alpha"], bool(found["own"][0]), found["made_by"].tobytes().decode()
    )
