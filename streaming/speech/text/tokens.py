"""Cuts a script that arrives piece by piece into written words, each with its span and how it is said."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from streaming.speech.text.cleaning import INLINE_TAG, LINK_TARGET, say_word
from streaming.speech.text.wording import ENGLISH, Wording

MAX_RAW_CHARACTERS = 2_000
"""A run without whitespace is cut here, so that nothing grows without bound."""
MAX_TAG_CHARACTERS = 300
MAX_SPOKEN_CHARACTERS = 60
"""A word that is said at greater length becomes several tokens."""
SHORT_LINE_CHARACTERS = 50
"""A line break after fewer characters than this is meant, not an editor's wrapping."""

_TAGS = (
    "a|abbr|address|article|aside|b|blockquote|body|br|button|center|code|dd|del|details|div|dl|dt|em|figure|font|"
    "footer|h[1-6]|head|header|hr|html|i|img|input|ins|kbd|label|li|link|main|mark|meta|nav|ol|p|pre|q|s|section|"
    "small|span|strike|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|title|tr|tt|u|ul|var|video"
)
_TAG = rf"</?(?:{_TAGS})(?:\s[^<>]{{0,{MAX_TAG_CHARACTERS}}}|/)?>"
_OPEN_TAG = re.compile(rf"</?(?:{_TAGS})\s[^<>]{{0,{MAX_TAG_CHARACTERS}}}\Z", re.IGNORECASE)
_BLOCK_TAG = re.compile(
    r"</?(?:address|article|aside|blockquote|body|br|dd|div|dl|dt|figure|footer|h[1-6]|head|header|hr|html|li|main|nav|"
    r"ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|title|tr|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_EAST_ASIAN_STOPS = "。！？、；：，．"
_ATOM = re.compile(
    rf"(?:{_TAG}|[^\s{_EAST_ASIAN_STOPS}])*[{_EAST_ASIAN_STOPS}]+[」』”）]*|(?:{_TAG}|[^\s{_EAST_ASIAN_STOPS}])+",
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s*")
_CORE_SYMBOLS = "$£€¥₹₩%°#@+&"
_VOWEL_SIGNS = "\u0300-\u036f\u0900-\u0963\u0980-\u0df3\u0e30-\u0e4e\u0e80-\u0ecd\u3099\u309a"
"""Marks that belong to the letters of Indic and other scripts; ``\\w`` does not hold them."""
_HEAD = re.compile(rf"(?:<[^<>]*>|[^\w{_VOWEL_SIGNS}{_CORE_SYMBOLS}])+")
_TAIL = re.compile(rf"(?:<[^<>]*>|\]\([^)]*\)?|[^\w{_VOWEL_SIGNS}{_CORE_SYMBOLS}])+\Z")


class Break(IntEnum):
    """The line break after a word."""

    NONE = 0
    WRAP = 1
    LINE = 2
    PARAGRAPH = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A written word.

    Attributes:
        spoken: how it is said, never empty: words separated by single spaces, or bare punctuation.
        begin: index in the script of its first character, quotes and markup left out.
        stop: index in the script after its last character.
        after: the line break that follows.
        next_character: the first character of the next written word, empty at the end of the script.
    """

    spoken: str
    begin: int
    stop: int
    after: Break
    next_character: str

    @property
    def speakable(self) -> bool:
        """Whether there is anything but punctuation to say."""
        return any(c.isalnum() or c in "&%@+=#$£€" for c in self.spoken)


class Tokenizer:
    """Feed pieces of a script, get tokens as soon as nothing that follows can change them.

    Args:
        wording: the language that the script is said in.

    Attributes:
        script: all text so far; spans of tokens refer to it.
    """

    def __init__(self, wording: Wording = ENGLISH) -> None:
        self.script = ""
        self._wording = wording
        self._at = 0
        self._line_begin = 0
        self._line_start = True

    def feed(self, piece: str) -> list[Token]:
        """Take the next piece of the script."""
        self.script += piece
        return self._scan(final=False)

    def flush(self) -> list[Token]:
        """The script has ended: return what is left."""
        return self._scan(final=True)

    def _scan(self, final: bool) -> list[Token]:
        tokens: list[Token] = []
        while True:
            self._skip_space()
            match = _ATOM.match(self.script, self._at)
            if match is None:
                return tokens
            end = match.end()
            forced = end - self._at > MAX_RAW_CHARACTERS
            if forced:
                end = self._at + MAX_RAW_CHARACTERS
            following = _end_of_space(self.script, end)
            if following == len(self.script) and not final and not forced:
                return tokens
            waiting = _OPEN_TAG.search(self.script, self._at, self._at + MAX_TAG_CHARACTERS + 20)
            if waiting and waiting.end() == len(self.script) and waiting.start() < end and not final:
                return tokens
            tokens += self._tokens(end, following)
            self._at = end

    def _skip_space(self) -> None:
        end = _end_of_space(self.script, self._at)
        newline = self.script.rfind("\n", self._at, end)
        if newline >= 0:
            self._line_begin, self._line_start = newline + 1, True
        self._at = end

    def _tokens(self, end: int, following: int) -> list[Token]:
        after = self._break_between(end, following)
        next_character = self.script[following : following + 1]
        tokens: list[Token] = []
        begin = self._at
        parts: list[tuple[int, int]] = []
        for tag in _BLOCK_TAG.finditer(self.script, begin, end):
            parts.append((begin, tag.start()))
            begin = tag.end()
        parts.append((begin, end))
        for i, (begin, stop) in enumerate(parts):
            if i:
                self._line_start = True
            last = i == len(parts) - 1
            follows = next_character if last else self.script[parts[i + 1][0] : parts[i + 1][0] + 1]
            tokens += self._say(begin, stop, after if last else Break.LINE, follows)
        return tokens

    def _break_between(self, end: int, following: int) -> Break:
        newlines = self.script.count("\n", end, following)
        if newlines >= 2:
            return Break.PARAGRAPH
        if not newlines:
            return Break.NONE
        next_character = self.script[following : following + 1]
        wrapped = end - self._line_begin >= SHORT_LINE_CHARACTERS and next_character.isalpha()
        return Break.WRAP if wrapped or next_character.islower() else Break.LINE

    def _say(self, begin: int, stop: int, after: Break, next_character: str) -> list[Token]:
        raw = self.script[begin:stop]
        spoken = say_word(raw, line_start=self._line_start, wording=self._wording)
        self._line_start = self._line_start and not spoken
        if not spoken:
            return []
        begin, stop = _core(raw, begin)
        return list(_split_long(Token(spoken, begin, stop, after, next_character)))


def _end_of_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _core(raw: str, offset: int) -> tuple[int, int]:
    """The span of a word without the quotes, punctuation and markup around it."""
    head = _HEAD.match(raw)
    begin = head.end() if head else 0
    tail = _TAIL.search(raw, begin)
    stop = tail.start() if tail else len(raw)
    link = LINK_TARGET.search(raw, begin, stop)
    if link and link.start() > begin:
        stop = link.start()
    tag = INLINE_TAG.search(raw, begin, stop)
    if tag and tag.start() > begin:
        stop = tag.start()
    return (offset + begin, offset + stop) if begin < stop else (offset, offset + len(raw))


def _split_long(token: Token) -> list[Token]:
    """Cut what is said at length into tokens that share the written word's span in proportion."""
    if len(token.spoken) <= MAX_SPOKEN_CHARACTERS:
        return [token]
    groups: list[str] = []
    for word in token.spoken.split(" "):
        for i in range(0, len(word), MAX_SPOKEN_CHARACTERS):
            part = word[i : i + MAX_SPOKEN_CHARACTERS]
            if groups and len(groups[-1]) + 1 + len(part) <= MAX_SPOKEN_CHARACTERS:
                groups[-1] += " " + part
            else:
                groups.append(part)
    length = token.stop - token.begin
    groups = groups[:length]
    edges = [token.begin + round(i * length / len(groups)) for i in range(len(groups) + 1)]
    last = len(groups) - 1
    return [
        Token(
            group,
            edges[i],
            edges[i + 1],
            token.after if i == last else Break.NONE,
            token.next_character if i == last else groups[i + 1][0],
        )
        for i, group in enumerate(groups)
    ]
