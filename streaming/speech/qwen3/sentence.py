# pyright: reportMissingImports=false
"""One sentence on the compute thread: text goes in, frames are made for it, sound comes out in chunks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

from streaming.errors import EngineFailed, LipstreamError
from streaming.playhead import Playhead
from streaming.speech.qwen3.codec_memory import CodecState
from streaming.speech.qwen3.guards import SILENCE_LEVEL, Guard, Verdict
from streaming.speech.qwen3.loop import Stream
from streaming.speech.qwen3.machine import CHUNK_FRAMES, Cast, Machine
from streaming.speech.qwen3.model import FRAME_SAMPLES
from streaming.speech.qwen3.prompt import Layout
from streaming.timing import SPEECH_RATE

AHEAD_FRAMES = 25
"""Frames (2 s) that a sentence may be ahead of who takes its sound."""
LEAD_SECONDS = 0.060
"""Silence that is kept before the first sound of a sentence."""
FACE_SECONDS = 0.25
"""Sound is wanted that long before it is played: a frame waits for 92.5 ms of sound after its own, and is
then drawn in a batch."""
_BLOCK = SPEECH_RATE // 100

log = structlog.get_logger(__name__)


class NothingSaid(EngineFailed):
    """All attempts at a sentence came to nothing."""


class End:
    """The sentence is over; nothing follows in its inbox."""


Item = NDArray[np.float32] | LipstreamError | type[End]


@dataclass(frozen=True, slots=True)
class Order:
    """What a sentence is said with.

    Attributes:
        cast: who speaks.
        language: as the model calls it.
        seed: the same one gives the same sound.
        playhead: of the utterance; ``None``: as soon as it can be.
        before: seconds of the utterance that were handed on before this sentence.
        speed: its sound is played that much faster than it was made.
    """

    cast: Cast
    language: str
    seed: int
    playhead: Playhead | None = None
    before: float = 0.0
    speed: float = 1.0


class Sentence:
    """One sentence, over all attempts at it. Everything here runs on the compute thread.

    Args:
        order: what it is said with.
        machine: says it.
        deliver: takes its sound, an error, or :class:`End`; called on the compute thread.
    """

    def __init__(self, order: Order, machine: Machine, deliver: Callable[[Item], None]) -> None:
        self._machine, self._deliver = machine, deliver
        self._order, self._cast = order, order.cast
        self._speaker = replace(order.cast.speaker, language=order.language)
        self._guard = Guard(order.seed)
        self._text, self._complete = "", False
        self._ids: list[int] = []
        self._stream: Stream | None = None
        self._codec: CodecState | None = None
        self._said = 0
        self._pending: list[torch.Tensor] = []
        self._chunks = 0
        self._delivered = 0
        self.taken = 0
        """Samples that the listener has taken; set on any thread."""
        self.over = False

    # Text.

    def write(self, text: str) -> None:
        """The sentence goes on."""
        if not self.over and text:
            self._text += text
            self._read()

    def finish(self) -> None:
        """The sentence is complete."""
        if not self.over and not self._complete:
            self._complete = True
            self._read()

    def _read(self) -> None:
        # Text ends between two words, so what was read before stays as it is.
        self._ids = self._machine.model.text_ids(self._text)[0].tolist() if self._text else []
        if self._stream is not None and self._stream.ending is None:
            self._tell(self._stream)
        elif self._complete and not self._ids:
            self.close(End)

    def _tell(self, stream: Stream) -> None:
        """Give the talker the text that it has not got yet."""
        stream.prompt.text.append(self._ids[self._said :])
        self._said = len(self._ids)
        if self._complete:
            stream.prompt.text.finish()

    # Its way through the machine.

    @property
    def waiting(self) -> bool:
        """Whether it could begin if there were room."""
        if self.over or self._stream is not None or not self._ids:
            return False
        return self._complete or len(self._ids) >= self._machine.builder.tokens_to_open(self._speaker)

    @property
    def stream(self) -> Stream | None:
        """What to step now; ``None`` while it waits for text, for its frames' sound, or for its listener."""
        stream = self._stream
        if self.over or stream is None or not stream.ready or self.audible:
            return None
        ahead = self._delivered - self.taken + len(self._pending) * FRAME_SAMPLES
        return stream if ahead < AHEAD_FRAMES * FRAME_SAMPLES else None

    @property
    def audible(self) -> bool:
        """Whether its frames are to become sound now: a chunk is whole, text is late, or it ended."""
        stream = self._stream
        if self.over or stream is None:
            return False
        if stream.ending is not None:
            return True
        return len(self._pending) >= (self._chunk_frames if stream.ready else 1)

    def due(self, step_seconds: float) -> float | None:
        """When its next step has to be done, or its sound runs dry; ``None``: as soon as it can be.

        Args:
            step_seconds: what a step takes: the frames of a chunk are heard only when the last is made.
        """
        if self._order.playhead is None:
            return None
        heard = self._delivered / SPEECH_RATE / self._order.speed
        left = 0 if self.audible else max(0, self._chunk_frames - len(self._pending) - 1)
        return self._order.playhead.due(self._order.before + heard) - FACE_SECONDS - left * step_seconds

    def begin(self) -> None:
        """Run the prompt through the talker; there has to be room."""
        builder, loop = self._machine.builder, self._machine.loop
        if self._complete:
            prompt = builder.build(self._text, self._speaker, Layout.BESIDE)
        else:
            prompt = builder.open(self._ids, self._speaker)
        self._said = len(self._ids)
        self._codec = self._cast.codec_state(self._machine.decoder)
        self._stream = loop.open(prompt, self._machine.model.sampling, self._guard.seed)

    def before_frame(self) -> None:
        """Let the guard look before a step."""
        assert self._stream is not None
        verdict, self._stream.end_bias = self._guard.before(self._stream.frames, len(self._ids))
        self._heed(verdict)

    def after_frame(self, codes: torch.Tensor | None) -> None:
        """Take what a step gave."""
        if codes is not None and not self.over and self._stream is not None:
            self._pending.append(codes)

    def speak(self) -> None:
        """Turn the frames of a chunk to sound; see :attr:`audible`."""
        if not self.audible or self._stream is None:
            return
        ending = self._stream.ending
        verdict = self._decode()
        if ending is not None and verdict is Verdict.GO_ON:
            verdict = self._guard.ended(ending)
        self._heed(verdict)

    def close(self, last: Item | None = None) -> None:
        """Stop here; its place in the loop becomes free.

        Args:
            last: what to deliver as the last thing.
        """
        if self.over:
            return
        self.over = True
        self._drop_attempt()
        deliver, self._deliver = self._deliver, _to_nobody
        if last is not None:
            deliver(last)

    @property
    def _chunk_frames(self) -> int:
        """Frames of the chunk that is being made."""
        return CHUNK_FRAMES[min(self._chunks, len(CHUNK_FRAMES) - 1)]

    def _drop_attempt(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = self._codec = None
        self._pending.clear()
        self._said = 0

    def _decode(self) -> Verdict:
        """Turn frames to sound, and let the listener have it if the guard finds nothing wrong."""
        if not self._pending or self._codec is None:
            return Verdict.GO_ON
        pcm = self._machine.decoder.decode(torch.stack(self._pending), self._codec)
        self._pending.clear()
        verdict = self._guard.heard(pcm)
        if verdict is Verdict.GO_ON:
            if self._delivered == 0:
                pcm = _from_first_sound(pcm)
            if pcm.size:
                self._chunks += 1
                self._delivered += pcm.size
                self._deliver(pcm)
        return verdict

    def _heed(self, verdict: Verdict) -> None:
        if verdict is Verdict.STOP:
            self._decode()
            if self._guard.reason:
                log.warning("qwen3 sentence cut short", reason=self._guard.reason, heard=self._delivered > 0)
            self.close(End if self._delivered else _nothing_said(self._guard.reason))
        elif verdict is Verdict.RETRY:
            log.warning("qwen3 sentence begun again", reason=self._guard.reason)
            self._drop_attempt()


def _to_nobody(item: Item) -> None:
    """Takes the place of a listener, who would otherwise be kept as long as the sentence."""


def _from_first_sound(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Whole frames from shortly before the first sound; nothing while all of them are silent."""
    frames = np.square(pcm.reshape(-1, FRAME_SAMPLES), dtype=np.float64).mean(1) >= SILENCE_LEVEL**2
    if not frames.any():
        return pcm[:0]
    begin = int(np.argmax(frames)) * FRAME_SAMPLES
    # A loud frame has at least one block that is as loud.
    blocks = np.square(pcm[begin : begin + FRAME_SAMPLES].reshape(-1, _BLOCK), dtype=np.float64).mean(1)
    first = begin + int(np.argmax(blocks >= SILENCE_LEVEL**2)) * _BLOCK
    return pcm[max(0, first - round(LEAD_SECONDS * SPEECH_RATE)) :]


def _nothing_said(reason: str) -> NothingSaid:
    return NothingSaid(f"Qwen3-TTS made no speech of a sentence ({reason or 'it ended at once'}). Try again.")
