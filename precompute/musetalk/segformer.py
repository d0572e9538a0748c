# pyright: reportMissingImports=false
"""Regions of a face by a SegFormer that was trained to parse faces, such as ``jonathandinu/face-parsing``.

It sees what the mesh does not: hair, a hand, or a beard's end. Its classes are known by their names, as every
model numbers them in its own way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from avatars.digest import digest_of
from precompute.musetalk.crops import square_crop
from precompute.musetalk.parsing import PARSE_SIDE, Image, Region, Regions
from streaming.errors import EngineUnavailable
from streaming.face.musetalk.package import INSTALL, find_face_placement

MODEL = "jonathandinu/face-parsing"
"""340 MB, trained on CelebAMask-HQ."""
CONFIG, WEIGHTS = "config.json", "model.safetensors"
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, in the order R, G, B."""

_CLASSES = {"skin": ("skin",), "mouth": ("mouth", "u_lip", "l_lip"), "nose": ("nose",), "neck": ("neck",)}
"""The model's names of what belongs to each region."""


class SegformerParser:
    """See :class:`precompute.musetalk.parsing.FaceParser`. Not for two threads at once.

    Args:
        model: a folder with ``config.json`` and ``model.safetensors``, or a repository of the hub; behind an
            ``@`` the commit to take.
        device: ``auto``, or as torch names it.

    Raises:
        EngineUnavailable: packages, weights or the device are missing, or the model has other classes.
    """

    def __init__(self, model: str = MODEL, device: str = "auto") -> None:
        folder = _find(model)
        try:
            import torch
            from transformers import SegformerForSemanticSegmentation
        except (ImportError, RuntimeError) as error:
            raise EngineUnavailable(f"Parsing faces by a network needs transformers: {INSTALL}") from error
        self._torch = torch
        self._device = find_face_placement(device).device
        try:
            loaded: Any = SegformerForSemanticSegmentation.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise EngineUnavailable(f"'{model}' is no SegFormer that can be loaded: {error}") from error
        self._classes = _numbers(loaded.config.id2label, model)
        self._net = loaded.to(self._device, torch.float32).eval()
        self.identity = f"segformer-{digest_of(folder / WEIGHTS)}"

    def parse(self, frame: Image, square: NDArray[np.floating], mesh: NDArray[np.float32]) -> Regions:
        """See :class:`precompute.musetalk.parsing.FaceParser`."""
        rgb = square_crop(frame, square, PARSE_SIDE)[..., ::-1].astype(np.float32) / 255
        normal = ((rgb - MEAN) / SPREAD).astype(np.float32).transpose(2, 0, 1)[None]
        with self._torch.inference_mode():
            scores = self._net(self._torch.from_numpy(normal).to(self._device)).logits
            full = self._torch.nn.functional.interpolate(
                scores, size=(PARSE_SIDE, PARSE_SIDE), mode="bilinear", align_corners=False
            )
            found: NDArray[np.int64] = full.argmax(dim=1)[0].cpu().numpy()

        def region(name: str) -> Region:
            return np.isin(found, self._classes[name])

        return Regions(skin=region("skin"), mouth=region("mouth"), nose=region("nose"), neck=region("neck"))


def _find(model: str) -> Path:
    """The folder of a model's files, fetched first if need be."""
    folder = Path(model).expanduser()
    if folder.is_dir():
        if absent := [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]:
            raise EngineUnavailable(f"The folder '{model}' holds no {' and no '.join(absent)}.")
        return folder
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
    except ImportError as error:
        raise EngineUnavailable(f"Fetching a face parser needs huggingface_hub: {INSTALL}") from error
    repository, _, commit = model.partition("@")
    try:
        files = [hf_hub_download(repository, name, revision=commit or None) for name in (CONFIG, WEIGHTS)]
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, OSError) as error:
        raise EngineUnavailable(
            f"'{model}' is no folder, and cannot be fetched from the hub ({type(error).__name__}). Copy its "
            f"{CONFIG} and {WEIGHTS} into a folder and name that."
        ) from error
    return Path(files[0]).parent


def _numbers(names: dict[int, str], model: str) -> dict[str, list[int]]:
    """The model's numbers of the classes of each region."""
    known = {name: int(number) for number, name in names.items()}
    if absent := sorted(name for group in _CLASSES.values() for name in group if name not in known):
        raise EngineUnavailable(
            f"'{model}' does not tell {', '.join(absent)} apart. Take a model that was trained on "
            f"CelebAMask-HQ, such as {MODEL}."
        )
    return {region: [known[name] for name in group] for region, group in _CLASSES.items()}
