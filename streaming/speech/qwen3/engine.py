"""Qwen3-TTS 12 Hz as a speech engine: ten languages, cloned voices, sound 80 ms at a time.

The model takes its text beside its frames, a token each, so a sentence is spoken while it is still being
written. All sentences of all sessions are stepped together on the thread that everything on the card shares
(see :mod:`streaming.speech.qwen3.conductor`). PyTorch is imported when the engine warms up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog
from numpy.typing import NDArray

from streaming.audio.stretching import FASTEST, SLOWEST, Tempo
from streaming.errors import EngineFailed, EngineUnavailable, LipstreamError, ScriptRejected
from streaming.gpu.budget import release
from streaming.gpu.compute import ComputeThread
from streaming.gpu.loading import load_or_clear
from streaming.speech import language
from streaming.speech.base import EngineStatus, SpeechChunk, SpeechRequest, VoiceInfo
from streaming.speech.limiter import limited
from streaming.speech.profiles.store import ProfileStore, profiles_folder
from streaming.speech.qwen3.captions import BLOCK, Captions, Pace
from streaming.speech.qwen3.checkpoint import BASE, Checkpoint, fetch_command, local_folder, read_checkpoint
from streaming.speech.qwen3.guards import SILENCE_LEVEL
from streaming.speech.qwen3.languages import name_in_model
from streaming.speech.qwen3.options import Qwen3Options
from streaming.speech.qwen3.package import INSTALL, missing
from streaming.speech.qwen3.reading import Draft, Reader
from streaming.speech.qwen3.sentences import Part
from streaming.speech.qwen3.voices import NAME, VoiceList
from streaming.speech.qwen3.weights import find_weights
from streaming.speech.text.clauses import Ending
from streaming.timing import SPEECH_RATE

if TYPE_CHECKING:
    from streaming.gpu.calibration import SpeechSteps
    from streaming.speech.qwen3.casting import Casting
    from streaming.speech.qwen3.conductor import Conductor
    from streaming.speech.qwen3.machine import Cast
    from streaming.speech.qwen3.sentence import Order

log = structlog.get_logger(__name__)

READY_VOICES = 8
"""Voices that are made ready at the start."""
PAUSE_SECONDS = {
    Ending.CUT: 0.0,
    Ending.COMMA: 0.10,
    Ending.DASH: 0.15,
    Ending.COLON: 0.20,
    Ending.SENTENCE: 0.35,
    Ending.PARAGRAPH: 0.60,
}
"""Silence after a sentence at speed 1; what the model itself leaves there counts."""


class Qwen3Engine:
    """Speaks with one checkpoint.

    Args:
        data_dir: folder that holds voice profiles; ``None``: no voices of people.
        options: which checkpoint, and where it runs.
        compute: the thread of everything on the card; ``None``: one of its own.

    Raises:
        EngineUnavailable: packages are missing, or the model is none.
    """

    name = NAME

    def __init__(
        self,
        data_dir: Path | None = None,
        options: Qwen3Options | None = None,
        compute: ComputeThread | None = None,
    ) -> None:
        self._options = options or Qwen3Options()
        self._profiles = ProfileStore(profiles_folder(data_dir or Path()))
        self._voices: VoiceList | None = None
        self._checkpoint: Checkpoint | None = None
        _require()
        self._look(local_folder(self._options.model, self._options.revision))
        if self._checkpoint is None or self._checkpoint.kind == BASE:
            _require(for_recordings=True)
        # One thread for all that computes with the talker: its graphs and caches belong to it.
        self._compute = compute or ComputeThread(name=NAME)
        # Recordings are encoded elsewhere, so that nobody's speech waits for that.
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix=f"{NAME}-voices")
        self._device = self._options.device
        self._loading = asyncio.Lock()
        self._warming: asyncio.Task[None] | None = None
        self._speaking = 0
        self._preparing: list[Future[None]] = []
        self._conductor: Conductor | None = None
        self._casting: Casting | None = None

    @property
    def capacity(self) -> int:
        """Sentences that are spoken at once; more wait for their turn."""
        return self._options.sessions

    @property
    def device(self) -> str:
        """Where the talker runs; what the settings ask for until it is loaded."""
        return self._device

    def voices(self) -> tuple[VoiceInfo, ...]:
        """The checkpoint's speakers or people's voices; none before it has been fetched."""
        return self._voices.all() if self._voices else ()

    def check(self, request: SpeechRequest) -> None:
        """Refuse a request that cannot be spoken whatever its text is.

        Raises:
            VoiceNotFound: the voice is not one of :meth:`voices`.
            LanguageNotSpoken: the model does not speak the language.
            EngineUnavailable: the checkpoint has not been fetched.
            ScriptRejected: the speed is out of range.
        """
        self._choose(request)
        if not SLOWEST <= request.speed <= FASTEST:
            raise ScriptRejected(
                f"The speed must lie between {SLOWEST} and {FASTEST}, not {request.speed:g}."
            )

    async def warm_up(self) -> None:
        """Fetch the checkpoint if need be, load it, and run everything once; get its voices ready meanwhile.

        Raises:
            EngineUnavailable: it cannot be fetched or read, or the device is missing.
        """
        # Nothing stops a load that has begun: who is interrupted meanwhile and speaks again must not have it
        # begun once more.
        if self._warming is None or self._warming.done():
            self._warming = asyncio.ensure_future(self._warm_up())
        await asyncio.shield(self._warming)

    async def _warm_up(self) -> None:
        async with self._loading:
            if self._conductor is not None:
                return
            await asyncio.to_thread(language.load)
            loading = self._compute.call(partial(load_or_clear, "Qwen3-TTS", self._load))
            await asyncio.wrap_future(loading)
            assert self._conductor is not None and self._casting is not None
            make_ready = partial(_make_ready, self._conductor, self._casting)
            self._preparing = [
                self._encoder.submit(make_ready, voice.name) for voice in self.voices()[:READY_VOICES]
            ]

    async def unload(self) -> bool:
        """Free the memory of the model, unless somebody speaks; who speaks next has it loaded again.

        Returns:
            Whether there was something to free, and nobody spoke.
        """
        async with self._loading:
            if self._speaking or self._conductor is None:
                return False
            conductor, self._conductor, self._casting = self._conductor, None, None
            for preparation in self._preparing:
                preparation.cancel()
            self._preparing.clear()
            # One that has begun still uses the model.
            await asyncio.get_running_loop().run_in_executor(self._encoder, _nothing)
            self._compute.remove(conductor)
            del conductor
            await asyncio.wrap_future(self._compute.call(release))
            log.info("qwen3 unloaded", model=self._options.model)
            return True

    def measured_steps(self) -> AbstractContextManager[SpeechSteps]:
        """What a calibration measures; on the compute thread, while nobody speaks.

        Raises:
            EngineFailed: it is not loaded, or somebody speaks.
        """
        from streaming.speech.qwen3.rehearsal import rehearsing

        if self._conductor is None or self._speaking:
            raise EngineFailed("The speech engine 'qwen3' is measured when it is loaded and nobody speaks.")
        return rehearsing(self._conductor.machine)

    async def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak, 80 ms first, then in larger chunks. See :class:`streaming.speech.base.SpeechEngine`."""
        self.check(request)
        self._speaking += 1
        try:
            await self.warm_up()
            async with aclosing(self._speak(request)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            self._speaking -= 1

    async def _speak(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        voice = self._choose(request)
        cast = await self._cast(voice.name)
        reader = Reader(request, voice.languages)
        pace = Pace(request.speed)
        samples, number = 0, 0
        spoken = False
        try:
            async with aclosing(reader.drafts()) as drafts:
                async for draft in drafts:
                    order = self._order(draft, cast, request, number, request.before + samples / SPEECH_RATE)
                    number += 1
                    try:
                        async with aclosing(self._say(draft, order, pace)) as chunks:
                            async for chunk in chunks:
                                if not spoken and request.on_engine is not None:
                                    request.on_engine(self.name)
                                spoken = True
                                samples += len(chunk.pcm)
                                yield chunk
                    except EngineFailed as error:
                        if not (spoken and _is_silence(error)):
                            raise
                        # One sentence less is better than all that follow.
                        log.warning("qwen3 sentence left out", reason=error.message)
        finally:
            await reader.aclose()
        if not spoken:
            raise ScriptRejected("The text holds nothing that can be spoken. Send at least one word.")

    def _order(self, draft: Draft, cast: Cast, request: SpeechRequest, number: int, before: float) -> Order:
        """What the sentence of that number is said with, after so many seconds of the utterance."""
        from streaming.speech.qwen3.sentence import Order

        assert self._checkpoint is not None
        return Order(
            cast,
            name_in_model(draft.language, self._checkpoint.languages),
            _seed(request.seed, number),
            request.playhead,
            before,
            request.speed,
        )

    async def _say(self, draft: Draft, order: Order, pace: Pace) -> AsyncGenerator[SpeechChunk, None]:
        """One sentence."""
        assert self._conductor is not None
        speaking = self._conductor.open(order)
        speed = order.speed
        captions, tempo, tail = Captions(pace, draft.offset), Tempo(speed), _Tail()

        def on_words(part: Part, script: str) -> None:
            captions.add(part.words, script)

        try:
            draft.attach(speaking, on_words)
            async with aclosing(speaking.sound()) as sound:
                async for pcm in sound:
                    heard = tempo.push(pcm)
                    if heard.size:
                        tail.hear(heard)
                        words = captions.heard(heard)
                        yield SpeechChunk(limited(heard), words=words, final_of_clause=False)
            rest = tempo.flush()
            tail.hear(rest)
            pause = PAUSE_SECONDS[draft.ending or Ending.SENTENCE] / speed - tail.seconds
            words = [*captions.heard(rest), *captions.end()]
            # Words that are left need some sound to belong to.
            least = BLOCK if words and not rest.size else 0
            silence = np.zeros(max(least, round(pause * SPEECH_RATE)), np.float32)
            final = draft.ending is not Ending.CUT
            yield SpeechChunk(limited(np.concatenate((rest, silence))), words=words, final_of_clause=final)
        finally:
            speaking.close()

    def _choose(self, request: SpeechRequest) -> VoiceInfo:
        if self._voices is None:
            raise self._not_fetched()
        return self._voices.choose(request)

    async def _cast(self, voice: str) -> Cast:
        assert self._casting is not None
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._encoder, partial(self._casting.cast, voice))
        except LipstreamError:
            raise
        except Exception as error:
            raise EngineFailed(
                f"The voice '{voice}' cannot be used: {error or type(error).__name__}."
            ) from error

    def _load(self) -> None:
        """On the compute thread."""
        from streaming.speech.qwen3.casting import Casting
        from streaming.speech.qwen3.conductor import Conductor
        from streaming.speech.qwen3.machine import load_machine

        options = self._options
        self._look(find_weights(options.model, options.revision or None))
        assert self._checkpoint is not None
        machine = load_machine(self._checkpoint.folder, options)
        self._device = machine.model.placement.device
        self._casting = Casting(machine.model, self._checkpoint, self._profiles, options.instruction)
        self._conductor = Conductor(machine, self._compute)
        self._compute.add(self._conductor)

    def _look(self, folder: Path | None) -> None:
        if folder is not None:
            self._checkpoint = read_checkpoint(folder, self._options.model)
            self._voices = VoiceList(self._checkpoint, self._profiles)

    def _not_fetched(self) -> EngineUnavailable:
        command = fetch_command(self._options.model, self._options.revision)
        return EngineUnavailable(f"The weights of Qwen3-TTS are not on this machine. Fetch them: {command}")


def _require(for_recordings: bool = False) -> None:
    if wrong := missing(for_recordings):
        raise EngineUnavailable(f"The speech engine 'qwen3' needs {', '.join(wrong)}: {INSTALL}")


def _make_ready(conductor: Conductor, casting: Casting, voice: str) -> None:
    """So that the first who speaks with a voice need not wait for its recording to be encoded."""
    try:
        conductor.prepare(casting.cast(voice))
    except LipstreamError as error:
        log.warning("qwen3 voice not ready", voice=voice, reason=error.message)
    except Exception:
        # Who speaks with it is told.
        log.exception("qwen3 voice not ready", voice=voice)


def _nothing() -> None:
    """Done as soon as all is done that was asked for before."""


class _Tail:
    """How long it has been silent by now."""

    def __init__(self) -> None:
        self._samples = 0

    @property
    def seconds(self) -> float:
        return self._samples / SPEECH_RATE

    def hear(self, pcm: NDArray[np.float32]) -> None:
        loud = np.flatnonzero(np.abs(pcm) >= SILENCE_LEVEL)
        self._samples = len(pcm) - 1 - int(loud[-1]) if len(loud) else self._samples + len(pcm)


def status(data_dir: Path | None, options: Qwen3Options) -> EngineStatus:
    """What ``doctor`` says about this engine; loads nothing and fetches nothing."""
    if wrong := missing():
        return EngineStatus(NAME, "speech", False, f"not installed: {', '.join(wrong)}", INSTALL)
    try:
        folder = local_folder(options.model, options.revision)
        if folder is None:
            command = fetch_command(options.model, options.revision)
            return EngineStatus(
                NAME, "speech", False, f"the weights of {options.model} are not here", command
            )
        checkpoint = read_checkpoint(folder, options.model)
    except LipstreamError as error:
        return EngineStatus(NAME, "speech", False, error.message, "Set LIPSTREAM_QWEN3_MODEL.")
    voices = VoiceList(checkpoint, ProfileStore(profiles_folder(data_dir or Path()))).all()
    names = ", ".join(voice.name for voice in voices) or "none yet: lipstream voice create"
    detail = f"{checkpoint.kind} model, {len(checkpoint.languages)} languages; voices: {names}"
    return EngineStatus(NAME, "speech", True, detail, voices=voices)


def _seed(seed: int, number: int) -> int:
    """Each sentence draws differently, and the same in every repetition."""
    low, high = np.random.SeedSequence((seed & 0xFFFF_FFFF_FFFF_FFFF, number)).generate_state(2).tolist()
    return (high << 31 ^ low) & 0x7FFF_FFFF_FFFF_FFFF


def _is_silence(error: EngineFailed) -> bool:
    from streaming.speech.qwen3.sentence import NothingSaid

    return isinstance(error, NothingSaid)
