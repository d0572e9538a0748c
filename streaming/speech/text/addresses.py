"""How web and mail addresses are said: "example dot com slash docs", without what nobody would read out."""

from __future__ import annotations

import re

from streaming.speech.text.wording import ENGLISH, Wording

_TLDS = (
    "com|org|net|edu|gov|mil|int|io|co|uk|de|fr|es|it|nl|pl|pt|se|ch|at|be|eu|ru|ua|jp|cn|kr|in|br|us|ca|au|nz|"
    "info|biz|tv|me|ly|ai|dev|app|xyz|gg|tech|online|site|shop|cloud"
)
_DOMAIN = rf"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+(?:{_TLDS})"
_MAIL = r"(?:mailto:)?(?P<user>[\w.+-]+)@(?P<host>(?:[\w-]+\.)+[A-Za-z]{2,})"
_REST = r"[^\s<>\"'()\[\]{}]"
_ADDRESS = re.compile(
    rf"(?:(?:https?|ftp|wss?)://|(?<![\w@.])www\.){_REST}+|{_MAIL}"
    rf"|(?<![\w@.-]){_DOMAIN}(?![\w@-]|\.\w)(?:[:/?#]{_REST}*)?",
    re.IGNORECASE,
)
_TAIL = re.compile(r"[.,;:!?…'\"*_~`]+$")
_SCHEME = re.compile(r"^[a-z]+://(?:[^/@]*@)?|^(?=www\.)", re.IGNORECASE)

MAX_PATH_PARTS = 2
MAX_PART_LETTERS = 24
MAX_SAID_CHARACTERS = 120


def _said(part: str, wording: Wording) -> str:
    part = re.sub(r"[^\w\s.+-]+|\.(?!\w)|(?<!\w)\.", " ", part)
    for sign, word in (
        (".", wording.dot),
        ("-", wording.dash),
        ("_", wording.underscore),
        ("+", wording.plus),
    ):
        part = part.replace(sign, f" {word} ")
    return part


def _readable(part: str) -> bool:
    """Whether a path part is words rather than an identifier."""
    digits = sum(c.isdigit() for c in part)
    return 0 < len(part) <= MAX_PART_LETTERS and part.isascii() and "%" not in part and digits <= 4


def say_web_address(address: str, wording: Wording = ENGLISH) -> str:
    """Words for a web address: host and the first readable path parts; no scheme, query or fragment."""
    rest = _SCHEME.sub("", address)
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, *parts = rest.split("/")
    host = re.sub(r"^www\.", "", host.split(":", 1)[0], flags=re.IGNORECASE)
    words = [_said(host, wording)]
    for part in parts[:MAX_PATH_PARTS]:
        if not _readable(part):
            break
        words.append(f"{wording.slash} {_said(part, wording)}")
    return " ".join(" ".join(words).split())[:MAX_SAID_CHARACTERS]


def say_mail_address(user: str, host: str, wording: Wording = ENGLISH) -> str:
    """Words for a mail address."""
    return " ".join(f"{_said(user, wording)} {wording.at} {_said(host, wording)}".split())[
        :MAX_SAID_CHARACTERS
    ]


def say_addresses(text: str, wording: Wording = ENGLISH) -> str:
    """Replace every address in a word by the words that say it; punctuation after it stays."""

    def say(match: re.Match[str]) -> str:
        if match["host"]:
            return f" {say_mail_address(match['user'], match['host'], wording)}"
        address = match.group()
        tail = _TAIL.search(address)
        end = tail.start() if tail else len(address)
        return f" {say_web_address(address[:end], wording)}{address[end:]}"

    return _ADDRESS.sub(say, text) if "." in text or "://" in text else text
