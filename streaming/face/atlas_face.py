"""The embedded face engine: from speech to coefficients of the mouth atlas.

It follows timed phonemes where speech carries them, and listens where it does not.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from streaming.errors import EngineUnavailable
from streaming.face.base import FaceRequest
from streaming.face.finishing import Finishing, Target
from streaming.face.following import LOOK_AHEAD, FollowingMouth
from streaming.face.listening import ListeningMouth
from streaming.face.viseme_net import STEP_MS, VisemeNet
from streaming.slots import MouthShape
from streaming.speech.base import SpeechChunk
from streaming.timing import LIVE_LOOK_AHEAD_MS, LOOK_AHEAD_MS

log = structlog.get_logger(__name__)


class AtlasFaceStream:
    """Follows one utterance. With phonemes, frames wait until nothing that follows can change them:
    ``look_ahead`` frames, and up to two more while the mouth is wide open. Without, they wait for
    ``look_ahead_ms`` and a step of the network.

    Args:
        net: gives the network of the listening face when it is needed.
        look_ahead_ms: see :class:`streaming.face.base.FaceRequest`.
    """

    look_ahead = LOOK_AHEAD

    def __init__(self, net: Callable[[], VisemeNet], look_ahead_ms: int = LOOK_AHEAD_MS) -> None:
        self._net = net
        self._look_ahead_ms = look_ahead_ms
        self._finishing = Finishing()
        self._mouth: FollowingMouth | ListeningMouth | None = None
        self._samples = 0

    def push(self, chunk: SpeechChunk) -> list[MouthShape]:
        """Take the next speech; see :class:`streaming.face.base.FaceStream`.

        Raises:
            EngineUnavailable: the chunk does not say which sounds it holds, and the network that would hear
                them is not there.
        """
        if chunk.pcm.size == 0:
            return []
        patches: list[MouthShape] = []
        kind = FollowingMouth if chunk.phonemes else ListeningMouth
        if not isinstance(self._mouth, kind):
            ended, self._mouth = self._mouth, self._open(kind)
            if ended is not None:
                patches += self._finish(ended.finish())
        self._finishing.hear(chunk.pcm)
        self._samples += len(chunk.pcm)
        return patches + self._finish(self._mouth.push(chunk))

    def flush(self) -> list[MouthShape]:
        """The utterance ends: the frames that are left, back to rest."""
        self._finishing.end()
        if self._mouth is not None:
            for target in self._mouth.finish():
                self._finishing.add(target)
        return self._finishing.rest()

    def close(self) -> None:
        """Nothing is drawn elsewhere, so there is nothing to stop."""

    def _open(self, kind: type[FollowingMouth | ListeningMouth]) -> FollowingMouth | ListeningMouth:
        if kind is FollowingMouth:
            return FollowingMouth(self._samples)
        return ListeningMouth(self._net(), self._look_ahead_ms, self._samples)

    def _finish(self, targets: list[Target]) -> list[MouthShape]:
        patches: list[MouthShape] = []
        for target in targets:
            self._finishing.add(target)
            # One by one: what a frame foresees must count the same however much sound came at once.
            patches += self._finishing.take()
        return patches


class AtlasFace:
    """Face engine of the mouth atlas, for any speech."""

    name = "atlas"
    live_seconds = (LIVE_LOOK_AHEAD_MS + STEP_MS) / 1000

    def __init__(self) -> None:
        self._net: VisemeNet | None = None

    async def warm_up(self) -> None:
        """Load the network that listens. Speech with timed phonemes does without it."""
        try:
            self._listener()
        except EngineUnavailable as error:
            log.warning("the face cannot listen", reason=error.message)

    def open(self, request: FaceRequest) -> AtlasFaceStream:
        """A stream for one utterance; coefficients mean the same for every avatar."""
        return AtlasFaceStream(self._listener, request.look_ahead_ms)

    def _listener(self) -> VisemeNet:
        """The network, loaded once for all streams."""
        if self._net is None:
            self._net = VisemeNet()
        return self._net
