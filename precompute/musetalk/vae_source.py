"""The VAE that makes an avatar's latents, from where the settings of MuseTalk say."""

from __future__ import annotations

from precompute.musetalk.build import LatentEncoder
from streaming.errors import EngineUnavailable
from streaming.face.musetalk.options import MuseTalkOptions
from streaming.face.musetalk.package import INSTALL, find_face_placement, missing
from streaming.face.musetalk.weights import MuseTalkWeights, find_weights

PART = "vae"


class VaeSource:
    """Finds the weights when they are asked about, and loads them when something is to be encoded.

    Args:
        options: the folder of the weights, and the device.
    """

    def __init__(self, options: MuseTalkOptions) -> None:
        self._options = options
        self._found: MuseTalkWeights | None = None

    def identity(self) -> str:
        """SHA-256 of the weights; they are fetched if need be.

        Raises:
            EngineUnavailable: packages or weights are missing; the message says what to do.
        """
        return self._weights()[PART].sha256

    def open(self) -> LatentEncoder:
        """Load it.

        Raises:
            EngineUnavailable: packages or weights are missing; the message says what to do.
        """
        weights = self._weights()
        from streaming.face.musetalk.model import load_latent_encoder

        return load_latent_encoder(weights, find_face_placement(self._options.device))

    def _weights(self) -> MuseTalkWeights:
        if absent := missing():
            raise EngineUnavailable(f"MuseTalk's part of an avatar needs {', '.join(absent)}: {INSTALL}")
        if self._found is None:
            self._found = find_weights(self._options.folder, (PART,))
        return self._found
