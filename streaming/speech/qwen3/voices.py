"""Which voices a checkpoint has, and which one a request gets: built-in speakers, or voices of people."""

from __future__ import annotations

from streaming.errors import LanguageNotSpoken, VoiceNotFound
from streaming.speech.base import SpeechRequest, VoiceInfo
from streaming.speech.profiles.manifest import VoiceProfile
from streaming.speech.profiles.store import ProfileStore
from streaming.speech.qwen3.checkpoint import BASE, CUSTOM_VOICE, Checkpoint
from streaming.speech.text.scripts import language_name, primary_subtag

NAME = "qwen3"
DESIGNED = "designed"
"""The one voice of a VoiceDesign model."""
NATIVE = {
    "ryan": ("en", "English, male"),
    "aiden": ("en", "American English, male"),
    "vivian": ("zh", "Chinese, female"),
    "serena": ("zh", "Chinese, female"),
    "uncle_fu": ("zh", "Chinese, male"),
    "dylan": ("zh", "Chinese (Beijing), male"),
    "eric": ("zh", "Chinese (Sichuan), male"),
    "ono_anna": ("ja", "Japanese, female"),
    "sohee": ("ko", "Korean, female"),
}
"""First language of each published speaker (Qwen3-TTS model card). All speak all languages."""
FIRST = "en"
"""The language whose speakers come first."""


class VoiceList:
    """The voices of one checkpoint.

    Args:
        checkpoint: the model.
        profiles: voices of people, for Base models.
    """

    def __init__(self, checkpoint: Checkpoint, profiles: ProfileStore) -> None:
        self._checkpoint = checkpoint
        self._profiles = profiles
        self._seen: tuple[int, tuple[VoiceInfo, ...]] | None = None

    def all(self) -> tuple[VoiceInfo, ...]:
        """Every voice, the default first."""
        kind = self._checkpoint.kind
        if kind == CUSTOM_VOICE:
            return self._speakers()
        if kind == BASE:
            return self._cloned()
        return (
            VoiceInfo(
                DESIGNED, NAME, self._checkpoint.languages, "as LIPSTREAM_QWEN3_INSTRUCTION describes it"
            ),
        )

    def choose(self, request: SpeechRequest) -> VoiceInfo:
        """The voice for a request: the one it names, else one whose first language it is, else the first.

        Raises:
            VoiceNotFound: there is no such voice, or none at all.
            LanguageNotSpoken: the model does not speak the language.
        """
        voices = self.all()
        if not voices:
            raise VoiceNotFound(
                "A Base model of Qwen3-TTS speaks with voices of people, and there is none yet. Make one: "
                "`lipstream voice create`; or set LIPSTREAM_QWEN3_MODEL=1.7b-custom for built-in speakers."
            )
        wanted = primary_subtag(request.language or "")
        if wanted and wanted not in self._checkpoint.languages:
            spoken = ", ".join(language_name(tag) for tag in self._checkpoint.languages)
            raise LanguageNotSpoken(f"Qwen3-TTS does not speak {language_name(wanted)}. It speaks {spoken}.")
        if request.voice is None:
            return next((v for v in voices if v.languages[0] == wanted), voices[0])
        named = next((voice for voice in voices if voice.name == request.voice), None)
        if named is None:
            names = ", ".join(voice.name for voice in voices)
            raise VoiceNotFound(f"Qwen3-TTS has no voice '{request.voice}' here. Its voices: {names}.")
        return named

    def _speakers(self) -> tuple[VoiceInfo, ...]:
        voices = []
        for name in self._checkpoint.speakers:
            native, about = NATIVE.get(name, (FIRST, "built in"))
            voices.append(VoiceInfo(name, NAME, self._from(native), about))
        return tuple(sorted(voices, key=lambda voice: voice.languages[0] != FIRST))

    def _cloned(self) -> tuple[VoiceInfo, ...]:
        # A profile that comes or goes changes the folder that holds it.
        root = self._profiles.root
        try:
            changed = root.stat().st_mtime_ns
        except FileNotFoundError:
            return ()
        if self._seen is None or self._seen[0] != changed:
            found = (entry.profile for entry in self._profiles.list())
            self._seen = changed, tuple(self._clone(profile) for profile in found if profile is not None)
        return self._seen[1]

    def _clone(self, profile: VoiceProfile) -> VoiceInfo:
        about = f"{profile.name}, from {profile.reference.seconds:.0f} s" + (
            "" if profile.transcript else " without a transcript"
        )
        return VoiceInfo(profile.id, NAME, self._from(primary_subtag(profile.language or FIRST)), about)

    def _from(self, first: str) -> tuple[str, ...]:
        """The checkpoint's languages, a voice's own first."""
        languages = self._checkpoint.languages
        return (first, *(tag for tag in languages if tag != first)) if first in languages else languages
