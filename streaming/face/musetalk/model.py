# pyright: reportMissingImports=false
"""The networks of MuseTalk, loaded as they have to be: in the right precision, on the device, and once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog

from streaming.face.musetalk.checkpoint import (
    below,
    build,
    place,
    read_config,
    read_tensors,
    renamed,
    weight_bytes,
)
from streaming.face.musetalk.decoder import TaesdDecoder, VaeDecoder
from streaming.face.musetalk.latents import LatentEncoder
from streaming.face.musetalk.package import import_classes
from streaming.face.musetalk.unet import FaceUNet
from streaming.face.musetalk.weights import LIVE, MuseTalkWeights, PartFiles, find_weights
from streaming.gpu.placement import Placement

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class MuseTalkModel:
    """The networks that draw faces. To unload them, drop it.

    Attributes:
        unet: draws, in latents.
        taesd: decodes the lower rows of a picture, fast.
        vae: decodes whole pictures, at best quality; None where it was not asked for.
        whisper: ``WhisperEncoder``, in the same precision.
        placement: where all of them are.
    """

    unet: FaceUNet
    taesd: TaesdDecoder
    vae: VaeDecoder | None
    whisper: Any
    placement: Placement

    @property
    def weights(self) -> dict[str, int]:
        """Bytes of memory that the weights of each part take."""
        parts = {"unet": self.unet, "taesd": self.taesd, "vae": self.vae, "whisper": self.whisper}
        return {name: weight_bytes(part) for name, part in parts.items() if part is not None}


def load_model(
    weights: MuseTalkWeights | str, placement: Placement, with_vae: bool | None = None
) -> MuseTalkModel:
    """Load all that draws faces.

    Args:
        weights: what :func:`streaming.face.musetalk.weights.find_weights` gave, or what it is to be given.
        placement: where to; see :func:`streaming.face.musetalk.package.find_face_placement`.
        with_vae: whether to load the VAE's decoder, too; None: if its files are among the weights.

    Raises:
        EngineUnavailable: packages or files are missing, or the files are not MuseTalk's.
    """
    classes = import_classes()
    if isinstance(weights, str):
        weights = find_weights(weights, (*LIVE, "vae") if with_vae else LIVE)
    if with_vae is None:
        with_vae = "vae" in weights
    model = MuseTalkModel(
        unet=_load_unet(classes.unet, weights["unet"], placement),
        taesd=_load_taesd(classes.tiny_vae, weights["taesd"], placement),
        vae=place(VaeDecoder(_read_vae(classes.vae, weights["vae"])), placement) if with_vae else None,
        whisper=_load_whisper(classes, weights["whisper"], placement),
        placement=placement,
    )
    log.info(
        "musetalk loaded", device=placement.device, dtype=placement.dtype, bytes=sum(model.weights.values())
    )
    return model


def load_latent_encoder(weights: MuseTalkWeights | str, placement: Placement) -> LatentEncoder:
    """Load what makes an avatar's latents, and nothing else.

    Args:
        weights: see :func:`load_model`; only ``vae`` is used.
        placement: where to.

    Raises:
        EngineUnavailable: packages or files are missing, or the files are not the VAE's.
    """
    classes = import_classes()
    if isinstance(weights, str):
        weights = find_weights(weights, ("vae",))
    vae = _read_vae(classes.vae, weights["vae"])
    del vae.decoder, vae.post_quant_conv
    return LatentEncoder(place(vae, placement))


def _load_unet(network: Any, files: PartFiles, placement: Placement) -> FaceUNet:
    config = read_config(files.config)
    unet = build(lambda: network(**_settings(config)), read_tensors(files.weights), files.weights)
    return place(FaceUNet(unet), placement)


def _load_taesd(network: Any, files: PartFiles, placement: Placement) -> TaesdDecoder:
    config = read_config(files.config)
    taesd = build(lambda: network(**_settings(config)), read_tensors(files.weights), files.weights)
    return place(TaesdDecoder(taesd.decoder), placement)


def _read_vae(network: Any, files: PartFiles) -> Any:
    """The whole VAE, its weights still in their file as far as possible."""
    config = read_config(files.config)
    return build(lambda: network(**_settings(config)), renamed(read_tensors(files.weights)), files.weights)


def _load_whisper(classes: Any, files: PartFiles, placement: Placement) -> Any:
    config = classes.whisper_config(**read_config(files.config))
    tensors = below(read_tensors(files.weights), "model.encoder.", "encoder.")
    return place(build(lambda: classes.whisper_encoder(config), tensors, files.weights), placement)


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if not name.startswith("_")}
