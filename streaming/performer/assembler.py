"""Joins speech and face into slots: exact samples, one patch each, words where they begin."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from streaming.slots import MouthShape, Patch, Slot, UtteranceKey, Word
from streaming.speech.base import SpeechChunk
from streaming.timing import FPS, SLOT_SAMPLES, SPEECH_RATE


class SlotAssembler:
    """Cuts one utterance into slots.

    Samples come out exactly as they went in, in order; only the last slot is filled up with silence.
    """

    def __init__(self, key: UtteranceKey) -> None:
        self._key = key
        self._pcm: deque[NDArray[np.float32]] = deque()
        self._waiting_samples = 0
        self._received_samples = 0
        self._patches: deque[Patch] = deque()
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

    def add_patches(self, patches: Iterable[Patch]) -> None:
        """Take the next patches, one per slot."""
        self._patches.extend(patches)

    def ready(self) -> list[Slot]:
        """The slots that are complete."""
        slots = []
        while self._patches and self._waiting_samples >= SLOT_SAMPLES:
            slots.append(self._cut(self._patches.popleft()))
        return slots

    def finish(self) -> list[Slot]:
        """The slots that are left. Missing samples are silence, missing patches repeat the last one."""
        slots = self.ready()
        patch = self._patches[-1] if self._patches else MouthShape()
        while self._waiting_samples > 0:
            patch = self._patches.popleft() if self._patches else patch
            slots.append(self._cut(patch))
        return slots

    def _cut(self, patch: Patch) -> Slot:
        samples = self._take_samples()
        end = (self._index + 1) / FPS
        words = []
        while self._words and self._words[0].start < end:
            words.append(self._words.popleft())
        slot = Slot(self._key, self._index, samples.astype("<f4", copy=False).tobytes(), patch, tuple(words))
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
