# pyright: reportMissingImports=false
"""All that draws faces, loaded: networks, batches, ears. Used on the compute thread alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from avatars.musetalk import LATENT_CHANNELS, LATENT_SIDE
from streaming.face.musetalk.audio_encoder import AudioEncoder
from streaming.face.musetalk.frames import Face, Frame, Sound
from streaming.face.musetalk.model import MuseTalkModel, load_model
from streaming.face.musetalk.options import Decoder, MuseTalkOptions
from streaming.face.musetalk.package import find_face_placement
from streaming.face.musetalk.renderer import FaceRenderer
from streaming.face.musetalk.sizes import FEATURE_SIZE, FEATURE_TOKENS
from streaming.face.musetalk.weights import LIVE, find_weights
from streaming.face.musetalk.windows import Windows
from streaming.gpu.calibration import FaceSteps
from streaming.timing import SPEECH_RATE

TYPICAL_RECT = (32, 112, 192, 144)
"""Of the face crop: about what masks of real faces leave of it."""


class Machine:
    """Hears and draws.

    Args:
        model: the networks.
    """

    def __init__(self, model: MuseTalkModel) -> None:
        self.model = model
        self.renderer = FaceRenderer(model)
        self.encoder = AudioEncoder(model.whisper, model.placement)

    def warm_up(self) -> None:
        """Run everything once, and capture it."""
        self.renderer.warm_up()
        self.encoder.warm_up()

    def hear(self, sounds: Sequence[Sound]) -> None:
        """Make the features of these windows."""
        heard = self.encoder.encode([sound.window for sound in sounds])
        for sound, features in zip(sounds, heard, strict=True):
            sound.features = features

    def draw(self, frames: Sequence[Frame], decoder: str) -> list[bytes | None]:
        """The pixels of these frames, which have been heard; ``None`` for one that is no picture."""
        latents = [self._latents(frame.orders.face)[frame.place] for frame in frames]
        features = [_features(frame) for frame in frames]
        return self.renderer.render(latents, features, [frame.orders.face.rect for frame in frames], decoder)

    def steps(self) -> FaceSteps:
        """Everything that is done over and over, to be measured."""
        placement = self.model.placement
        where = {"device": placement.device, "dtype": placement.torch_dtype}
        latents = torch.zeros(LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE, **where)
        window = Windows().push(np.zeros(SPEECH_RATE, np.float32))[-1]
        features = torch.zeros(FEATURE_TOKENS, FEATURE_SIZE, **where)

        def draw(decoder: str, size: int) -> None:
            self.renderer.render([latents] * size, [features] * size, [TYPICAL_RECT] * size, decoder)

        def hear(count: int) -> None:
            self.encoder.encode([window] * count)

        return FaceSteps(
            face={
                decoder: {size: partial(draw, decoder, size) for size in self.renderer.sizes}
                for decoder in self.renderer.decoders
            },
            encoder={count: partial(hear, count) for count in self.encoder.batches},
        )

    def _latents(self, face: Face) -> torch.Tensor:
        if face.latents is None:
            face.latents = self.renderer.upload(face.part.latents)
        return face.latents


def load_machine(options: MuseTalkOptions) -> Machine:
    """Find, fetch, read and run everything once.

    Raises:
        EngineUnavailable: packages, device or files are missing.
    """
    placement = find_face_placement(options.device)
    live, offline = decoders(options, placement.device)
    wanted = (*LIVE, "vae") if "vae" in (live, offline) else LIVE
    machine = Machine(load_model(find_weights(options.folder, wanted), placement, "vae" in wanted))
    machine.warm_up()
    return machine


def decoders(options: MuseTalkOptions, device: str) -> tuple[str, str]:
    """What makes pictures of latents, live and for films."""
    return _decoder(options.decoder, "taesd"), _decoder(
        options.render_decoder, "vae" if device.startswith("cuda") else "taesd"
    )


def _decoder(wanted: Decoder, otherwise: str) -> str:
    return otherwise if wanted == "auto" else wanted


def _features(frame: Frame) -> torch.Tensor:
    assert frame.sound.features is not None
    return frame.sound.features[frame.row]
