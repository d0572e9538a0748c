"""MI-GAN draws missing pixels: a small network, 28 MB."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from precompute.repair.base import Image, Mask, fill_around
from streaming.errors import EngineFailed, EngineUnavailable


class MiganInpainter:
    """MI-GAN (Sargsyan et al., 2023) from a file with its whole pipeline: ``migan_pipeline_v2.onnx``.

    Args:
        model: the file.

    Raises:
        EngineUnavailable: it is missing, or no such network.
    """

    name = "MI-GAN"

    def __init__(self, model: Path) -> None:
        import onnxruntime

        if not model.is_file():
            raise EngineUnavailable(f"There is no MI-GAN model at {model}. Name migan_pipeline_v2.onnx.")
        try:
            self._session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
            inputs = {entry.name for entry in self._session.get_inputs()}
        except Exception as error:
            # onnxruntime's errors have no common base.
            raise EngineUnavailable(f"{model} is not a network that can be read: {error}") from error
        if inputs != {"image", "mask"}:
            raise EngineUnavailable(f"{model} is not MI-GAN's pipeline, which takes an image and a mask.")

    def fill(self, image: Image, missing: Mask) -> Image:
        """A copy of a (H, W, 3) BGR picture with what is missing (H, W) drawn."""
        return fill_around(image, missing, self._run)

    def _run(self, rgb: Image, missing: Mask) -> Image:
        known = np.where(missing, 0, 255).astype(np.uint8)
        try:
            (drawn,) = self._session.run(
                None, {"image": rgb.transpose(2, 0, 1)[None], "mask": known[None, None]}
            )
        except Exception as error:
            raise EngineFailed(f"MI-GAN failed: {error}") from error
        return np.ascontiguousarray(np.asarray(drawn, np.uint8)[0].transpose(1, 2, 0))
