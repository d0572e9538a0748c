"""Small deterministic engines: enough speech and face to see what the line does with them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import av
import numpy as np

from streaming.credits import Credits
from streaming.errors import BackgroundRejected, LipstreamError
from streaming.face.base import FaceEngine, FaceRequest, PromisedPatch
from streaming.performer.base import CardDescription, PerformerDescription, PerformRequest, VoiceDescription
from streaming.performer.line import run_line
from streaming.script import Piece
from streaming.slots import MouthShape, Patch, PerformanceItem, Word
from streaming.speech.base import SpeechChunk, SpeechRequest, VoiceInfo
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE

WORD_SECONDS = 0.21


class RampSpeech:
    """Each word becomes 0.21 s of samples that count upwards, so that none can be lost or doubled unseen."""

    name = "ramp"

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()

    def voices(self) -> tuple[VoiceInfo, ...]:
        return (VoiceInfo("ramp-voice", self.name, ("en",)),)

    def check(self, request: SpeechRequest) -> None:
        if request.language not in (None, "en"):
            raise LipstreamError(f"{request.language} is not spoken here")

    async def warm_up(self) -> None:
        pass

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        if request.on_engine is not None:
            request.on_engine(self.name)
        count, begin = 0, 0
        async for piece in request.text:
            for text in piece.split():
                if text == "boom":
                    raise RuntimeError("the engine broke")
                await self.gate.wait()
                size = round(WORD_SECONDS * SPEECH_RATE)
                pcm = (np.arange(count, count + size) % 2**20).astype(np.float32)
                count += size
                yield SpeechChunk(pcm, words=(Word(text, 0.0, WORD_SECONDS, begin, begin + len(text)),))
                begin += len(text) + 1


class CountingFaceStream:
    """The aperture of frame i is (i % 100) / 100; everything is decided one frame late."""

    look_ahead = 1

    def __init__(self) -> None:
        self.samples = 0
        self.frames = 0
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def push(self, chunk: SpeechChunk) -> Sequence[Patch | PromisedPatch]:
        self.samples += chunk.pcm.size
        return self._up_to(max(0, self.samples // SLOT_SAMPLES - self.look_ahead))

    def flush(self) -> Sequence[Patch | PromisedPatch]:
        return self._up_to(-(-self.samples // SLOT_SAMPLES))

    def _up_to(self, frames: int) -> Sequence[Patch | PromisedPatch]:
        return self._patches(frames)

    def _patches(self, frames: int) -> list[Patch]:
        patches: list[Patch] = [MouthShape(aperture=(i % 100) / 100) for i in range(self.frames, frames)]
        self.frames = max(self.frames, frames)
        return patches


class CountingFace:
    name = "counting"
    live_seconds = 0.06

    async def warm_up(self) -> None:
        pass

    def open(self, request: FaceRequest) -> CountingFaceStream:
        return CountingFaceStream()


class RampEngines:
    """Both of them, for a performer's server."""

    device = "cpu"

    def __init__(self, speech: RampSpeech | None = None, face: FaceEngine | None = None) -> None:
        self.speech = speech or RampSpeech()
        self.face: FaceEngine = face or CountingFace()
        self.sessions: int | None = 3
        self.card: CardDescription | None = None
        self.unloaded = 0

    def describe_card(self) -> CardDescription | None:
        return self.card

    async def unload(self) -> None:
        self.unloaded += 1


class DirectPerformer:
    """Runs the line in this process, without a pipe between."""

    def __init__(self, speech: RampSpeech | None = None, face: FaceEngine | None = None) -> None:
        self.speech = speech or RampSpeech()
        self.face = face or CountingFace()
        self.cancelled: list[tuple[str, int]] = []

    async def perform(
        self, request: PerformRequest, script: AsyncIterator[Piece]
    ) -> AsyncGenerator[PerformanceItem, None]:
        async for item in run_line(self.speech, self.face, request, script):
            yield item

    async def cancel(self, session: str, generation: int) -> None:
        self.cancelled.append((session, generation))

    async def describe(self) -> PerformerDescription:
        voices = tuple(VoiceDescription(v.name, v.engine, v.languages) for v in self.speech.voices())
        return PerformerDescription(("ramp",), "counting", voices, 4, 0, "cpu")

    async def close(self) -> None:
        pass


class FlatCompositor:
    """A grey picture whose brightness is the aperture; remembers what it was asked for."""

    position = 0

    def __init__(self, width: int = 64, height: int = 64) -> None:
        self.width = width
        self.height = height
        self.asked: list[tuple[int, Patch | None]] = []

    def compose(self, index: int, patch: Patch | None) -> av.VideoFrame:
        self.asked.append((index, patch))
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        level = 16 + round(200 * patch.aperture) if isinstance(patch, MouthShape) else 16
        for plane, value in zip(frame.planes, (level, 128, 128), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        return frame


class FlatCompositors:
    def __init__(self) -> None:
        self.opened: list[tuple[str, FlatCompositor]] = []
        self.shown: list[tuple[str, str | None]] = []

    def open(self, avatar: str, seed: int = 0, background: str | None = None) -> FlatCompositor:
        if background is not None and avatar != "clear":
            raise BackgroundRejected("It has a background.")
        self.shown.append((avatar, background))
        if avatar == "missing":
            raise LipstreamError("There is no avatar called missing.")
        compositor = FlatCompositor(96, 64) if avatar == "wide" else FlatCompositor()
        self.opened.append((avatar, compositor))
        return compositor

    def credits(self, avatar: str) -> Credits:
        return Credits(avatar.title(), licence="CC0-1.0")


def slots_for(words: int) -> int:
    return -(-words * round(WORD_SECONDS * SPEECH_RATE) // SLOT_SAMPLES)


class DrawnFaceStream(CountingFaceStream):
    """The same patches, but somebody has to draw them: each is promised first."""

    def __init__(self, request: FaceRequest) -> None:
        super().__init__()
        self.request = request
        self.drawing: list[tuple[asyncio.Future[Patch], Patch]] = []

    def draw(self, count: int = 1_000_000) -> None:
        """The next of them are ready."""
        for promise, patch in self.drawing[:count]:
            if not promise.done():
                promise.set_result(patch)
        del self.drawing[:count]

    def _up_to(self, frames: int) -> Sequence[Patch | PromisedPatch]:
        loop = asyncio.get_running_loop()
        promises = [(loop.create_future(), patch) for patch in self._patches(frames)]
        self.drawing += promises
        return [promise for promise, _ in promises]


class DrawnFace(CountingFace):
    """Its streams can be found in ``streams``."""

    def __init__(self) -> None:
        self.streams: list[DrawnFaceStream] = []

    def open(self, request: FaceRequest) -> DrawnFaceStream:
        self.streams.append(DrawnFaceStream(request))
        return self.streams[-1]
