"""Sessions that speak all the time, through the line itself and in real time, and what they get of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field

from benchmarks.gpu.subject import AVATAR
from streaming.clock import Clock
from streaming.errors import LipstreamError
from streaming.performer.base import PerformRequest
from streaming.performer.line import run_line
from streaming.performer.server import PerformerEngines
from streaming.slots import FacePixels, Notice, Patch, Slot, UtteranceKey
from streaming.speech.base import SpeechChunk, SpeechEngine, SpeechRequest, VoiceInfo
from streaming.timing import FPS, SLOT_SECONDS, SPEECH_RATE

TEXT = (
    "The harbour museum opens at nine, and the last boat leaves at half past five. "
    "Take the stairs on the left, and you will find the old charts behind glass. "
    "If it rains, the tower is closed, but the halls below it are worth the walk. "
    "Ask the guard for the key to the garden, and do not forget to bring it back. "
)
STAGGER_SECONDS = 1.0
"""Sessions begin within this time, evenly."""
PATIENCE_SECONDS = SLOT_SECONDS / 2
"""A slot whose frame is given up leaves at the moment it is due. On the average a sink, which takes one every
40 ms, waits that long for the first one anyway."""


@dataclass(slots=True)
class Heard:
    """What one session got, over all its answers.

    Attributes:
        slots: that came.
        fresh: of them, those with a frame of their own, drawn.
        silent: those in which nobody speaks, so that nothing is drawn.
        repeated: those whose frame was late, so that the one before went with them.
        missed: those that came after they were due, so that the sound broke off.
        stalled: seconds that it broke off for.
        sound: seconds of speech that were made for it, those included that nobody waited for in the end.
        first_audio: seconds from each text to its first sound.
        first_frame: seconds from each text to its first slot with a drawn frame.
        failures: in words.
    """

    slots: int = 0
    fresh: int = 0
    silent: int = 0
    repeated: int = 0
    missed: int = 0
    stalled: float = 0.0
    sound: float = 0.0
    first_audio: list[float] = field(default_factory=list)
    first_frame: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def frame_rate(self) -> float:
        """Drawn frames per second of the time in which it spoke, breaks included."""
        wanted = self.fresh + self.repeated
        if not wanted:
            return 0.0
        played = self.slots * SLOT_SECONDS
        return FPS * self.fresh / wanted * played / (played + self.stalled)


class _Answer:
    """Takes the slots of one answer as they come, as a sink that plays them would."""

    def __init__(self, heard: Heard, clock: Clock) -> None:
        self._heard, self._clock = heard, clock
        self._asked = clock.now()
        self._start: float | None = None
        self._patch: Patch | None = None
        self._drawn = self._spoken = False
        self._count = 0

    def sound(self, chunk: SpeechChunk) -> None:
        """Speech was made."""
        if chunk.pcm.size and not self._spoken:
            self._spoken = True
            self._heard.first_audio.append(self._clock.now() - self._asked)
        self._heard.sound += chunk.pcm.size / SPEECH_RATE

    def take(self, slot: Slot) -> None:
        """A slot came."""
        now, heard = self._clock.now(), self._heard
        if self._start is None:
            self._start = now
        late = now - self.due(slot.index)
        if late > PATIENCE_SECONDS:
            heard.missed += 1
            heard.stalled += late
            self._start += late
        heard.slots += 1
        self._count = slot.index + 1
        if slot.patch is self._patch or not isinstance(slot.patch, FacePixels):
            heard.repeated += 1
        elif slot.patch.pixels:
            heard.fresh += 1
            if not self._drawn:
                self._drawn = True
                heard.first_frame.append(now - self._asked)
        else:
            heard.silent += 1
        self._patch = slot.patch

    @property
    def end(self) -> float:
        """Monotonic second at which all that came is played."""
        return self._clock.now() if self._start is None else self.due(self._count)

    def due(self, index: int) -> float:
        """Monotonic second at which a slot is played; once the first one came."""
        assert self._start is not None
        return self._start + index * SLOT_SECONDS


class _Listener:
    """A speech engine, and an ear at its mouth."""

    def __init__(self, engine: SpeechEngine, answer: _Answer) -> None:
        self.name = engine.name
        self._engine, self._answer = engine, answer

    def voices(self) -> tuple[VoiceInfo, ...]:
        return self._engine.voices()

    def check(self, request: SpeechRequest) -> None:
        self._engine.check(request)

    async def warm_up(self) -> None:
        await self._engine.warm_up()

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        async with aclosing(self._engine.synthesize(request)) as chunks:
            async for chunk in chunks:
                self._answer.sound(chunk)
                yield chunk


async def answer(
    engines: PerformerEngines, heard: Heard, clock: Clock, seconds: float, key: UtteranceKey
) -> None:
    """Speak for so many seconds, then break off, or until the text is said; returns when that is played."""
    request = PerformRequest(key, AVATAR, language="en", seed=_seed_of(key))
    taken = _Answer(heard, clock)
    line = run_line(_Listener(engines.speech, taken), engines.face, request, _script(), clock)
    slots = round(seconds * FPS)
    try:
        async with aclosing(line) as items:
            async for item in items:
                if isinstance(item, Notice):
                    if item.code in ("memory_low", "face_failed"):
                        heard.failures.append(item.message)
                    continue
                taken.take(item)
                if item.index + 1 >= slots:
                    break
                # As the performer does: no more than the window ahead of who plays it.
                await clock.sleep_until(taken.due(item.index + 1 - request.window))
    except LipstreamError as error:
        heard.failures.append(error.message)
    await clock.sleep_until(taken.end)


def _seed_of(key: UtteranceKey) -> int:
    """A seed of its own for each answer, the same in every run."""
    return key.sequence * 1000 + int(key.session.rpartition(" ")[2])


async def talk(
    engines: PerformerEngines, sessions: int, clock: Clock, seconds: float, answers: int
) -> list[Heard]:
    """Let so many sessions speak for that long, each in some answers without a pause between them."""
    began = clock.now()

    async def session(number: int) -> Heard:
        heard = Heard()
        await clock.sleep_until(began + STAGGER_SECONDS * number / sessions)
        for sequence in range(answers):
            key = UtteranceKey(f"session {number}", 0, sequence)
            await answer(engines, heard, clock, seconds / answers, key)
        return heard

    return list(await asyncio.gather(*(session(number) for number in range(sessions))))


async def _script() -> AsyncIterator[str]:
    yield TEXT
