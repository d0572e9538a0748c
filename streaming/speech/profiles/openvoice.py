"""Profiles of OpenVoice services, as folders: what can be kept of them is kept.

Such a folder holds ``profile.json``, ``reference.wav`` or ``sample_01.wav`` and so on, and an embedding as a
pickle or a torch checkpoint. Embeddings belong to OpenVoice's own model and can run code when they are
opened: they never are. Paths inside of ``profile.json`` are those of another machine, and are not followed.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import msgspec

from avatars.manifest import ID_PATTERN
from streaming.errors import ScriptRejected
from streaming.speech.profiles.create import check_recording, create_profile, wish_of
from streaming.speech.profiles.errors import ProfileInvalid, ReferenceRejected
from streaming.speech.profiles.manifest import LANGUAGE_PATTERN, MAX_LINE, MAX_NAME, VoiceProfile
from streaming.speech.profiles.store import ProfileStore

DESCRIPTION_NAMES = ("profile.json", "metadata.json")
MAX_DESCRIPTION_BYTES = 64 << 10
MAX_FILES = 100
SOUNDS = frozenset({".wav", ".mp3", ".m4a", ".aac", ".ogg", ".oga", ".opus", ".flac", ".webm"})
EMBEDDINGS = frozenset({".pkl", ".pickle", ".pth", ".pt", ".ckpt", ".bin", ".npy", ".npz"})


class LeftOut(msgspec.Struct, frozen=True):
    """A file of the folder that was not taken, and why."""

    name: str
    reason: str


class Imported(msgspec.Struct, frozen=True):
    """What became of a folder: the profile, the recording that it speaks from, and what was left out."""

    profile: VoiceProfile
    kept: str
    left_out: tuple[LeftOut, ...]


class _Described(msgspec.Struct, frozen=True):
    """What is read of ``profile.json``; the rest tells of the service that wrote it."""

    id: str | None = None
    name: str | None = None
    description: str | None = None
    language: str | None = None
    created_at: str | None = None


async def import_profile(
    store: ProfileStore,
    folder: Path,
    *,
    consent: str,
    name: str | None = None,
    profile: str | None = None,
    transcript: str | None = None,
    language: str | None = None,
    author: str | None = None,
    taken: frozenset[str] = frozenset(),
) -> Imported:
    """Make a voice of an OpenVoice profile. Of several recordings the one with the most speech is taken.

    Args:
        store: where it goes.
        folder: chosen by the person at this machine, never by a stranger.
        consent: who agreed to this use of the voice, and how; such folders do not say.
        name: for people; that of the profile when absent.
        profile: an id; that of the profile when absent.
        transcript: what is said in the recording. Only for folders with one recording.
        language: BCP 47 tag; that of the profile when absent.
        author: who makes the voice.
        taken: names of other voices.

    Raises:
        ProfileInvalid: the folder is no such profile, or holds several recordings beside a transcript.
        ReferenceRejected: none of its recordings can be used.
        LipstreamError: what :func:`create_profile` raises.
    """
    described, sounds, left_out = _look(folder)
    if transcript is not None and len(sounds) > 1:
        names = ", ".join(path.name for path in sounds)
        raise ProfileInvalid(
            f"A transcript belongs to one recording, and {folder.name} holds {names}. Import without it, or "
            "create a voice from the one recording."
        )
    wish = {
        "name": (name or described.name or folder.name)[:MAX_NAME],
        "id": profile or _fitting(ID_PATTERN, described.id),
        "consent": consent,
        "transcript": transcript,
        "language": language or _fitting(LANGUAGE_PATTERN, described.language),
        "author": author,
        "note": _note(described, folder),
    }
    wish_of(**wish)
    await _require_place(store, wish["id"], taken)
    best, refused = (sounds[0], []) if len(sounds) == 1 else await _best(sounds)
    with best.open("rb") as file:
        made = await create_profile(store, file, wish_of(**wish, source=best.name), taken=taken)
    return Imported(made, best.name, (*left_out, *refused))


async def _require_place(store: ProfileStore, profile: str | None, taken: frozenset[str]) -> None:
    """Refuse what cannot be kept before recordings are looked into."""
    await asyncio.to_thread(store.require_room)
    if profile is not None:
        await asyncio.to_thread(store.require_free, profile, taken)


async def _best(sounds: list[Path]) -> tuple[Path, list[LeftOut]]:
    """The recording with the most speech, and why the others are left out."""
    seconds: dict[Path, float] = {}
    left_out: list[LeftOut] = []
    for path in sounds:
        try:
            with path.open("rb") as file:
                check = (await check_recording(file)).check
        except (ScriptRejected, ReferenceRejected, OSError) as error:
            left_out.append(LeftOut(path.name, str(error)))
            continue
        if check.problems:
            left_out.append(LeftOut(path.name, " ".join(problem.message for problem in check.problems)))
        else:
            seconds[path] = check.speech_seconds
    if not seconds:
        reasons = " ".join(f"{found.name}: {found.reason}" for found in left_out)
        raise ReferenceRejected(f"None of the recordings can be used. {reasons}")
    best = max(seconds, key=seconds.__getitem__)
    left_out += [LeftOut(p.name, f"{best.name} has more speech") for p in seconds if p != best]
    return best, left_out


def _look(folder: Path) -> tuple[_Described, list[Path], list[LeftOut]]:
    """What a folder says of itself, its recordings, and the files that are of no use here."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    if len(files) > MAX_FILES:
        raise ProfileInvalid(f"{folder.name} holds {len(files)} files; it is no voice profile.")
    described = _Described()
    sounds: list[Path] = []
    left_out: list[LeftOut] = []
    for path in files:
        ending = path.suffix.lower()
        if path.is_symlink() or not path.is_file():
            left_out.append(LeftOut(path.name, "it is no plain file"))
        elif path.name in DESCRIPTION_NAMES:
            described = _described(path)
        elif ending in SOUNDS:
            sounds.append(path)
        elif ending in EMBEDDINGS:
            left_out.append(LeftOut(path.name, "embeddings of other models are never opened"))
        else:
            left_out.append(LeftOut(path.name, "it is no recording"))
    if not sounds:
        inner = [path.name for path in files if path.is_dir()]
        more = f" Give one of its folders: {', '.join(inner[:5])}." if inner else ""
        raise ProfileInvalid(f"There is no recording in {folder.name}, so it is no voice profile.{more}")
    return described, sounds, left_out


def _described(path: Path) -> _Described:
    with path.open("rb") as file:
        data = file.read(MAX_DESCRIPTION_BYTES + 1)
    if len(data) > MAX_DESCRIPTION_BYTES:
        raise ProfileInvalid(f"{path.name} is larger than {MAX_DESCRIPTION_BYTES} bytes.")
    try:
        return msgspec.json.decode(data, type=_Described)
    except msgspec.MsgspecError as error:
        raise ProfileInvalid(f"{path.name} cannot be read: {error}.") from error


def _fitting(pattern: str, text: str | None) -> str | None:
    """What another program wrote, where it can be used as it is."""
    return text if text and re.fullmatch(pattern, text) else None


def _note(described: _Described, folder: Path) -> str:
    facts = [f"OpenVoice profile {described.id or folder.name}"]
    if described.created_at:
        facts.append(f"of {described.created_at}")
    if described.description:
        facts.append(f"({described.description})")
    return "".join(c if c.isprintable() else " " for c in " ".join(facts))[:MAX_LINE]
