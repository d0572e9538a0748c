"""Several face engines behind one: the next takes over for an avatar that one cannot show."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from streaming.errors import EngineUnavailable, LipstreamError, without_history
from streaming.face.base import FaceEngine, FaceRequest, FaceStream
from streaming.speech.base import OnDevice

log = structlog.get_logger(__name__)


class FaceChain:
    """A face engine made of others, in order of preference.

    Args:
        engines: at least one, the preferred first.
        skipped: engines that were asked for but cannot run here, with the reason.
    """

    def __init__(
        self, engines: Sequence[FaceEngine], skipped: Sequence[tuple[str, LipstreamError]] = ()
    ) -> None:
        if not engines:
            raise EngineUnavailable("A chain of face engines needs at least one engine.")
        self.engines = tuple(engines)
        self.skipped = tuple(skipped)

    @property
    def name(self) -> str:
        """Names of the engines, joined by commas."""
        return ",".join(engine.name for engine in self.engines)

    @property
    def device(self) -> str:
        """Where the preferred engine runs."""
        preferred = self.engines[0]
        return preferred.device if isinstance(preferred, OnDevice) else "cpu"

    @property
    def live_seconds(self) -> float:
        """What the preferred engine wants."""
        return self.engines[0].live_seconds

    async def warm_up(self) -> None:
        """Warm up all engines; those that turn out not to run are left out from then on.

        Raises:
            LipstreamError: none is left; this is the first engine's failure.
        """
        ready: list[FaceEngine] = []
        failed: list[tuple[str, LipstreamError]] = []
        for engine in self.engines:
            try:
                await engine.warm_up()
            except LipstreamError as error:
                failed.append((engine.name, without_history(error)))
                log.warning("face engine left out", engine=engine.name, reason=error.message)
            else:
                ready.append(engine)
        if not ready:
            raise failed[0][1]
        self.engines = tuple(ready)
        self.skipped = (*self.skipped, *failed)

    def open(self, request: FaceRequest) -> FaceStream:
        """A stream of the first engine that can show the avatar.

        Raises:
            EngineUnavailable: none can; this is the first engine's reason.
        """
        refused: list[EngineUnavailable] = []
        for engine in self.engines:
            try:
                stream = engine.open(request)
            except EngineUnavailable as error:
                refused.append(error)
                continue
            if refused and request.on_news is not None:
                first = self.engines[0].name
                message = f"{engine.name} shows the face, because {first} cannot: {refused[0].message}"
                request.on_news("engine_fallback", first, message)
            return stream
        raise refused[0]
