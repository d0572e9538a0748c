"""eSpeak NG through ctypes: phonemes of a text in some hundred languages, and a plain voice for each.

The library is found in the package ``espeakng-loader`` or, failing that, where the system keeps it (Debian:
``libespeak-ng1``). eSpeak NG is under GPL-3.0-or-later, which is why this program neither needs nor brings
it: it is loaded when somebody has installed it. Functions and numbers are those of its ``speak_lib.h``.

The library holds one state for the whole process, so calls are made one after another.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streaming.errors import EngineFailed, EngineUnavailable

INSTALL = 'pip install "espeakng-loader==0.2.4" (or Debian: apt install espeak-ng)'
LOADER = "espeakng_loader"

TIE = "^"
"""Stands between the letters of one phoneme in :meth:`EspeakLibrary.phonemes`."""

_SYNCHRONOUS = 2
_BUFFER_MS = 60
_PHONEME_EVENTS, _PHONEME_IPA, _DO_NOT_EXIT = 0x0001, 0x0002, 0x8000
_UTF8, _END_PAUSE = 1, 0x1000
_IPA, _TIED = 0x02, 0x80
_RATE = 1
_CHARACTER_POSITION = 1
_SAMPLES_WANTED, _STOP = 0, 1
_OK = 0

_END_OF_EVENTS = 0
WORD, PHONEME = 1, 7
"""Kinds of :class:`SpeechEvent` that carry timing."""


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """Something that begins at a sample.

    Attributes:
        kind: :data:`WORD` or :data:`PHONEME`.
        sample: index of the first sample.
        position: characters before it in the text, from 0; meaningful for words.
        length: characters of the word.
        symbol: IPA of the phoneme, empty for a pause.
    """

    kind: int
    sample: int
    position: int
    length: int
    symbol: str


@dataclass(frozen=True, slots=True)
class PlainSpeech:
    """What eSpeak NG said: (n,) int16 at ``rate`` hertz, and what begins when."""

    pcm: NDArray[np.int16]
    rate: int
    events: tuple[SpeechEvent, ...]


@lru_cache(maxsize=1)
def find_library() -> tuple[str, str] | None:
    """Path of the library and folder of its data (empty: where the library looks by itself), or ``None``."""
    spec = importlib.util.find_spec(LOADER)
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent
        for name in ("libespeak-ng.so", "libespeak-ng.dylib", "espeak-ng.dll"):
            if (folder / name).is_file() and (folder / "espeak-ng-data").is_dir():
                return str(folder / name), str(folder / "espeak-ng-data")
    name = ctypes.util.find_library("espeak-ng")
    return (name, "") if name else None


@lru_cache(maxsize=1)
def load_library() -> EspeakLibrary:
    """The library, loaded once for the process.

    Raises:
        EngineUnavailable: it is not installed, or does not start.
    """
    return EspeakLibrary()


class EspeakLibrary:
    """Calls into eSpeak NG; any thread may make them. Get it from :func:`load_library`."""

    def __init__(self) -> None:
        found = find_library()
        if found is None:
            raise EngineUnavailable(f"eSpeak NG is not installed: {INSTALL}")
        path, data = found
        try:
            self._library = ctypes.CDLL(path)
            self.rate: int = self._library.espeak_Initialize(
                _SYNCHRONOUS, _BUFFER_MS, data.encode() or None, _PHONEME_EVENTS | _PHONEME_IPA | _DO_NOT_EXIT
            )
        except (OSError, AttributeError) as error:
            raise EngineUnavailable(f"eSpeak NG does not load ({error}). Reinstall it: {INSTALL}") from error
        if self.rate <= 0:
            raise EngineUnavailable(f"eSpeak NG does not find its data. Reinstall it: {INSTALL}")
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_TextToPhonemes.argtypes = (
            ctypes.POINTER(ctypes.c_char_p),
            ctypes.c_int,
            ctypes.c_int,
        )
        self._lock = threading.Lock()
        self._voice = ""

    def phonemes(self, text: str, voice: str) -> str:
        """How a text without punctuation is pronounced.

        Args:
            text: words; numbers are read in the language of the voice.
            voice: a language of eSpeak NG, such as ``fr-fr``.

        Returns:
            IPA with stress marks, words separated by spaces, letters of one phoneme tied by :data:`TIE`.
        """
        with self._lock:
            self._choose(voice)
            pointer = ctypes.c_char_p(_c_text(text))
            parts: list[str] = []
            # Each call reads one clause and moves the pointer behind it, to null after the last.
            while pointer.value is not None:
                said = self._library.espeak_TextToPhonemes(
                    ctypes.byref(pointer), _UTF8, ord(TIE) << 8 | _TIED | _IPA
                )
                parts.append((said or b"").decode("utf-8", "replace"))
        return " ".join(" ".join(parts).split())

    def speak(
        self, text: str, voice: str, words_per_minute: int, cancelled: Callable[[], bool] = lambda: False
    ) -> PlainSpeech:
        """Say a text.

        Args:
            text: plain text.
            voice: a language of eSpeak NG.
            words_per_minute: 80 to 450; 175 is normal.
            cancelled: asked every 60 ms of sound; true ends the speech early.

        Raises:
            EngineFailed: eSpeak NG refuses.
        """
        pieces: list[NDArray[np.int16]] = []
        events: list[SpeechEvent] = []

        def receive(pcm: ctypes.Array[ctypes.c_short], count: int, reported: ctypes.Array[_Event]) -> int:
            if cancelled():
                return _STOP
            if pcm and count > 0:
                pieces.append(np.ctypeslib.as_array(pcm, (count,)).copy())
            events.extend(_timed(reported))
            return _SAMPLES_WANTED

        callback = _Callback(receive)
        content = _c_text(text)
        with self._lock:
            self._choose(voice)
            self._library.espeak_SetSynthCallback(callback)
            self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
            status = self._library.espeak_Synth(
                content,
                ctypes.c_size_t(len(content) + 1),
                0,
                _CHARACTER_POSITION,
                0,
                _UTF8 | _END_PAUSE,
                None,
                None,
            )
        if status != _OK:
            raise EngineFailed(f"eSpeak NG does not speak this text (status {status}).")
        pcm = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
        return PlainSpeech(pcm, self.rate, tuple(events))

    def _choose(self, voice: str) -> None:
        if voice == self._voice:
            return
        if self._library.espeak_SetVoiceByName(voice.encode()) != _OK:
            raise EngineFailed(f"eSpeak NG has no voice for '{voice}'. Reinstall it: {INSTALL}")
        self._voice = voice


def _c_text(text: str) -> bytes:
    return text.replace("\0", " ").encode("utf-8", "replace")


def _timed(reported: ctypes.Array[_Event]) -> Iterator[SpeechEvent]:
    for event in reported:
        if event.kind == _END_OF_EVENTS:
            return
        if event.kind == WORD:
            yield SpeechEvent(WORD, event.sample, event.text_position - 1, event.length, "")
        elif event.kind == PHONEME:
            # Eight bytes, not ended by a zero when all are used; a letter may be cut at the end.
            symbol = bytes(event.id.string).decode("utf-8", "ignore")
            yield SpeechEvent(PHONEME, event.sample, event.text_position - 1, 0, symbol)
