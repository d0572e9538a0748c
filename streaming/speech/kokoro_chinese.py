"""Mandarin text to Kokoro's phonemes: jieba finds the words, pypinyin reads them, a table spells syllables.

The spelling is the one that the network was trained with (misaki's first Chinese front end): a syllable is
its initial, its glide and vowel, an arrow for the tone, and ``n`` or ``ŋ`` where it ends in one.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Callable, Container, Iterator

import cn2an
import jieba
from pypinyin import Style, lazy_pinyin

from streaming.speech.reading import Reading

_INITIALS = {
    "b": "p",
    "p": "pʰ",
    "m": "m",
    "f": "f",
    "d": "t",
    "t": "tʰ",
    "n": "n",
    "l": "l",
    "g": "k",
    "k": "kʰ",
    "h": "x",
    "j": "ʨ",
    "q": "ʨʰ",
    "x": "ɕ",
    "zh": "ꭧ",
    "ch": "ꭧʰ",
    "sh": "ʂ",
    "r": "ɻ",
    "z": "ʦ",
    "c": "ʦʰ",
    "s": "s",
}
_FINALS = {
    "a": ("a", ""),
    "ai": ("ai", ""),
    "an": ("a", "n"),
    "ang": ("a", "ŋ"),
    "ao": ("au", ""),
    "e": ("ɤ", ""),
    "ei": ("ei", ""),
    "en": ("ə", "n"),
    "eng": ("ə", "ŋ"),
    "er": ("ɚ", ""),
    "i": ("i", ""),
    "ia": ("ja", ""),
    "ian": ("jɛ", "n"),
    "iang": ("ja", "ŋ"),
    "iao": ("jau", ""),
    "ie": ("je", ""),
    "in": ("i", "n"),
    "ing": ("i", "ŋ"),
    "iong": ("jʊ", "ŋ"),
    "iu": ("jou", ""),
    "o": ("wo", ""),
    "ong": ("ʊ", "ŋ"),
    "ou": ("ou", ""),
    "u": ("u", ""),
    "ua": ("wa", ""),
    "uai": ("wai", ""),
    "uan": ("wa", "n"),
    "uang": ("wa", "ŋ"),
    "ui": ("wei", ""),
    "un": ("wə", "n"),
    "uo": ("wo", ""),
    "v": ("y", ""),
    "van": ("ɥɛ", "n"),
    "ve": ("ɥe", ""),
    "vn": ("y", "n"),
    "": ("ɨ", ""),
}
"""What comes before the tone and after it; ``v`` is ü, and nothing the buzzing vowel of zhi and si."""
_BARE = {
    "o": ("ɔ", ""),
    "m": ("m", ""),
    "n": ("n", ""),
    "ng": ("ŋ", ""),
    "hm": ("hm", ""),
    "r": ("ɚ", ""),
}
"""Syllables that follow no rule."""
_WITHOUT_INITIAL = {
    "yi": "i",
    "ya": "ia",
    "yan": "ian",
    "yang": "iang",
    "yao": "iao",
    "ye": "ie",
    "yin": "in",
    "ying": "ing",
    "yong": "iong",
    "you": "iu",
    "yo": "uo",
    "yu": "v",
    "yuan": "van",
    "yue": "ve",
    "yun": "vn",
    "wu": "u",
    "wa": "ua",
    "wai": "uai",
    "wan": "uan",
    "wang": "uang",
    "wei": "ui",
    "wen": "un",
    "weng": "un",
    "wo": "uo",
    "wong": "ong",
}
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_SYLLABLE = re.compile(r"(zh|ch|sh|[bpmfdtnlgkhjqxrzcs]?)([a-zü]*?)([1-5])")
_BUZZING = frozenset(("zh", "ch", "sh", "r", "z", "c", "s"))
_FRONT = frozenset("jqx")

_MARKS = str.maketrans("。．、，？！：；「」『』《》【】（）", "..,,?!:;“”“”“”“”()")
_HAN = re.compile(r"[㐀-䶿一-鿿]+")
_PIECE = re.compile(r"[㐀-䶿一-鿿]+|[A-Za-zÀ-ž][A-Za-zÀ-ž'’-]*|\s+|.")
_NUMBER = re.compile(
    r"\d+年|\d+月\d+[日号]|\d+月|\d+:\d{2}(?::\d{2})?|\d+/\d+|(?<!\d)-?\d+(?:,\d{3})+(?:\.\d+)?%?|(?<!\d)-?\d+(?:\.\d+)?[%℃]?"
)
_RANGE = re.compile(r"(?<=\d)\s*[-–—~～至]\s*(?=\d)")
_CLOCK = re.compile(r"(\d+):(\d{2})(?::(\d{2}))?")
_LONGEST_NUMBER = 10
"""What has more digits is a telephone number or the like, and is read digit by digit."""
_DIGITS = str.maketrans("0123456789", "零一二三四五六七八九")


def spell_syllable(pinyin: str) -> str:
    """Phonemes of one syllable such as ``hao3``; the fifth tone is the neutral one."""
    match = _SYLLABLE.fullmatch(pinyin.replace("ü", "v").replace("ê", "e"))
    if match is None:
        return ""
    initial, final, tone = match.groups()
    arrow = _TONES[tone]
    whole = initial + final
    if whole in _BARE:
        vowel, coda = _BARE[whole]
        return vowel + arrow + coda
    if whole in _WITHOUT_INITIAL:
        initial, final = "", _WITHOUT_INITIAL[whole]
        if whole == "weng":
            return f"wə{arrow}ŋ"
    elif initial in _FRONT and final.startswith("u"):
        final = "v" + final[1:]
    elif initial in _BUZZING and final == "i":
        final = ""
    parts = _FINALS.get(final)
    if parts is None:
        return ""
    return _INITIALS.get(initial, "") + parts[0] + arrow + parts[1]


def say_number(match: re.Match[str]) -> str:
    """Chinese words for a number, date, time or share."""
    text = match.group().replace(",", "")
    clock = _CLOCK.fullmatch(text)
    if clock:
        hours, minutes, seconds = (int(part) if part else 0 for part in clock.groups())
        said = cn2an.an2cn(hours) + "点"
        if minutes:
            said += ("零" if minutes < 10 else "") + cn2an.an2cn(minutes) + "分"
        return said + (cn2an.an2cn(seconds) + "秒" if seconds else "")
    digits = sum(map(str.isdigit, text))
    if digits > _LONGEST_NUMBER or (text.isdigit() and digits > 1 and text.startswith("0")):
        return text.translate(_DIGITS)
    if text[0] == "-":
        return "负" + say_number(_whole(text[1:]))
    if text.endswith("年"):
        year = text[:-1]
        return (year.translate(_DIGITS) if len(year) in (2, 4) else cn2an.an2cn(year)) + "年"
    if "月" in text:
        month, _, day = text.partition("月")
        return cn2an.an2cn(month) + "月" + (cn2an.an2cn(day[:-1]) + day[-1] if day else "")
    if "/" in text:
        above, below = text.split("/")
        return f"{cn2an.an2cn(below)}分之{cn2an.an2cn(above)}"
    if text.endswith("%"):
        return "百分之" + cn2an.an2cn(text[:-1])
    return cn2an.an2cn(text[:-1]) + "摄氏度" if text.endswith("℃") else cn2an.an2cn(text)


def _whole(text: str) -> re.Match[str]:
    match = _NUMBER.fullmatch(text)
    assert match is not None
    return match


def load() -> None:
    """Read jieba's dictionary, 0.5 s.

    jieba would keep a copy of it in the temporary folder, where others can write, and believe it later on.
    """
    jieba.setLogLevel(logging.WARNING)
    if not jieba.dt.initialized:
        jieba.dt.FREQ, jieba.dt.total = jieba.dt.gen_pfdict(jieba.dt.get_dict_file())
        jieba.dt.initialized = True


def read_chinese(text: str, alphabet: Container[str], read_latin: Callable[[str], str]) -> Reading:
    """Pronounce one clause.

    Args:
        text: plain text.
        alphabet: the symbols that the model reads; others are left out.
        read_latin: phonemes of words in Latin letters.
    """
    load()
    text = _RANGE.sub("到", unicodedata.normalize("NFKC", text).replace("°C", "℃"))
    words: list[str] = []
    symbols: list[str] = []
    owners: list[int] = []
    for word, said in _pieces(_NUMBER.sub(say_number, text), read_latin):
        kept = [symbol for symbol in said if symbol in alphabet]
        if not kept:
            continue
        spoken = any(symbol.isalpha() for symbol in kept)
        if spoken and symbols and symbols[-1] not in " “(":
            kept.insert(0, " ")
        if spoken:
            words.append(word)
        symbols += kept
        owners += [max(0, len(words) - 1)] * len(kept)
    return Reading(tuple(words) or (text,), "".join(symbols), tuple(owners))


def _pieces(text: str, read_latin: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Words and punctuation with their phonemes."""
    for match in _PIECE.finditer(text):
        piece = match.group()
        if _HAN.fullmatch(piece):
            for word in jieba.lcut(piece):
                syllables = lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True)
                yield word, "".join(map(spell_syllable, syllables))
        elif piece[0].isalpha():
            yield piece, read_latin(piece)
        elif not piece.isspace():
            yield piece, piece.translate(_MARKS)
