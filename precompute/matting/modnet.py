"""Mattes from MODNet, a network for portraits (Ke et al., 2022; Apache-2.0): 26 MB, on onnxruntime alone.

Its file is looked for where rembg keeps its own. Where it is missing, it is fetched from its hub, at a fixed
revision, and compared with a checksum.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import httpx
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from avatars.digest import digest_of
from streaming.errors import EngineUnavailable

Image = NDArray[np.uint8]
Alpha = NDArray[np.float32]

NAME = "modnet"
FILE = "modnet.onnx"
SHA256 = "07c308cf0fc7e6e8b2065a12ed7fc07e1de8febb7dc7839d7b7f15dd66584df9"
BYTES = 25_888_640
URL = "https://huggingface.co/Xenova/modnet/resolve/fa2fa546052fba4c08921230a26cc69a333fca12/onnx/model.onnx"
FETCH_SECONDS = 30.0
"""Without any answer."""

SIDE = 512
SMALL_SIDE = 384
"""What misleads it at one size rarely does at another."""
MULTIPLE = 32
"""Its input's sides are multiples of this."""
WIDENED = 0.15
"""Of the picture's side, mirrored above and on both sides in the third view."""


class ModnetMatter:
    """Loaded when it is first needed; not for use by two threads at once.

    It looks three times (at two sizes, and widened), and the middle of the three counts.
    """

    def __init__(self) -> None:
        self._session: onnxruntime.InferenceSession | None = None

    @property
    def name(self) -> str:
        """What it is, for people."""
        return "MODNet"

    def load(self) -> onnxruntime.InferenceSession:
        """Load the network, unless it is there. Its file is fetched where it is missing.

        Raises:
            EngineUnavailable: the file cannot be had, or is another one.
        """
        if self._session is None:
            path = model_file() or _fetch(models_home() / FILE)
            if path.stat().st_size != BYTES or digest_of(path) != SHA256:
                raise EngineUnavailable(f"{path} is not the MODNet that is known here. Delete it.")
            options = onnxruntime.SessionOptions()
            if threads := os.environ.get("OMP_NUM_THREADS"):
                options.intra_op_num_threads = int(threads)
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        return self._session

    def matte(self, image: Image) -> Alpha:
        """How much of each pixel of a (H, W, 3) BGR picture is the person: (H, W), 0..1.

        Raises:
            EngineUnavailable: as ``load``.
        """
        views = [self._look(image, SIDE), self._look(image, SMALL_SIDE), self._look_wide(image)]
        return np.asarray(np.sort(np.stack(views), axis=0)[1], np.float32)

    def _look(self, image: Image, side: int) -> Alpha:
        session = self.load()
        height, width = image.shape[:2]
        scale = side / max(height, width)
        size = tuple(max(1, round(edge * scale / MULTIPLE)) * MULTIPLE for edge in (width, height))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(image, size, interpolation=method)
        pixels = small[..., ::-1].astype(np.float32) / 127.5 - 1
        (found,) = session.run(None, {session.get_inputs()[0].name: pixels.transpose(2, 0, 1)[None]})
        return np.asarray(cv2.resize(np.asarray(found)[0, 0], (width, height)), np.float32)

    def _look_wide(self, image: Image) -> Alpha:
        height, width = image.shape[:2]
        above, aside = round(height * WIDENED), round(width * WIDENED)
        wide = cv2.copyMakeBorder(image, above, 0, aside, aside, cv2.BORDER_REFLECT_101)
        return self._look(np.asarray(wide, np.uint8), SIDE)[above:, aside : aside + width]


def models_home() -> Path:
    """Where rembg keeps its models."""
    for variable in ("U2NET_HOME", "REMBG_HOME"):
        if named := os.environ.get(variable):
            return Path(named).expanduser()
    return Path.home() / ".rembg"


def model_file() -> Path | None:
    """The network's file; ``None`` where it is not on this machine."""
    path = models_home() / FILE
    return path if path.is_file() else None


def _fetch(path: Path) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            httpx.stream("GET", URL, follow_redirects=True, timeout=FETCH_SECONDS) as answer,
            temporary.open("wb") as file,
        ):
            answer.raise_for_status()
            for chunk in answer.iter_bytes():
                file.write(chunk)
                if file.tell() > BYTES:
                    break
        if temporary.stat().st_size != BYTES or digest_of(temporary) != SHA256:
            raise EngineUnavailable(
                "The MODNet that came is not the one that is known here. Try again later."
            )
        os.replace(temporary, path)
    except (OSError, httpx.HTTPError) as error:
        raise EngineUnavailable(
            f"MODNet cannot be fetched ({type(error).__name__}). Without a connection, put its file {FILE} "
            f"into a folder and name that in U2NET_HOME. It comes from {URL}"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path
