"""The seam every speech engine implements."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from streaming.playhead import Playhead
from streaming.slots import Word


@dataclass(frozen=True, slots=True)
class Phoneme:
    """One timed speech sound.

    Attributes:
        symbol: IPA letter(s) of one phoneme in misaki's alphabet (``A I O W Y`` are diphthongs), or ``_``
            for a pause.
        start: seconds from the chunk's first sample.
        end: seconds from the chunk's first sample; equals the next phoneme's start.
        stress: 1.0 primary, 0.5 secondary, 0.0 none.
    """

    symbol: str
    start: float
    end: float
    stress: float = 0.0


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of speech, gapless after the one before it.

    Attributes:
        pcm: float32 mono at 24 kHz, shape (n,), range -1..1, any length.
        phonemes: timed phonemes covering the whole chunk, empty when the engine does not know them.
        words: words that start in this chunk; seconds count from the chunk's first sample.
        final_of_clause: a natural pause follows, so the face may come to rest.
    """

    pcm: NDArray[np.float32]
    phonemes: Sequence[Phoneme] = ()
    words: Sequence[Word] = ()
    final_of_clause: bool = True


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What to say and how.

    Attributes:
        text: pieces of text in order; a whole text is one piece, a language model's tokens are many. The
            engine starts speaking before the iterator ends. Word spans refer to the pieces joined together.
        voice: name of a voice, or ``None`` for the engine's default.
        language: BCP 47 tag such as ``en`` or ``ja``; ``None`` lets the engine judge by the script's letters.
        speed: 0.5 (slow) .. 2.0 (fast).
        seed: makes repeated requests bit-identical.
        on_engine: called with the engine's name once its first audio is there.
        on_fallback: called with (failed engine, reason) when a fallback chain moves on to its next engine.
        playhead: says when the sound is needed; ``None`` is as soon as possible.
        before: seconds that the playhead's utterance lasts before the first sound of this request.
    """

    text: AsyncIterator[str]
    voice: str | None = None
    language: str | None = None
    speed: float = 1.0
    seed: int = 0
    on_engine: Callable[[str], None] | None = None
    on_fallback: Callable[[str, str], None] | None = None
    playhead: Playhead | None = None
    before: float = 0.0


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice that is ready to speak."""

    name: str
    engine: str
    languages: tuple[str, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What ``doctor`` prints about an engine: whether it is ready, and if not, what makes it so."""

    name: str
    kind: str
    ready: bool
    detail: str
    install: str = ""
    voices: tuple[VoiceInfo, ...] = field(default=())


@runtime_checkable
class OnDevice(Protocol):
    """An engine that need not run on the CPU, and has room for so many."""

    @property
    def capacity(self) -> int:
        """Sessions that it can speak for at once."""
        ...

    @property
    def device(self) -> str:
        """Where its models are, such as ``cuda``."""
        ...


class SpeechEngine(Protocol):
    """Turns text into speech chunks. One instance serves all sessions of a performer."""

    @property
    def name(self) -> str:
        """The name that settings and events know it by."""
        ...

    def voices(self) -> tuple[VoiceInfo, ...]:
        """The voices that can speak now."""
        ...

    def check(self, request: SpeechRequest) -> None:
        """Refuse a request before it starts.

        Raises:
            VoiceNotFound: the voice is not one of :meth:`voices`.
            LanguageNotSpoken: the named language is not spoken by the voice.
        """
        ...

    async def warm_up(self) -> None:
        """Load models and run once, so that the first request is as quick as the rest."""
        ...

    def synthesize(self, request: SpeechRequest) -> AsyncGenerator[SpeechChunk, None]:
        """Speak. Closing the generator cancels within one clause; compute runs off the event loop.

        Raises:
            LanguageNotSpoken: the text turns out to be in a language that the voice does not speak.
            ScriptRejected: nothing in the text can be spoken.
            EngineFailed: the engine broke.
        """
        ...
