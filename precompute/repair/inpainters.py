"""Which inpainter is used: what is asked for, or the best that is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from precompute.repair.base import Image, Inpainter, Mask
from precompute.repair.lama import LamaInpainter
from precompute.repair.migan import MiganInpainter
from streaming.errors import EngineUnavailable

Name = Literal["auto", "opencv", "migan", "lama"]


class OpenCVInpainter:
    """Telea's fast marching method (2004): smooth surfaces go on; texture does not."""

    name = f"OpenCV {cv2.__version__} inpainting (Telea)"
    RADIUS = 5.0

    def fill(self, image: Image, missing: Mask) -> Image:
        """A copy of a (H, W, 3) BGR picture with what is missing (H, W) drawn."""
        return np.asarray(
            cv2.inpaint(image, missing.astype(np.uint8), self.RADIUS, cv2.INPAINT_TELEA), np.uint8
        )


def choose(
    name: Name = "auto", *, lama: Path | None = None, migan: Path | None = None
) -> tuple[Inpainter, list[str]]:
    """The inpainter that is asked for, or the best that is installed.

    Args:
        name: which; ``auto``: LaMa where it is installed, else OpenCV. MI-GAN now and then draws what does
            not belong to the clothing, and has to be asked for.
        lama: LaMa's file or folder.
        migan: MI-GAN's file.

    Returns:
        The inpainter, and what kept better ones from being used although they are there.

    Raises:
        EngineUnavailable: the one that is asked for cannot run here.
    """
    if name == "lama":
        return LamaInpainter(lama), []
    if name == "migan":
        if migan is None:
            raise EngineUnavailable("MI-GAN needs its file migan_pipeline_v2.onnx. Name it in MIGAN_MODEL.")
        return MiganInpainter(migan), []
    notes: list[str] = []
    if name == "auto":
        there = importlib.util.find_spec("torch") and importlib.util.find_spec("simple_lama_inpainting")
        if lama is not None or there:
            try:
                return LamaInpainter(lama), notes
            except EngineUnavailable as error:
                notes.append(error.message)
    return OpenCVInpainter(), notes
