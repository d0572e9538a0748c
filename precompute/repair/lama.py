"""LaMa draws missing pixels: 51 million parameters, on PyTorch."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from avatars.digest import digest_of
from precompute.repair.base import Image, Mask, fill_around
from streaming.errors import EngineUnavailable

INSTALL_LAMA = "pip install torch && pip install --no-deps simple-lama-inpainting==0.1.2"
LAMA_MULTIPLE = 8
"""Its input's sides are multiples of this."""
LAMA_SHA256 = frozenset(
    {
        "7ba7aa7ac37a4d41fdbbeba3a2af7ead18058552997e3a3cd1a3b2210c9e6b4c",
        "344c77bbcb158f17dd143070d1e789f38a66c04202311ae3a258ef66667a9ea9",
    }
)
"""Of big-lama.pt, as simple-lama-inpainting v0.1.0 and Sanster/models have it.

TorchScript is a program: what is fetched is not run before it is known. What a person names here is theirs.
"""


class LamaInpainter:
    """LaMa (Suvorov et al., 2022), as TorchScript.

    Args:
        model: the file ``big-lama.pt``, or its folder; ``None``: simple-lama-inpainting fetches it.

    Raises:
        EngineUnavailable: torch, the package or the file is missing; the message says what to install.
    """

    name = "LaMa"
    FILE = "big-lama.pt"

    def __init__(self, model: Path | None = None) -> None:
        if importlib.util.find_spec("torch") is None:
            raise EngineUnavailable(f"LaMa needs PyTorch. Install it: {INSTALL_LAMA}")
        self._torch: Any = importlib.import_module("torch")
        self._device = "cuda" if self._torch.cuda.is_available() else "cpu"
        self._model = self._load(model) if model is not None else self._fetch()
        self._model.eval()

    def _load(self, model: Path) -> Any:
        file = model / self.FILE if model.is_dir() else model
        if not file.is_file():
            raise EngineUnavailable(f"There is no LaMa model at {file}. Name {self.FILE}, or its folder.")
        try:
            return self._torch.jit.load(str(file), map_location=self._device)
        except RuntimeError as error:
            raise EngineUnavailable(f"{file} is no TorchScript file that can be read.") from error

    def _fetch(self) -> Any:
        if importlib.util.find_spec("simple_lama_inpainting") is None:
            raise EngineUnavailable(
                f"LaMa needs simple-lama-inpainting, or its file in LAMA_MODEL. Install it: {INSTALL_LAMA}"
            )
        package: Any = importlib.import_module("simple_lama_inpainting.models.model")
        try:
            file = Path(package.download_model(package.LAMA_MODEL_URL))
            known = digest_of(file) in LAMA_SHA256
            if not known:
                file.unlink()
        except (OSError, RuntimeError) as error:
            raise EngineUnavailable(
                f"LaMa's weights cannot be fetched ({type(error).__name__}). Get {self.FILE} elsewhere "
                "and name it in LAMA_MODEL."
            ) from error
        if not known:
            raise EngineUnavailable(
                f"What was fetched is not the {self.FILE} that is known, and was removed. Try again, or get "
                "it elsewhere and name it in LAMA_MODEL."
            )
        return self._load(file)

    def fill(self, image: Image, missing: Mask) -> Image:
        """A copy of a (H, W, 3) BGR picture with what is missing (H, W) drawn."""
        return fill_around(image, missing, self._run)

    def _run(self, rgb: Image, missing: Mask) -> Image:
        torch = self._torch
        height, width = missing.shape
        pad = (-height % LAMA_MULTIPLE, -width % LAMA_MULTIPLE)
        picture = np.pad(rgb, ((0, pad[0]), (0, pad[1]), (0, 0)), mode="symmetric")
        holes = np.pad(missing, ((0, pad[0]), (0, pad[1])), mode="symmetric")
        with torch.inference_mode():
            drawn = self._model(
                torch.from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32) / 255).to(self._device),
                torch.from_numpy(holes[None, None].astype(np.int64)).to(self._device),
            )
            pixels = drawn[0].permute(1, 2, 0).float().cpu().numpy()[:height, :width]
        return np.clip(pixels * 255, 0, 255).astype(np.uint8)
