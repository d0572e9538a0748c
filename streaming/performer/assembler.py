"""Joins speech and face into slots: exact samples, one patch each, words where they begin."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from streaming.face.base import PromisedPatch
from streaming.slots import MouthShape, Patch, Slot, UtteranceKey, Word
from streaming.speech.base import SpeechChunk
from streaming.timing import FPS, SLOT_SAMPLES, SPEECH_RATE


class SlotAssembler:
    """Cuts one utterance into slots.

    Samples come out exactly as they went in, in order; only the last slot is filled up with silence. Patches
    may still be in work when they come; slots wait for them.
    """

    def __init__(self, key: UtteranceKey) -> None:
        self._key = key
        self._pcm: deque[NDArray[np.float32]] = deque()
        self._waiting_samples = 0
        self._received_samples = 0
        self._patches: deque[Patch | PromisedPatch] = deque()
        self._shown: Patch = MouthShape()
        self._ended = False
        self._words: deque[Word] = deque()
        self._index = 0

    def add_speech(self, chunk: SpeechChunk) -> None:
        """Take the next speech; its words are moved to the utterance's time."""
        offset = self._received_samples / SPEECH_RATE
        self._words.extend(
            Word(word.text, word.start + offset, word.end + offset, word.begin, word.stop)
            for word in chunk.words
        )
        pcm = np.ascontiguousarray(chunk.pcm, dtype=np.float32)
        if pcm.size:
            self._pcm.append(pcm)
            self._waiting_samples += pcm.size
            self._received_samples += pcm.size

    @property
    def index(self) -> int:
        """Index of the slot that comes next."""
        return self._index

    @property
    def ended(self) -> bool:
        """Whether :meth:`end` was called."""
        return self._ended

    @property
    def finished(self) -> bool:
        """Whether nothing comes any more, and all slots are out."""
        return self._ended and self._waiting_samples <= 0

    @property
    def promised(self) -> int:
        """Patches that are here or are being drawn, and belong to no slot yet."""
        return len(self._patches)

    @property
    def awaited(self) -> PromisedPatch | None:
        """The patch that is all that the next slot waits for; ``None`` when that is sound, or nothing."""
        patch = self._patches[0] if self._patches else None
        if not isinstance(patch, asyncio.Future) or patch.done() or not self._has_sound():
            return None
        return patch

    def add_patches(self, patches: Iterable[Patch | PromisedPatch]) -> None:
        """Take the next patches, one per slot."""
        self._patches.extend(patches)

    def ready(self) -> list[Slot]:
        """The slots that are complete."""
        slots = []
        while self._has_sound() and (self._patches or self._ended):
            patch = self._patches[0] if self._patches else self._shown
            if isinstance(patch, asyncio.Future):
                if not patch.done():
                    break
                # Who draws it may have been told to stop.
                patch = self._shown if patch.cancelled() else patch.result()
            if self._patches:
                self._patches.popleft()
            slots.append(self._cut(patch))
        return slots

    def give_up(self) -> Slot:
        """The next slot as it is, with the last patch once more: its own is too late."""
        awaited = self._patches.popleft()
        # One that is shown twice may still be in time for the second.
        again = bool(self._patches) and self._patches[0] is awaited
        if isinstance(awaited, asyncio.Future) and not again:
            awaited.cancel()
        return self._cut(self._shown, late=True)

    def end(self) -> None:
        """Nothing more comes: missing samples are silence now, missing patches repeat the last one."""
        self._ended = True

    def _has_sound(self) -> bool:
        return self._waiting_samples >= (1 if self._ended else SLOT_SAMPLES)

    def _cut(self, patch: Patch, late: bool = False) -> Slot:
        self._shown = patch
        samples = self._take_samples()
        end = (self._index + 1) / FPS
        words = []
        while self._words and self._words[0].start < end:
            words.append(self._words.popleft())
        pcm = samples.astype("<f4", copy=False).tobytes()
        slot = Slot(self._key, self._index, pcm, patch, tuple(words), late)
        self._index += 1
        return slot

    def _take_samples(self) -> NDArray[np.float32]:
        head = self._pcm[0]
        if head.size > SLOT_SAMPLES:
            self._pcm[0] = head[SLOT_SAMPLES:]
            self._waiting_samples -= SLOT_SAMPLES
            return head[:SLOT_SAMPLES]
        out = np.zeros(SLOT_SAMPLES, np.float32)
        filled = 0
        while self._pcm and filled < SLOT_SAMPLES:
            head = self._pcm.popleft()
            count = min(head.size, SLOT_SAMPLES - filled)
            out[filled : filled + count] = head[:count]
            filled += count
            if count < head.size:
                self._pcm.appendleft(head[count:])
        self._waiting_samples -= filled
        return out
