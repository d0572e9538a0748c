"""From somebody's recording to a profile in the store."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from pathlib import PurePath
from typing import BinaryIO

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from streaming.audio.decode import RecordingInfo
from streaming.audio.recording import Recording, child_environment, start_recording
from streaming.clock import Clock, SystemClock
from streaming.errors import EngineFailed
from streaming.speech.profiles.check import MAX_SECONDS, too_long
from streaming.speech.profiles.errors import ProfileInvalid, ReferenceRejected
from streaming.speech.profiles.manifest import (
    MAX_LINE,
    MAX_NAME,
    MAX_TRANSCRIPT,
    MIN_CONSENT,
    NOT_STATED,
    Consent,
    Language,
    Line,
    Name,
    ProfileDetails,
    Provenance,
    Transcript,
    VoiceProfile,
)
from streaming.speech.profiles.order import Order, Prepared
from streaming.speech.profiles.store import ProfileStore

MAX_SENT_SECONDS = 2 * MAX_SECONDS
"""What may come with its silences; longer recordings are not even decoded."""
PATIENCE_SECONDS = 60.0
"""Preparing takes a second or two on a quiet machine."""
LEFTOVER_SECONDS = 3600.0
"""What was being written this long ago is nobody's work any more."""

READ_BYTES = 1 << 20

Opener = Callable[[BinaryIO], Awaitable[Recording]]

_ADVICE = {
    "name": f"Write one line of at most {MAX_NAME} characters.",
    "consent": f"Write one line of at most {MAX_LINE} characters.",
    "author": f"Write one line of at most {MAX_LINE} characters.",
    "transcript": f"Write at most {MAX_TRANSCRIPT} characters, and no control characters.",
    "language": "Name it by its tag, such as en or pt-BR.",
}
"""How to do it right, for each field that a person fills in."""

_log = structlog.get_logger(__name__)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a new voice should be; :func:`wish_of` checks it.

    Attributes:
        name: for people.
        consent: who agreed to this use of the voice, and how.
        transcript: exactly what is said.
        language: BCP 47 tag; told from the transcript when absent.
        id: an id; made from the name when absent.
        source: name of the file, for people only.
        author: who makes the profile.
        note: what else is known of where it comes from.
        owner: SHA-256 of the secret that may hear and delete it over HTTP.
    """

    name: Name
    consent: Consent
    transcript: Transcript | None = None
    language: Language | None = None
    id: str | None = None
    source: Line = NOT_STATED
    author: Line = NOT_STATED
    note: Line = ""
    owner: str = ""


def wish_of(**fields: str | None) -> Wish:
    """A checked wish; blanks around texts go, and empty ones count as absent.

    Raises:
        ProfileInvalid: a field is missing or not what it must be; the message names it.
    """
    given = {name: text for name, value in fields.items() if value is not None and (text := value.strip())}
    if "name" not in given:
        raise ProfileInvalid("The voice needs a name.")
    if len(given.get("consent", "")) < MIN_CONSENT:
        raise ProfileInvalid(
            "A voice needs consent: say in a sentence who speaks in the recording and that this person "
            'agreed to it, such as "This is my own voice" or "Jane Roe agreed by mail on 3 May".'
        )
    if "source" in given:
        given["source"] = _file_name(given["source"])
    try:
        return msgspec.convert(given, Wish)
    except msgspec.ValidationError as error:
        wrong = next((name for name in _ADVICE if str(error).endswith(f"`$.{name}`")), "")
        advice = f"Its {wrong} cannot be like this. {_ADVICE[wrong]}" if wrong else f"{error}."
        raise ProfileInvalid(f"The voice cannot be described like this. {advice}") from error


async def create_profile(
    store: ProfileStore,
    file: BinaryIO,
    wish: Wish,
    *,
    taken: Collection[str] = (),
    open_recording: Opener = start_recording,
    clock: Clock | None = None,
) -> VoiceProfile:
    """Make a voice profile of a recording. Nothing is left behind when it cannot be used.

    Args:
        store: where it goes.
        file: an open file with a descriptor; its position is moved.
        wish: what it should be.
        taken: names of other voices, which it may not have as its id.
        open_recording: opens the file for decoding.
        clock: says when the profile was made.

    Raises:
        ReferenceRejected: the recording is not fit; what was measured comes along.
        ScriptRejected: the file is no recording.
        ProfileInvalid: the id is not a valid one.
        ProfileExists: the id is taken.
        ProfilesFull: there are as many profiles as may be.
        EngineFailed: no process can be started.
    """
    clock = clock or SystemClock()
    await asyncio.to_thread(store.require_room)
    if wish.id is not None:
        await asyncio.to_thread(store.require_free, wish.id, taken)
    pcm, info = await _decode(file, open_recording)
    prepared = await _prepare(Order(pcm.astype("<f4").tobytes(), info, wish.transcript, wish.language))
    if prepared.check.problems:
        reasons = " ".join(finding.message for finding in prepared.check.problems)
        raise ReferenceRejected(reasons, prepared.check)
    details = ProfileDetails(
        name=wish.name,
        consent=wish.consent,
        provenance=Provenance(wish.source, await asyncio.to_thread(_sha256, file), wish.author, wish.note),
        check=prepared.check,
        created=datetime.fromtimestamp(round(clock.wall()), UTC),
        language=prepared.language,
        transcript=wish.transcript,
        owner=wish.owner,
    )
    reference = np.frombuffer(prepared.pcm, "<f4").astype(np.float32, copy=False)

    def keep() -> VoiceProfile:
        store.remove_leftovers(clock.wall() - LEFTOVER_SECONDS)
        return store.add(wish.id or store.free_id(wish.name, taken), details, reference)

    return await asyncio.to_thread(keep)


async def check_recording(
    file: BinaryIO,
    *,
    transcript: str | None = None,
    language: str | None = None,
    open_recording: Opener = start_recording,
) -> Prepared:
    """What a recording would give, without keeping anything; see :func:`create_profile`."""
    pcm, info = await _decode(file, open_recording)
    return await _prepare(Order(pcm.astype("<f4").tobytes(), info, transcript, language))


async def _decode(file: BinaryIO, opener: Opener) -> tuple[NDArray[np.float32], RecordingInfo]:
    recording = await opener(file)
    try:
        if recording.info.seconds > MAX_SENT_SECONDS:
            raise ReferenceRejected(too_long(recording.info.seconds).message)
        pieces = [piece async for piece in recording.pieces()]
        return np.concatenate(pieces), recording.info
    finally:
        await recording.close()


async def _prepare(order: Order) -> Prepared:
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "streaming.speech.profiles.prepare_child"),
            stdin=PIPE,
            stdout=PIPE,
            env=child_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise EngineFailed(
            f"The recording cannot be checked now ({error.strerror}). Try again later."
        ) from error
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer, _ = await process.communicate(msgspec.msgpack.encode(order))
    except TimeoutError as error:
        raise EngineFailed("The recording takes too long to be checked. Try again later.") from error
    finally:
        if process.returncode is None:
            process.kill()
            # It counts as gone only when its pipes are read to the end.
            await asyncio.shield(process.communicate())
    if process.returncode:
        _log.error("a recording could not be checked", status=process.returncode)
        raise EngineFailed("The recording cannot be checked; the server's log says why.")
    return msgspec.msgpack.decode(answer, type=Prepared)


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(READ_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def _file_name(given: str) -> str:
    """The last part of what a stranger calls a file, for people to read; it is never opened."""
    name = PurePath(given.replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[:MAX_LINE] or NOT_STATED
