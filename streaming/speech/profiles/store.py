"""The voice profiles of this machine: found, added, removed."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import stat
import tempfile
import wave
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from anyascii import anyascii
from numpy.typing import NDArray

from avatars.folders import TEMPORARY_PREFIX, discard, folders_of, hide, is_folder, remove_leftovers
from avatars.manifest import ID_PATTERN
from streaming.errors import VoiceNotFound
from streaming.speech.profiles.check import MAX_SECONDS
from streaming.speech.profiles.errors import (
    ProfileExists,
    ProfileInvalid,
    ProfilesFull,
    ProfilesUnwritable,
)
from streaming.speech.profiles.manifest import (
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    REFERENCE_NAME,
    ProfileDetails,
    Reference,
    VoiceProfile,
    dump,
    parse,
)
from streaming.speech.profiles.prompt import VoicePrompt, read_prompt, write_prompt
from streaming.timing import SPEECH_RATE

DEFAULT_LIMIT = 64
"""Profiles that are kept; each takes 3 MB at most, and a little for each model."""
MAX_REFERENCE_BYTES = round((MAX_SECONDS + 1) * SPEECH_RATE) * 2 + 1024
MAX_ID = 64
_ID = re.compile(ID_PATTERN)
_FULL_SCALE = 32_767


@dataclass(frozen=True, slots=True)
class ProfileEntry:
    """One line of the list.

    Attributes:
        id: the profile's id.
        profile: what it says about itself; ``None`` when it is damaged.
        problem: what is wrong with a damaged one.
    """

    id: str
    profile: VoiceProfile | None
    problem: str = ""


def profiles_folder(data_dir: Path) -> Path:
    """Where the voice profiles of a data folder live."""
    return data_dir / "voices" / "profiles"


class ProfileStore:
    """Finds, adds and removes voice profiles. Safe to use from several threads and processes.

    Args:
        root: the folder of the profiles' folders; made when the first is added.
        limit: profiles that are kept at most.
    """

    def __init__(self, root: Path, limit: int = DEFAULT_LIMIT) -> None:
        self.root = root
        self.limit = limit

    def list(self) -> list[ProfileEntry]:
        """All profiles by id. Damaged ones are listed with their problem."""
        return [self._entry(folder) for folder in self._folders()]

    def ids(self) -> frozenset[str]:
        """The ids of all profiles, damaged ones too; nothing is read."""
        return frozenset(folder.name for folder in self._folders())

    def get(self, profile: str) -> VoiceProfile:
        """What a profile says about itself.

        Raises:
            VoiceNotFound: there is none with this id.
            ProfileInvalid: it is damaged.
        """
        return _read(self._find(profile))

    def exists(self, profile: str) -> bool:
        """Whether a profile, damaged or not, has this id."""
        try:
            self._find(profile)
        except VoiceNotFound:
            return False
        return True

    def require_room(self) -> None:
        """Refuse another profile when there are as many as may be.

        Raises:
            ProfilesFull: there are.
        """
        count = len(self._folders())
        if count >= self.limit:
            raise ProfilesFull(f"There are {count} voices of {self.limit} that may be. Delete one first.")

    def require_free(self, profile: str, taken: Collection[str] = ()) -> None:
        """Refuse an id that cannot be, or is in use.

        Args:
            profile: the id.
            taken: names of other voices, which a profile would hide.

        Raises:
            ProfileInvalid: it cannot be an id.
            ProfileExists: it is taken.
        """
        if not _ID.fullmatch(profile):
            raise ProfileInvalid(
                f"'{profile[:80]}' cannot be a voice's id. Use a-z, 0-9, '_' and '-', at most {MAX_ID} of "
                "them, starting with a letter or digit."
            )
        if profile in taken or self.exists(profile):
            raise ProfileExists(f"A voice '{profile}' exists already. Choose another id or delete that one.")

    def free_id(self, name: str, taken: Collection[str] = ()) -> str:
        """An id for a new profile that says what its name says, in small Latin letters."""
        stem = (
            re.sub(r"[^a-z0-9]+", "-", anyascii(name).lower()).strip("-")[: MAX_ID - 8].strip("-") or "voice"
        )
        number = 1
        while (found := stem if number == 1 else f"{stem}-{number}") in taken or self.exists(found):
            number += 1
        return found

    def add(self, profile: str, details: ProfileDetails, pcm: NDArray[np.float32]) -> VoiceProfile:
        """Keep a new profile; nobody sees it before it is whole.

        Args:
            profile: its id.
            details: what is known of it.
            pcm: the reference, (n,) at 24 kHz within -1..1.

        Raises:
            ProfileInvalid: something about it is not as it must be.
            ProfileExists: the id is taken.
            ProfilesFull: there are as many as may be.
            ProfilesUnwritable: the disk does not take it.
        """
        self.require_free(profile)
        self.require_room()
        sound = wav_of(pcm)
        facts = {name: getattr(details, name) for name in ProfileDetails.__struct_fields__}
        reference = Reference(hashlib.sha256(sound).hexdigest(), len(sound), round(pcm.size / SPEECH_RATE, 3))
        made = VoiceProfile(id=profile, reference=reference, **facts)
        described = dump(made)
        _parse(described, profile)
        try:
            self._keep(profile, ((REFERENCE_NAME, sound), (MANIFEST_NAME, described)))
        except OSError as error:
            raise _unwritable(f"The voice '{profile}' cannot be kept", error) from error
        return made

    def _keep(self, profile: str, files: Iterable[tuple[str, bytes]]) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        hidden = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=self.root))
        try:
            for name, data in files:
                _write(hidden / name, data)
            try:
                # Atomic; refused when the place is taken, by whomever in the meantime.
                hidden.rename(self.root / profile)
            except OSError as error:
                if not (self.root / profile).exists():
                    raise
                raise ProfileExists(f"A voice '{profile}' exists already. Choose another id.") from error
        finally:
            shutil.rmtree(hidden, ignore_errors=True)

    def delete(self, profile: str) -> None:
        """Remove a profile, damaged or not, with all that was made of it.

        Raises:
            VoiceNotFound: there is none with this id.
            ProfilesUnwritable: some of it is still on the disk.
        """
        folder = self._find(profile)
        try:
            grave = hide(folder)
        except FileNotFoundError as error:
            raise _missing(profile) from error
        except OSError as error:
            raise _unwritable(f"The voice '{profile}' cannot be deleted", error) from error
        try:
            discard(grave)
        except OSError as error:
            raise _unwritable(f"The voice '{profile}' is gone, but not all its files", error) from error

    def reference(self, profile: str) -> bytes:
        """The reference as a WAV file, compared with its SHA-256.

        Raises:
            VoiceNotFound: there is none with this id.
            ProfileInvalid: it is damaged.
        """
        folder = self._find(profile)
        facts = _read(folder).reference
        data = _read_bytes(folder / REFERENCE_NAME, MAX_REFERENCE_BYTES)
        if len(data) != facts.bytes or hashlib.sha256(data).hexdigest() != facts.sha256:
            raise ProfileInvalid(
                f"{REFERENCE_NAME} of '{profile}' has changed since it was written. Create the voice again."
            )
        return data

    def reference_pcm(self, profile: str) -> NDArray[np.float32]:
        """The reference as (n,) at 24 kHz, mono, within -1..1.

        Raises:
            VoiceNotFound: there is none with this id.
            ProfileInvalid: it is damaged.
        """
        try:
            with wave.open(io.BytesIO(self.reference(profile))) as file:
                form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
                frames = file.readframes(file.getnframes())
        except (wave.Error, EOFError) as error:
            raise ProfileInvalid(f"{REFERENCE_NAME} of '{profile}' is no WAV file ({error}).") from error
        if form != (1, 2, SPEECH_RATE):
            raise ProfileInvalid(f"{REFERENCE_NAME} of '{profile}' is not mono, 16 bit and 24 kHz.")
        return np.frombuffer(frames, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)

    def prompt(
        self, profile: str, model: str, revision: str, make: Callable[[], VoicePrompt] | None = None
    ) -> VoicePrompt | None:
        """What a model made of the reference: from the folder, else by ``make``, whose result is kept.

        Args:
            profile: whose.
            model: the model's name.
            revision: of its weights.
            make: makes the prompt; without it ``None`` is returned when there is none.

        Raises:
            VoiceNotFound: there is none with this id.
            ProfileInvalid: it is damaged, or what was made is no prompt of this model.
        """
        folder = self._find(profile)
        sha256 = _read(folder).reference.sha256
        found = read_prompt(folder, model, revision, sha256)
        if found is not None or make is None:
            return found
        made = make()
        if (made.model, made.revision) != (model, revision):
            raise ProfileInvalid(f"The prompt is of {made.model} {made.revision}, not {model} {revision}.")
        try:
            write_prompt(folder, made, sha256)
        except FileNotFoundError as error:
            raise _missing(profile) from error
        return made

    def remove_leftovers(self, before: float) -> int:
        """Remove what a killed process was writing or deleting.

        Args:
            before: Unix time; younger folders may be somebody's work and stay.

        Returns:
            How many folders were removed.
        """
        return remove_leftovers(self.root, before)

    def _folders(self) -> list[Path]:
        return folders_of(self.root, _ID)

    def _find(self, profile: str) -> Path:
        if _ID.fullmatch(profile) and is_folder(self.root / profile):
            return self.root / profile
        raise _missing(profile)

    def _entry(self, folder: Path) -> ProfileEntry:
        try:
            return ProfileEntry(folder.name, _read(folder))
        except (ProfileInvalid, VoiceNotFound) as error:
            return ProfileEntry(folder.name, None, error.message)


def wav_of(pcm: NDArray[np.float32]) -> bytes:
    """(n,) at 24 kHz within -1..1 as a WAV file of 16 bit."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, SPEECH_RATE, 0, "NONE", ""))
        file.writeframes(np.rint(np.clip(pcm, -1.0, 1.0) * _FULL_SCALE).astype("<i2").tobytes())
    return out.getvalue()


def _read(folder: Path) -> VoiceProfile:
    profile = _parse(_read_bytes(folder / MANIFEST_NAME, MAX_MANIFEST_BYTES), folder.name)
    if profile.id != folder.name:
        raise ProfileInvalid(f"The folder '{folder.name}' holds the voice '{profile.id}'. Rename the folder.")
    return profile


def _parse(data: bytes, profile: str) -> VoiceProfile:
    try:
        return parse(data)
    except msgspec.MsgspecError as error:
        raise ProfileInvalid(f"The voice '{profile}' cannot be described like this: {error}.") from error


def _read_bytes(path: Path, most: int) -> bytes:
    """The contents of a plain file; links are refused, as they could lead anywhere."""
    try:
        # A pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ProfileInvalid(f"{path.name} of '{path.parent.name}' is not a plain file.")
            data = file.read(most + 1)
    except OSError as error:
        raise ProfileInvalid(
            f"{path.name} of '{path.parent.name}' cannot be read ({error.strerror}). Create the voice again."
        ) from error
    if len(data) > most:
        raise ProfileInvalid(f"{path.name} of '{path.parent.name}' is larger than {most} bytes.")
    return data


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _unwritable(what: str, error: OSError) -> ProfilesUnwritable:
    reason = error.strerror or type(error).__name__
    return ProfilesUnwritable(
        f"{what} ({reason}). Make room on the disk, and let this program write to its data folder."
    )


def _missing(profile: str) -> VoiceNotFound:
    return VoiceNotFound(f"There is no voice profile '{profile[:80]}'. The list of voices has what there is.")
