"""Voices of people on this server: made from what clients send, owned by a token each."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Collection

from server.recordings import Recordings
from server.uploads import Form
from streaming.errors import CapacityReached
from streaming.performer.base import PerformerDescription
from streaming.speech.profiles.create import create_profile, wish_of
from streaming.speech.profiles.errors import ProfilesFull
from streaming.speech.profiles.manifest import ENGINES, VoiceProfile, engines_for
from streaming.speech.profiles.store import ProfileStore

FIELDS = ("name", "consent", "transcript", "language", "id", "author")
"""Texts of the form that makes a voice."""
MAX_MAKING = 2
"""Voices that are made at the same time; each takes a process for a second or two."""
TOKEN_BYTES = 24


class VoiceProfiles:
    """Makes profiles and knows who owns them.

    Args:
        store: where they live.
        recordings: decodes what is sent, within the bounds of the server.
    """

    def __init__(self, store: ProfileStore, recordings: Recordings) -> None:
        self.store = store
        self._recordings = recordings
        self._making = 0

    def require_open(self) -> None:
        """Refuse another voice before its recording is sent.

        Raises:
            ProfilesFull: there are as many as may be, or none may be.
            CapacityReached: too many are being made.
        """
        if self.store.limit == 0:
            raise ProfilesFull("This server takes no voices. The operator sets LIPSTREAM_MAX_VOICE_PROFILES.")
        self.store.require_room()
        self._require_hands()

    async def engines(self, description: PerformerDescription) -> tuple[str, ...]:
        """Which of a performer's engines can speak with profiles."""
        ids = await asyncio.to_thread(self.store.ids)
        return engines_for(description.speech, [(v.engine, v.name) for v in description.voices], ids)

    async def create(self, form: Form, taken: Collection[str]) -> tuple[VoiceProfile, str]:
        """Make a voice of a form with a recording.

        Args:
            form: the recording, and texts named as in :data:`FIELDS`.
            taken: names of voices that others have.

        Returns:
            The profile, and the token that owns it, which is kept nowhere.

        Raises:
            LipstreamError: what :func:`streaming.speech.profiles.create.create_profile` raises.
        """
        token = f"v_{secrets.token_urlsafe(TOKEN_BYTES)}"
        wish = wish_of(**form.fields, source=form.filename, owner=_hash(token))
        self._require_hands()
        self._making += 1
        try:
            profile = await create_profile(
                self.store, form.file, wish, taken=taken, open_recording=self._recordings.open
            )
        finally:
            self._making -= 1
        return profile, token

    def _require_hands(self) -> None:
        if self._making >= MAX_MAKING:
            raise CapacityReached(f"{MAX_MAKING} voices are being made already. Try again in a moment.")


def needed_engine() -> str:
    """What it takes to hear a profile, where nothing here can speak with it."""
    return (
        f"It needs the speech engine {' or '.join(ENGINES)} with a Base model "
        "(LIPSTREAM_SPEECH, LIPSTREAM_QWEN3_MODEL)."
    )


def owns(presented: Collection[str], profile: VoiceProfile) -> bool:
    """Whether one of these secrets is the token that came when the voice was made."""
    hashes = [_hash(secret) for secret in presented]
    # Every one is compared, so that the time taken tells nothing.
    return any([hmac.compare_digest(found, profile.owner) for found in hashes])


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
