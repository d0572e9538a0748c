"""Joins tokens into clauses: short at first so that sound starts at once, whole sentences afterwards.

A cut is made where a reader would pause: at the end of a sentence, else at punctuation inside it, else before
a conjunction, else before a preposition or an auxiliary verb, which leaves noun phrases whole.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from streaming.speech.text.tokens import Break, Token, Tokenizer
from streaming.speech.text.wording import ENGLISH, Wording

CLAUSE_LIMITS = (60, 200)
"""Characters of the first, second, ... clause at most, as it is said; the last entry holds for all others.

Every cut inside a sentence costs melody, so that only the first clause, which somebody waits for, is short.
"""
ARRIVING_LIMITS = (60, 90, 140, 200)
"""The same while the text is still being written, when waiting for more of it takes longer than speaking."""
STRETCHED_LIMIT = 100
"""What a first clause may grow to when it holds no punctuation to cut at. Speaking it takes the embedded
voice 25 ms, where 60 characters take 15 ms."""
EAGER_CHARACTERS = (8, 25)
"""In text that is still arriving, the first and second clause may end at a comma after this many
characters."""
SMALL_PIECE_CHARACTERS = 80
"""Pieces up to this size, after the first, mean that the text is still being written."""
PORTION_CHARACTERS = 1_000
"""A long text is split portion by portion (4 ms each), so that the first clause need not wait."""
MIN_WORDS_BEFORE_COMMA = 2
MIN_WORDS_BEFORE_CONJUNCTION = 4
MIN_WORDS_AFTER_CUT = 2

_SENTENCE_END = re.compile(r"[.!?…。！？．।]+[\"”’'»)」』）]*$")
_COMMA = re.compile(r"[,、，][\"”’'»)]*$")
_COLON = re.compile(r"[;:；：][\"”’'»)]*$")
_DASH = re.compile(r"[—–][\"”’'»)]*$")
_INITIALS = re.compile(r"(?:[A-Z]\.)+")
_LIST_NUMBER = re.compile(r"(?:\d{1,3}|[A-Za-z])[.)]")


class Ending(Enum):
    """What ends a clause; engines choose the length of the pause by it."""

    CUT = "cut"
    COMMA = "comma"
    DASH = "dash"
    COLON = "colon"
    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of a script that is spoken in one go. ``index`` counts from 0 within the script."""

    index: int
    tokens: tuple[Token, ...]
    ending: Ending

    @property
    def text(self) -> str:
        """The clause as it is said: tokens separated by single spaces."""
        return " ".join(token.spoken for token in self.tokens)


class ClauseSplitter:
    """Feed pieces of a script, get clauses as soon as they are surely complete.

    The clauses follow from the sequence of pieces alone. With a whole text in one piece, cuts are made only
    where a sentence is too long; while text arrives in small pieces, the first two clauses also end at
    commas.

    Args:
        wording: the language that the script is said in.
    """

    def __init__(self, wording: Wording = ENGLISH) -> None:
        self._wording = wording
        self._tokenizer = Tokenizer(wording)
        self._pending: list[Token] = []
        self._count = 0
        self._pieces = 0
        self._trickles = False

    @property
    def script(self) -> str:
        """All text fed so far; spans of tokens refer to it."""
        return self._tokenizer.script

    def feed(self, piece: str) -> list[Clause]:
        """Take the next piece; return the clauses that it completes."""
        self._pieces += 1
        self._trickles = self._pieces > 1 and len(piece) <= SMALL_PIECE_CHARACTERS
        self._pending += self._tokenizer.feed(piece)
        return self._drain(final=False)

    def flush(self) -> list[Clause]:
        """The script has ended; return the clauses that are left."""
        self._pending += self._tokenizer.flush()
        return self._drain(final=True)

    def _drain(self, final: bool) -> list[Clause]:
        clauses: list[Clause] = []
        while self._pending:
            cut = self._find_cut(final)
            if not cut:
                break
            tokens, self._pending = tuple(self._pending[:cut]), self._pending[cut:]
            if any(token.speakable for token in tokens):
                clauses.append(Clause(self._count, tokens, _ending(tokens)))
                self._count += 1
        return clauses

    def _find_cut(self, final: bool) -> int:
        """How many pending tokens make the next clause; 0 while that is open."""
        pending = self._pending
        arriving = self._trickles and not final
        limits = ARRIVING_LIMITS if arriving else CLAUSE_LIMITS
        limit = limits[min(self._count, len(limits) - 1)]
        within, length = _fit(pending, limit)
        end = _sentence_end(pending, within, self._wording)
        if end:
            return end
        if within < len(pending):
            if self._count == 0 and not arriving:
                return self._cut_first(within, final)
            return self._cut_long(within)
        if final:
            return len(pending)
        # The first piece may be the whole text, and long ones are; then sentences are better left whole.
        eager = EAGER_CHARACTERS[self._count] if self._count < len(EAGER_CHARACTERS) else None
        if self._trickles and eager is not None and length >= eager:
            return _last_punctuation(pending, within)
        return 0

    def _cut_first(self, within: int, final: bool) -> int:
        """A cut at punctuation, else the whole sentence unless it is far too long; 0 while that is open."""
        pending = self._pending
        stretched, _ = _fit(pending, STRETCHED_LIMIT)
        cut = _last_punctuation(pending, within) or _sentence_end(pending, stretched, self._wording)
        if cut:
            return cut
        if stretched == len(pending):
            return stretched if final else 0
        return self._cut_long(stretched)

    def _cut_long(self, within: int) -> int:
        """A cut inside a sentence that is longer than the limit; ``within`` tokens fit."""
        pending = self._pending
        cut = _last_punctuation(pending, within) or _last_phrase_start(pending, within, self._wording)
        if not cut and self._count == 0:
            within, _ = _fit(pending, STRETCHED_LIMIT)
            cut = _last_punctuation(pending, within) or _last_phrase_start(pending, within, self._wording)
        return cut or _last_gap(pending, within)


def _fit(tokens: list[Token], limit: int) -> tuple[int, int]:
    """How many tokens (at least one) are said within ``limit`` characters, and their length."""
    length = 0
    for i, token in enumerate(tokens):
        said = letters_in(token.spoken)
        if length + said > limit and i:
            return i, length
        length += said + 1
    return len(tokens), length


def letters_in(spoken: str) -> int:
    """The length of what is said, in letters of an alphabet; one of Chinese says as much as three."""
    if spoken.isascii():
        return len(spoken)
    return len(spoken) + 2 * sum(map(_is_wide, spoken))


def _is_wide(character: str) -> bool:
    return "\u3040" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af"


def _sentence_end(tokens: list[Token], within: int, wording: Wording) -> int:
    """How many tokens make the first sentence; 0 when it does not end among the first ``within``."""
    return next((i + 1 for i in range(within) if ends_sentence(tokens, i, wording)), 0)


def ends_sentence(tokens: Sequence[Token], i: int, wording: Wording) -> bool:
    """Whether a sentence ends with token ``i``, where a sentence (or the text) begins with the first."""
    token = tokens[i]
    if token.after >= Break.LINE:
        return True
    if not _SENTENCE_END.search(token.spoken):
        return False
    if token.spoken.rstrip("\"”’'»)」』）")[-1:] in "。！？．।":
        return True
    if not token.next_character or token.next_character.islower():
        return not token.next_character
    if "." not in token.spoken[-3:]:
        return True
    word = token.spoken.rstrip("\"”’'»).").lstrip("\"“‘'(«")
    if i == 0 and _LIST_NUMBER.fullmatch(token.spoken):
        return False
    initials = _INITIALS.fullmatch(token.spoken.lstrip("\"“‘'(«"))
    return not (initials and word != "I") and word.lower() not in wording.abbreviations


def _ending(tokens: tuple[Token, ...]) -> Ending:
    last = tokens[-1]
    if last.after == Break.PARAGRAPH:
        return Ending.PARAGRAPH
    if last.after == Break.LINE or not last.next_character or _SENTENCE_END.search(last.spoken):
        return Ending.SENTENCE
    for ending, pattern in ((Ending.COMMA, _COMMA), (Ending.COLON, _COLON), (Ending.DASH, _DASH)):
        if pattern.search(last.spoken):
            return ending
    return Ending.CUT


def _last_punctuation(tokens: list[Token], within: int) -> int:
    """The last cut among the first ``within`` tokens that follows punctuation; 0 when there is none."""
    words = 0
    cut = 0
    for i in range(within):
        words += _words_in(tokens[i].spoken) if tokens[i].speakable else 0
        spoken = tokens[i].spoken
        pauses = any(p.search(spoken) for p in (_COMMA, _COLON, _DASH)) or (
            _SENTENCE_END.search(spoken) and tokens[i].next_character.islower() and not spoken.endswith(".")
        )
        # "March 3, 2024" is read as one date.
        in_number = spoken[:1].isdigit() and tokens[i].next_character.isdigit()
        if pauses and words >= MIN_WORDS_BEFORE_COMMA and not in_number:
            cut = i + 1
    return cut


def _words_in(spoken: str) -> int:
    """How many words are said; scripts without spaces have one to two or three characters."""
    wide = 0 if spoken.isascii() else sum(map(_is_wide, spoken))
    return max(spoken.count(" ") + 1, wide // 2)


def _last_phrase_start(tokens: list[Token], within: int, wording: Wording) -> int:
    """The last cut before a conjunction, else before a preposition or an auxiliary; 0 when there is none."""
    last = min(within, len(tokens) - MIN_WORDS_AFTER_CUT)
    for openers in (wording.conjunctions, wording.phrase_starts):
        for i in range(last, MIN_WORDS_BEFORE_CONJUNCTION - 1, -1):
            # Two openers in a row ("out of", "has to") belong together: cut before the first.
            if tokens[i].spoken.lower() in openers and not _is_opener(tokens[i - 1], wording):
                return i
    return 0


def _is_opener(token: Token, wording: Wording) -> bool:
    word = token.spoken.lower()
    return word in wording.conjunctions or word in wording.phrase_starts


def _last_gap(tokens: list[Token], within: int) -> int:
    """The last cut that does not part two numbers; any when there is none."""
    for i in range(within, 1, -1):
        if not (tokens[i - 1].spoken[-1:].isdigit() or tokens[i - 1].next_character.isdigit()):
            return i
    return max(1, within)


async def clauses_of(
    text: AsyncIterator[str], splitter: ClauseSplitter, read: Callable[[str], None] | None = None
) -> AsyncGenerator[Clause, None]:
    """The clauses of a text while it is being written; ``read`` is told of each piece before its clauses."""
    async for piece in text:
        if read is not None:
            read(piece)
        for begin in range(0, len(piece), PORTION_CHARACTERS):
            for clause in splitter.feed(piece[begin : begin + PORTION_CHARACTERS]):
                yield clause
    for clause in splitter.flush():
        yield clause
