"""What depends on the language when text is prepared: letters that stay, words for signs, places to cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streaming.speech.text.scripts import LATIN, primary_subtag

_ALL_SCRIPTS = "*"


@dataclass(frozen=True, slots=True)
class Wording:
    """How a language says what stands between its words, and where its sentences may be cut.

    Attributes:
        scripts: writing systems that the voice reads; letters of others are spelled in Latin ones. ``*``
            stands for all of them.
        dot: the word for a dot in an address; likewise slash, at, dash, underscore and plus.
        times: the word for a multiplication; likewise square_root and infinity.
        sharp: the word in "C sharp".
        fraction: what stands between a number and the fraction after it.
        longest_word: longer runs of letters are broken up; 0 when the engine reads any length.
        conjunctions: words before which a sentence is cut best, where it holds no punctuation.
        phrase_starts: words before which it is cut second best.
        phrase_ends: words after which it is cut second best.
        abbreviations: words after whose full stop a sentence goes on, in small letters.
    """

    scripts: frozenset[str] = frozenset({_ALL_SCRIPTS})
    dot: str = "."
    slash: str = "/"
    at: str = "@"
    dash: str = "-"
    underscore: str = "_"
    plus: str = "+"
    times: str = "×"
    square_root: str = "√"
    infinity: str = "∞"
    sharp: str = "#"
    fraction: str = ""
    longest_word: int = 0
    conjunctions: frozenset[str] = frozenset()
    phrase_starts: frozenset[str] = frozenset()
    phrase_ends: frozenset[str] = frozenset()
    abbreviations: frozenset[str] = frozenset()

    def reads(self, script: str | None) -> bool:
        """Whether letters of this script stay as they are."""
        return _ALL_SCRIPTS in self.scripts or script in self.scripts


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ENGLISH = Wording(
    scripts=frozenset({LATIN}),
    dot="dot",
    slash="slash",
    at="at",
    dash="dash",
    underscore="underscore",
    plus="plus",
    times="times",
    square_root="square root of",
    infinity="infinity",
    sharp="sharp",
    fraction="and",
    # Letter-to-sound models read only so far.
    longest_word=20,
    conjunctions=_words(
        "and but or nor so yet because although though while when where whereas which who whom that if "
        "unless until since before after"
    ),
    phrase_starts=_words(
        "in on at for with from to by into onto over under between through during without about against "
        "among toward towards is are was were am will would can could should shall may might must has have "
        "had do does did"
    ),
    abbreviations=_words(
        "mr mrs ms dr prof st mt ft gen gov sen rep capt lt col sgt cmdr rev hon pres supt cpl maj adm fr "
        "msgr no nos vs fig vol ch pp approx est cf jan feb mar apr jun jul aug sep sept oct nov dec e.g "
        "i.e"
    ),
)
SPANISH = Wording(
    scripts=frozenset({LATIN}),
    dot="punto",
    slash="barra",
    at="arroba",
    dash="guion",
    underscore="guion bajo",
    plus="más",
    times="por",
    square_root="raíz cuadrada de",
    infinity="infinito",
    sharp="sostenido",
    fraction="y",
    conjunctions=_words(
        "y e o u ni pero sino porque aunque mientras cuando donde que quien cuyo si como pues"
    ),
    phrase_starts=_words(
        "en a al de del con por para sin sobre entre desde hasta hacia según durante es son está están "
        "era fue ha han puede pueden debe"
    ),
    abbreviations=_words("sr sra srta dr dra prof d dª ud uds pág núm art cap vol tel av avda ej aprox"),
)
FRENCH = Wording(
    scripts=frozenset({LATIN}),
    dot="point",
    slash="barre oblique",
    at="arobase",
    dash="tiret",
    underscore="tiret bas",
    plus="plus",
    times="fois",
    square_root="racine carrée de",
    infinity="infini",
    sharp="dièse",
    fraction="et",
    conjunctions=_words("et ou mais ni car donc or que qui dont où quand lorsque puisque comme si parce"),
    phrase_starts=_words(
        "dans en à au aux de du des avec pour par sans sur sous entre chez vers depuis pendant est sont "
        "était a ont peut peuvent doit"
    ),
    abbreviations=_words("m mm mme mlle dr pr p vol art chap fig env av bd tél cf ex"),
)
ITALIAN = Wording(
    scripts=frozenset({LATIN}),
    dot="punto",
    slash="barra",
    at="chiocciola",
    dash="trattino",
    underscore="trattino basso",
    plus="più",
    times="per",
    square_root="radice quadrata di",
    infinity="infinito",
    sharp="diesis",
    fraction="e",
    conjunctions=_words("e ed o ma né perché anche mentre quando dove che chi cui se come però quindi"),
    phrase_starts=_words(
        "in nel nella nei a al alla ai di del della dei da dal dalla con per su sul sulla tra fra senza "
        "verso è sono era ha hanno può possono deve"
    ),
    abbreviations=_words("sig dott dr prof avv ing pag art cap vol tel es ecc ca"),
)
PORTUGUESE = Wording(
    scripts=frozenset({LATIN}),
    dot="ponto",
    slash="barra",
    at="arroba",
    dash="hífen",
    underscore="sublinhado",
    plus="mais",
    times="vezes",
    square_root="raiz quadrada de",
    infinity="infinito",
    sharp="sustenido",
    fraction="e",
    conjunctions=_words("e ou mas nem porque embora enquanto quando onde que quem cujo se como pois"),
    phrase_starts=_words(
        "em no na nos nas a ao à aos de do da dos das com por pelo pela para sem sobre entre desde até é "
        "são está estão era foi tem têm pode podem deve"
    ),
    abbreviations=_words("sr sra srta dr dra prof pág núm art cap vol tel av ex aprox"),
)
HINDI = Wording(
    scripts=frozenset({LATIN, "Devanagari"}),
    dot="डॉट",
    slash="स्लैश",
    at="ऐट",
    dash="डैश",
    underscore="अंडरस्कोर",
    plus="प्लस",
    times="गुणा",
    square_root="वर्गमूल",
    infinity="अनंत",
    sharp="शार्प",
    conjunctions=_words("और या लेकिन मगर पर क्योंकि कि जो जब जहाँ अगर तो तथा एवं"),
    phrase_ends=_words("में से को के की का पर तक ने है हैं था थी थे लिए साथ बाद पहले"),
    abbreviations=_words("डॉ श्री प्रो कु"),
)
JAPANESE = Wording(
    scripts=frozenset({LATIN, "Han", "Kana"}),
    dot="ドット",
    slash="スラッシュ",
    at="アットマーク",
    dash="ハイフン",
    underscore="アンダーバー",
    plus="プラス",
    times="かける",
    square_root="ルート",
    infinity="無限大",
    sharp="シャープ",
    phrase_ends=_words("は が を に で と も へ から まで より ので のに けど けれど ば て たら"),
)
CHINESE = Wording(
    scripts=frozenset({LATIN, "Han"}),
    dot="点",
    slash="斜杠",
    at="艾特",
    dash="杠",
    underscore="下划线",
    plus="加",
    times="乘",
    square_root="根号",
    infinity="无穷大",
    sharp="井",
    fraction="又",
    conjunctions=_words(
        "和 与 及 或 但 但是 因为 所以 如果 虽然 而 而且 并 并且 或者 还 也 就 当 只要 只有 由于"
    ),
    phrase_starts=_words("在 是 从 对 把 被 向 给 跟 为 为了 会 能 可以 要 应该 已经 将 有 用 以"),
)
ANY = Wording()
"""For engines that read signs themselves, in whatever language."""

WORDINGS: Mapping[str, Wording] = MappingProxyType(
    {
        "en": ENGLISH,
        "es": SPANISH,
        "fr": FRENCH,
        "it": ITALIAN,
        "pt": PORTUGUESE,
        "hi": HINDI,
        "ja": JAPANESE,
        "zh": CHINESE,
    }
)


def wording_of(language: str) -> Wording:
    """The wording for a BCP 47 tag; :data:`ANY` for a language without one of its own."""
    return WORDINGS.get(primary_subtag(language), ANY)
