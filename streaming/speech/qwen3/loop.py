# pyright: reportMissingImports=false
"""The seam of the decode loops: open an utterance, step it a frame at a time, along with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from streaming.errors import CapacityReached, ScriptRejected
from streaming.speech.qwen3.endings import Ending
from streaming.speech.qwen3.prompt import Prompt
from streaming.speech.qwen3.sampling import Sampling


class Stream:
    """One utterance in a decode loop.

    Attributes:
        prompt: what it says; text may be appended to ``prompt.text`` until that is finished.
        sampling: how it is drawn.
        slot: its place in the loop.
        limit: frames that fit into the loop's memory.
        frames: frames given so far.
        ending: why it gives no more, ``None`` while it goes on.
        end_bias: added to the score of the end from now on; see :mod:`streaming.speech.qwen3.guards`.
    """

    def __init__(
        self, prompt: Prompt, sampling: Sampling, seed: int, slot: int, limit: int, device: torch.device
    ) -> None:
        self.prompt, self.sampling, self.slot, self.limit = prompt, sampling, slot, limit
        self.frames = 0
        self.ending: Ending | None = None
        self.end_bias = 0.0
        self.generator = torch.Generator(device).manual_seed(seed)
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether the next frame can be made: it has not ended, and its text is there."""
        return self.ending is None and (self.frames == 0 or self.prompt.text.has(self.frames - 1))

    @property
    def closed(self) -> bool:
        """Whether nobody wants it any more."""
        return self._closed

    def close(self) -> None:
        """Stop: no later step gives it a frame, and its slot becomes free. May be called on any thread."""
        self._closed = True

    def bias(self) -> float:
        """What to add to the score of the end for the next frame."""
        return -torch.inf if self.frames < self.sampling.min_frames else self.end_bias

    def check_limits(self) -> bool:
        """Whether there may be another frame; sets :attr:`ending` if not."""
        if self.ending is None:
            if self._closed:
                self.ending = Ending.CANCELLED
            elif self.frames >= self.sampling.max_frames:
                self.ending = Ending.CAPPED
            elif self.frames >= self.limit:
                self.ending = Ending.FULL
        return self.ending is None


class DecodeLoop(Protocol):
    """Makes frames for up to ``capacity`` utterances. All of it runs on one thread, save ``Stream.close``."""

    @property
    def capacity(self) -> int:
        """Utterances that can be open at once."""
        ...

    @property
    def free(self) -> int:
        """Utterances that can be opened now."""
        ...

    def warm_up(self) -> None:
        """Run (and capture) everything once, before anyone waits."""
        ...

    def open(self, prompt: Prompt, sampling: Sampling, seed: int) -> Stream:
        """Begin an utterance: the prompt is run through the talker.

        Args:
            prompt: what to say.
            sampling: how to draw it.
            seed: the same seed gives the same frames.

        Raises:
            CapacityReached: every slot is taken.
            ScriptRejected: the prompt is too long for the loop's memory.
        """
        ...

    def step(self, streams: Sequence[Stream]) -> list[torch.Tensor | None]:
        """Make the next frame of each of these utterances.

        Returns:
            For each: codes (16,) int64 on the CPU; or ``None`` when there is no frame, because it has ended
            (``stream.ending`` says why, and its slot is free again) or its next token of text is not there
            yet (``stream.ready`` is false).
        """
        ...


class Slots:
    """Which slots of a loop are taken."""

    def __init__(self, capacity: int) -> None:
        self._streams: list[Stream | None] = [None] * capacity

    @property
    def capacity(self) -> int:
        """How many there are."""
        return len(self._streams)

    @property
    def free(self) -> int:
        """How many are not taken."""
        return sum(stream is None or stream.closed for stream in self._streams)

    def begin(
        self, prompt: Prompt, sampling: Sampling, seed: int, context: int, device: torch.device
    ) -> Stream:
        """An utterance for the lowest free slot, so that those in use stay together.

        It has the slot from :meth:`put` on: what goes wrong before takes none.

        Args:
            prompt: what to say.
            sampling: how to draw it.
            seed: of its generator.
            context: positions that a slot has, prompt and frames together.
            device: of its generator.

        Raises:
            CapacityReached: every slot is taken.
            ScriptRejected: the prompt leaves no room for frames.
        """
        self.reclaim()
        slot = next((slot for slot, stream in enumerate(self._streams) if stream is None), None)
        if slot is None:
            raise CapacityReached(f"All {self.capacity} voices of this engine are speaking; try again soon.")
        limit = context - prompt.embeds.shape[1]
        if limit <= 0:
            raise ScriptRejected("The text and its voice's reference are too long. Send shorter sentences.")
        return Stream(prompt, sampling, seed, slot, limit, device)

    def put(self, stream: Stream) -> None:
        """Note who has a slot."""
        self._streams[stream.slot] = stream

    def reclaim(self) -> None:
        """Free the slots of what was closed or has ended."""
        for slot, stream in enumerate(self._streams):
            if stream is not None and not stream.check_limits():
                self._streams[slot] = None
