"""The face of one utterance: from its sound to frames that are wanted, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from avatars.loop import loop_frame
from streaming.clock import Clock
from streaming.face.accents import Accents
from streaming.face.base import FaceRequest, PromisedPatch
from streaming.face.loudness import Loudness
from streaming.face.musetalk.activity import Activity
from streaming.face.musetalk.frames import Face, Frame, Orders, Sound
from streaming.face.musetalk.windows import LookAhead, Window, Windows
from streaming.playhead import Playhead
from streaming.slots import FacePixels, Patch
from streaming.speech.base import SpeechChunk
from streaming.timing import FPS, LIVE_LOOK_AHEAD_MS

LOOK_AHEAD = 4
"""Frames that are held back at most, beside what :class:`LookAhead` adds: three whose features want more
sound, and the first of a window of two."""
HELD_SECONDS = 0.135
"""Sound beyond its slot that the first frame of a window of two waits for; the other needs 40 ms less."""
OFFLINE_AHEAD = LookAhead(12)
"""Nobody waits for films, so their features may be nearest to those of the whole sound (docs/musetalk.md)."""
SPOKEN_AHEAD = LookAhead(2, 4)
"""Speech that is made here runs ahead of who listens: a frame more after each four windows, up to 80 ms. Its
first picture is there as early as without."""
LOOP_LEAD = 3
"""Frames of the avatar's loop that go by until the first frame of an utterance is drawn and shown."""


class MuseTalkStream:
    """Implements :class:`streaming.face.base.FaceStream`.

    Args:
        request: of the utterance.
        face: whose.
        decoder: what makes pictures of latents.
        draw: takes frames to draw.
        every_other: on a card that is too slow, draw one frame of two and show it twice.
        clock: of the process; says how far the avatar's loop has gone on.
    """

    look_ahead = LOOK_AHEAD

    def __init__(
        self,
        request: FaceRequest,
        face: Face,
        decoder: str,
        draw: Callable[[Sequence[Frame]], None],
        *,
        every_other: bool,
        clock: Clock,
    ) -> None:
        self._orders = Orders(request, request.playhead or Playhead(clock), face, decoder)
        self._draw = draw
        self._every_other = every_other
        self._clock = clock
        self._opened = clock.now()
        self._position = request.position
        self._queued = request.queued
        self._begun = self._drawn = False
        self._windows = Windows(_ahead(request, self._orders.playhead))
        self._activity = Activity()
        self._loudness = Loudness()
        self._accents = Accents()

    def push(self, chunk: SpeechChunk) -> Sequence[Patch | PromisedPatch]:
        """Take the next speech; see :class:`streaming.face.base.FaceStream`."""
        if chunk.pcm.size == 0:
            return []
        self._activity.push(chunk.pcm)
        self._loudness.add(chunk.pcm)
        return self._decide(self._windows.push(chunk.pcm))

    def flush(self) -> Sequence[Patch | PromisedPatch]:
        """The utterance ends: the frames that are left."""
        self._loudness.finish()
        return self._decide(self._windows.flush())

    @property
    def closed(self) -> bool:
        """Whether nobody wants the rest."""
        return self._orders.closed

    def close(self) -> None:
        """Nobody wants the rest."""
        self._orders.closed = True

    def _decide(self, windows: Sequence[Window]) -> list[Patch | PromisedPatch]:
        if windows and not self._begun:
            gone = round((self._clock.now() - self._opened) * FPS)
            self._position += max(self._queued, gone + LOOP_LEAD)
            self._begun = True
        face = self._orders.face
        decided: list[Patch | PromisedPatch] = []
        frames: list[Frame] = []
        for window in windows:
            sound = Sound(window)
            drawn: Frame | None = None
            for row in range(window.frames):
                number = window.first + row
                energy = self._loudness.take()
                brow = self._accents.take(energy)
                place = loop_frame(self._position + number, face.frames, face.loop)
                if not self._activity.speaks(number):
                    decided.append(FacePixels(place, b"", energy, brow, face.number))
                    continue
                if drawn is None or not self._every_other:
                    promise, first = self._orders.promise(), not self._drawn
                    drawn = Frame(self._orders, number, place, sound, row, promise, energy, brow, first)
                    frames.append(drawn)
                    self._drawn = True
                decided.append(drawn.promise)
        if frames:
            self._draw(frames)
        return decided


def _ahead(request: FaceRequest, playhead: Playhead) -> LookAhead:
    if playhead.pace == "offline":
        return OFFLINE_AHEAD
    return SPOKEN_AHEAD if request.look_ahead_ms > LIVE_LOOK_AHEAD_MS else LookAhead()
