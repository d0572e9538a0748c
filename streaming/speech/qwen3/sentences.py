"""A text that arrives piece by piece becomes sentences, each handed on word by word while it is written.

The talker takes text beside its frames, so a sentence can begin before it is known to its end. Where one
ends follows from the words alone and never from when they come: the same text gives the same sentences.
Sentences are joined until they are long enough to be said with a melody, and cut where they grow so long
that the talker would hurry.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from streaming.speech.qwen3 import numbers
from streaming.speech.text.alignment import align
from streaming.speech.text.clauses import Ending, ends_sentence, letters_in
from streaming.speech.text.scripts import primary_subtag
from streaming.speech.text.tokens import Break, Token, Tokenizer
from streaming.speech.text.wording import Wording, wording_of

SHORTEST_LETTERS = 24
"""A shorter sentence goes on with the next one: alone it would be a fragment without melody."""
COMMA_LETTERS = 140
"""After this many, a sentence is cut at a comma, colon or dash."""
LONGEST_LETTERS = 240
"""After this many it is cut anywhere between two words."""
MAX_RUN = 40
"""Words around numbers that are put in words at a time."""
PORTION_CHARACTERS = 1000
"""A long text is split portion by portion (some 4 ms each), so that the first words need not wait."""
_COMMAS, _COLONS, _DASHES = ",、，", ";:；：", "—–"
_TRAILING = frozenset(",.;:!?…")
"""Marks that belong to the word before, even where somebody put a space."""
_CLOSING = "\"”’'»)」』）"


@dataclass(frozen=True, slots=True)
class SaidWord:
    """A written word within a sentence.

    Attributes:
        begin: index in the script of its first character.
        stop: index after its last.
        letters: how much there is to say, for its time.
    """

    begin: int
    stop: int
    letters: int


@dataclass(frozen=True, slots=True)
class Part:
    """The next words of a sentence.

    Attributes:
        text: to be added to what is known of the sentence, with the space before it where there is one.
        words: what was written there.
        ending: how the sentence ends; ``None`` while it goes on.
    """

    text: str
    words: tuple[SaidWord, ...]
    ending: Ending | None


class SentenceSplitter:
    """Feed pieces of a script, get parts of its sentences in order.

    Args:
        language: BCP 47 tag.
    """

    def __init__(self, language: str) -> None:
        self._numbers = primary_subtag(language) == "en"
        self._wording = _wording(language)
        self._tokenizer = Tokenizer(self._wording)
        # Of the sentence so far; only what ends_sentence looks at.
        self._first: Token | None = None
        self._last: Token | None = None
        self._letters = 0
        self._run: list[Token] = []

    @property
    def script(self) -> str:
        """All text fed so far; spans of words refer to it."""
        return self._tokenizer.script

    def feed(self, piece: str) -> list[Part]:
        """Take the next piece; the parts that nothing later can change."""
        return self._take(self._tokenizer.feed(piece))

    def flush(self) -> list[Part]:
        """The script has ended: what is left, its last sentence ended."""
        parts = self._take(self._tokenizer.flush())
        return parts + self._close(_ending(self._run[-1]) if self._run else Ending.SENTENCE)

    def cut(self) -> list[Part]:
        """What follows is long in coming: the sentence ends with the words that are known."""
        parts = [] if self.script[-1:].isalnum() else self._take(self._tokenizer.flush())
        return parts + self._close(Ending.CUT)

    def _close(self, ending: Ending) -> list[Part]:
        if self._run:
            return [self._release(ending)]
        if self._first is None:
            return []
        self._begin_anew()
        return [Part("", (), ending)]

    def _take(self, tokens: list[Token]) -> list[Part]:
        parts: list[Part] = []
        for token in tokens:
            if self._first is None and not self._run and not token.speakable:
                # Nothing that a sentence could begin with.
                continue
            if self._run and self._is_boundary(self._run[-1], token):
                parts.append(self._release(None))
            self._run.append(token)
            ending = self._ends(token)
            if ending is not None or not self._numbers or len(self._run) >= MAX_RUN:
                parts.append(self._release(ending))
        return parts

    def _is_boundary(self, left: Token, right: Token) -> bool:
        """Whether how ``left`` is said cannot depend on ``right``, nor the other way round."""
        return not (numbers.has_number(left.spoken) or numbers.has_number(right.spoken))

    def _ends(self, token: Token) -> Ending | None:
        """How the sentence ends with this token, which is counted; ``None`` when it goes on."""
        at_first = self._first is None and len(self._run) == 1
        self._letters += letters_in(token.spoken) + 1
        ending = _ending(token)
        if token.after == Break.PARAGRAPH:
            return ending
        # Only the first token of a sentence is judged by its place.
        ends = ends_sentence((token,), 0, self._wording) if at_first else _ends_later(token, self._wording)
        if ends and self._letters >= SHORTEST_LETTERS:
            return ending
        in_number = token.spoken[:1].isdigit() and token.next_character.isdigit()
        pauses = ending in (Ending.COMMA, Ending.COLON, Ending.DASH)
        if pauses and not in_number and self._letters >= COMMA_LETTERS:
            return ending
        return ending if self._letters >= LONGEST_LETTERS and not in_number else None

    def _release(self, ending: Ending | None) -> Part:
        """What is held of the sentence, as it is said."""
        run, self._run = self._run, []
        begins = self._first is None
        gap = "" if begins else self._gap(self._last, run[0])
        if self._numbers and any(numbers.has_number(token.spoken) for token in run):
            text = numbers.in_words(" ".join(token.spoken for token in run))
            said = text.split(" ")
            spans = align(run, said)
            words = _merged(said, spans)
        else:
            text = run[0].spoken
            for left, right in itertools.pairwise(run):
                text += self._gap(left, right) + right.spoken
            words = tuple(SaidWord(t.begin, t.stop, letters_in(t.spoken) + 1) for t in run if t.speakable)
        self._first, self._last = self._first or run[0], run[-1]
        if ending is not None:
            self._begin_anew()
        return Part(gap + text, words, ending)

    def _gap(self, left: Token | None, right: Token) -> str:
        """What is between two tokens: a space, except where the script has none and needs none."""
        if left is not None and right.spoken in _TRAILING:
            return ""
        if left is None or any(c.isspace() for c in self.script[left.stop : right.begin]):
            return " "
        return "" if left.spoken[-1:] > "\u2e80" or right.spoken[:1] > "\u2e80" else " "

    def _begin_anew(self) -> None:
        self._first = self._last = None
        self._letters = 0


def _wording(language: str) -> Wording:
    """Signs in words of the language; letters of every script are left to the model."""
    return replace(wording_of(language), scripts=frozenset({"*"}), longest_word=0)


def _ends_later(token: Token, wording: Wording) -> bool:
    return ends_sentence((token, token), 1, wording)


def _ending(token: Token) -> Ending:
    """What follows a token, were the sentence cut there."""
    if token.after == Break.PARAGRAPH:
        return Ending.PARAGRAPH
    last = token.spoken.rstrip(_CLOSING)[-1:]
    for ending, marks in ((Ending.COMMA, _COMMAS), (Ending.COLON, _COLONS), (Ending.DASH, _DASHES)):
        if last and last in marks:
            return ending
    if token.after == Break.LINE or not token.next_character or last in ".!?…。！？।．":
        return Ending.SENTENCE
    return Ending.CUT


def _merged(said: list[str], spans: list[tuple[int, int]]) -> tuple[SaidWord, ...]:
    """One word per span, with the letters of all that is said for it."""
    words: list[SaidWord] = []
    for text, (begin, stop) in zip(said, spans, strict=True):
        letters = letters_in(text) + 1
        if words and words[-1].begin == begin:
            letters += words.pop().letters
        words.append(SaidWord(begin, stop, letters))
    return tuple(words)
