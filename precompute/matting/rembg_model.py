"""Mattes from rembg's networks, by rembg's own names for them.

rembg looks for a model's file in ``$U2NET_HOME`` (or ``~/.rembg``). Where it is missing, rembg fetches it
from its own release page and compares a checksum.
"""

from __future__ import annotations

import importlib
import importlib.util
from importlib.metadata import version
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from streaming.errors import EngineUnavailable

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]

INSTALL = 'pip install "lipstream[matting]"'
MODELS = (
    "u2netp",
    "u2net",
    "u2net_human_seg",
    "silueta",
    "isnet-general-use",
    "birefnet-portrait",
    "birefnet-general",
    "birefnet-general-lite",
)
"""Those of rembg's that run on this machine, need no hints, and are Apache-2.0 or MIT."""
SMALL_INPUT = frozenset({"u2netp", "u2net", "u2net_human_seg", "silueta"})
"""Networks that see 320 x 320 pixels: quick, and easily led astray by things behind the person."""
WIDENED = 0.15
"""Of the picture's side, mirrored above and on both sides in the third view."""


class Matter(Protocol):
    """Tells a person from the background."""

    @property
    def name(self) -> str:
        """What it is, for people."""
        ...

    def matte(self, image: Image) -> Alpha:
        """How much of each pixel of a (H, W, 3) BGR picture is the person: (H, W), 0..1."""
        ...


class RembgMatter:
    """A network of rembg, loaded when it is first needed; not for use by two threads at once.

    Args:
        model: one of ``MODELS``.

    Raises:
        EngineUnavailable: there is no such model.
    """

    def __init__(self, model: str) -> None:
        if model not in MODELS:
            raise EngineUnavailable(f"There is no matting model '{model}'. There are: {', '.join(MODELS)}.")
        self._model = model
        self._session: Any = None

    @property
    def name(self) -> str:
        """The model, and the version of rembg."""
        return f"rembg {version('rembg')} {self._model}"

    def load(self) -> None:
        """Load the network, unless it is there. Its file is fetched where it is missing.

        Raises:
            EngineUnavailable: rembg is not installed, or the file cannot be had; the message says what to do.
        """
        if self._session is not None:
            return
        if importlib.util.find_spec("rembg") is None:
            raise EngineUnavailable(f"Removing backgrounds needs rembg. Install it: {INSTALL}")
        # The first import ever takes half a minute: numba compiles helpers then, and keeps them.
        rembg: Any = importlib.import_module("rembg")
        try:
            self._session = rembg.new_session(self._model, providers=["CPUExecutionProvider"])
        except Exception as error:
            # No connection, another checksum, a damaged file: three libraries' errors, without a common base.
            raise EngineUnavailable(
                f"The model {self._model} cannot be had ({type(error).__name__}). With a connection "
                f"rembg fetches it; without, put {self._model}.onnx into a folder and name it in U2NET_HOME."
            ) from error

    def matte(self, image: Image) -> Alpha:
        """How much of each pixel of a (H, W, 3) BGR picture is the person: (H, W), 0..1.

        Small networks look three times (straight, mirrored, widened); the middle of the three counts.

        Raises:
            EngineUnavailable: as ``load``.
        """
        self.load()
        if self._model not in SMALL_INPUT:
            return self._look(image)
        views: list[Alpha] = [self._look(image), self._look(image[:, ::-1])[:, ::-1], self._look_wide(image)]
        return np.sort(np.stack(views), axis=0)[1]

    def _look(self, image: Image) -> Alpha:
        rgb = np.ascontiguousarray(image[..., ::-1])
        mask = self._session.predict(Pillow.fromarray(rgb))[0]
        return np.asarray(np.asarray(mask) / 255, np.float32)

    def _look_wide(self, image: Image) -> Alpha:
        height, width = image.shape[:2]
        above, aside = round(height * WIDENED), round(width * WIDENED)
        wide = cv2.copyMakeBorder(image, above, 0, aside, aside, cv2.BORDER_REFLECT_101)
        return self._look(np.asarray(wide, np.uint8))[above:, aside : aside + width]
