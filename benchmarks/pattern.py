"""The real server with a test card in place of a person: ``python -m benchmarks.pattern``.

Everything from the slot queue to the browser is the product's own; only what is said and drawn is replaced
by flashes and beeps that can be timed to the millisecond. The text chooses the pattern: ``beep`` flashes
and beeps for 120 ms once a second, ``tone`` does both without a pause. Its length is the seconds.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

import av
import numpy as np
import uvicorn

from server.app import create_app
from server.peers import Peers
from server.settings import load_settings
from server.state import State
from streaming.credits import Credits
from streaming.performer.base import PerformerDescription, PerformRequest, VoiceDescription
from streaming.script import Piece
from streaming.sessions import SessionManager
from streaming.slots import MouthShape, Patch, PerformanceItem, Slot
from streaming.timing import FPS, SLOT_SAMPLES, SPEECH_RATE

SIDE = 512
BEEP_SLOTS = 3
TONE_HZ = 1000
TONE_LEVEL = 0.4
BLACK, GREY, WHITE = 16, 90, 235
CHROMA = 128


class PatternPerformer:
    """Says beeps or a tone."""

    ready = True
    restarts = 0

    async def start(self) -> None:
        pass

    async def perform(
        self, request: PerformRequest, script: AsyncIterator[Piece]
    ) -> AsyncGenerator[PerformanceItem, None]:
        text = "".join([piece async for piece in script if isinstance(piece, str)])
        always = text.startswith("tone")
        time = np.arange(SLOT_SAMPLES) / SPEECH_RATE
        tone = (TONE_LEVEL * np.sin(2 * np.pi * TONE_HZ * time)).astype("<f4").tobytes()
        silence = bytes(len(tone))
        for index in range(len(text) * FPS):
            on = always or index % FPS < BEEP_SLOTS
            yield Slot(request.key, index, tone if on else silence, MouthShape(aperture=float(on)))

    async def cancel(self, session: str, generation: int) -> None:
        pass

    async def describe(self) -> PerformerDescription:
        voice = VoiceDescription("tone", "pattern", ("en",))
        return PerformerDescription(("pattern",), "pattern", (voice,), 9, 0, "cpu")

    async def close(self) -> None:
        pass


class PatternCompositor:
    """A moving grey picture whose left quarter is white while it beeps."""

    width = SIDE
    height = SIDE
    position = 0

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self._noise = (GREY + 12 * rng.standard_normal((SIDE, SIDE))).astype(np.uint8)

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        luma = np.roll(self._noise, index % SIDE, axis=0)
        luma[:, : SIDE // 4] = WHITE if isinstance(patch, MouthShape) and patch.aperture > 0 else BLACK
        planes = np.concatenate((luma.reshape(-1), np.full(SIDE * SIDE // 2, CHROMA, np.uint8)))
        return av.VideoFrame.from_ndarray(planes.reshape(SIDE * 3 // 2, SIDE), format="yuv420p")


class PatternCompositors:
    """Opens test cards under any avatar's name."""

    def open(self, avatar: str, seed: int = 0, background: str | None = None) -> PatternCompositor:
        return PatternCompositor()

    def credits(self, avatar: str) -> Credits:
        return Credits(avatar)


def main() -> None:
    settings = load_settings()
    app = create_app(settings)
    state: State = app.state.lipstream
    performer = PatternPerformer()
    state.performer = performer  # type: ignore[assignment]
    state.sessions = SessionManager(
        performer, PatternCompositors(), clock=state.clock, observer=state.metrics
    )
    state.peers = Peers(state.sessions, settings)
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning")


if __name__ == "__main__":
    main()
