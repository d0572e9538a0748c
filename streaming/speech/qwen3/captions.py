"""When words are said, as far as that can be known: the model does not tell.

A sentence's words are spread over its sound by their letters, counting only time in which somebody is heard.
How fast the voice speaks is not known before a sentence has ended, so the first one is spread by a usual
rate, and each later one by that of those before it; what is left at the end of a sentence comes there. Words
of longer sentences may be off by half a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from streaming.slots import Word
from streaming.speech.qwen3.sentences import SaidWord
from streaming.timing import SPEECH_RATE

USUAL_LETTERS = 15.0
"""Letters and spaces per second of sound, pauses left out."""
SLOWEST_LETTERS, FASTEST_LETTERS = 5.0, 40.0
TRUST_SECONDS = 3.0
"""After this much speech, half of what is believed of a voice's rate comes from hearing it."""
BLOCK = SPEECH_RATE // 50
HEARD_LEVEL = 10 ** (-45 / 20)
"""Root mean square above which a block of 20 ms counts as speech."""


class Pace:
    """How fast a voice speaks, learnt over the sentences of one request.

    Args:
        speed: what was asked for; 1 is normal.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._letters = USUAL_LETTERS * TRUST_SECONDS * speed
        self._seconds = TRUST_SECONDS

    @property
    def letters_per_second(self) -> float:
        """What is believed by now."""
        return min(FASTEST_LETTERS, max(SLOWEST_LETTERS, self._letters / self._seconds))

    def learn(self, letters: int, seconds: float) -> None:
        """A sentence of so many letters took so long."""
        self._letters += letters
        self._seconds += seconds


class Captions:
    """The words of one sentence and when they are said.

    Args:
        pace: learns from it.
        offset: is added to the spans of its words.
    """

    def __init__(self, pace: Pace, offset: int = 0) -> None:
        self._pace, self._offset = pace, offset
        self._waiting: deque[tuple[SaidWord, str, int]] = deque()
        self._known = 0
        self._said = 0.0
        self._seconds = 0.0
        self._rest = np.zeros(0, np.float32)

    def add(self, words: Iterable[SaidWord], script: str) -> None:
        """Take words that the sentence goes on with.

        Args:
            words: in order.
            script: what their spans refer to, without the offset.
        """
        for word in words:
            placed = SaidWord(word.begin + self._offset, word.stop + self._offset, word.letters)
            self._waiting.append((placed, script[word.begin : word.stop], self._known))
            self._known += word.letters

    def heard(self, pcm: NDArray[np.float32]) -> list[Word]:
        """The words that begin in the next sound (n,); their seconds count from its first sample."""
        before = len(self._rest)
        joined = np.concatenate((self._rest, pcm))
        count = len(joined) // BLOCK
        self._rest = joined[count * BLOCK :]
        blocks = joined[: count * BLOCK].reshape(count, BLOCK)
        speech = np.sqrt(np.einsum("ij,ij->i", blocks, blocks) / BLOCK) >= HEARD_LEVEL
        rate = self._pace.letters_per_second
        words: list[Word] = []
        for i in np.flatnonzero(speech).tolist():
            start = max(0.0, (i * BLOCK - before) / SPEECH_RATE)
            self._said += rate * BLOCK / SPEECH_RATE
            self._seconds += BLOCK / SPEECH_RATE
            while self._waiting and self._waiting[0][2] < self._said:
                words.append(self._take(start, rate))
        return words

    def end(self) -> list[Word]:
        """The sentence is over: the words that are left, all at once."""
        if self._seconds > 0:
            self._pace.learn(self._known, self._seconds)
        rate = self._pace.letters_per_second
        return [self._take(0.0, rate) for _ in range(len(self._waiting))]

    def _take(self, start: float, rate: float) -> Word:
        word, text, _ = self._waiting.popleft()
        return Word(text, start, start + word.letters / rate, word.begin, word.stop)
