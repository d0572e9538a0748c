import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from server.recordings import Recordings
from server.uploads import Form
from server.voice_profiles import FIELDS, VoiceProfiles, owns
from streaming.errors import CapacityReached
from streaming.speech.profiles.create import Wish
from streaming.speech.profiles.errors import ProfileInvalid, ProfilesFull
from streaming.speech.profiles.store import ProfileStore
from tests.support.profiles import CONSENT, SPEECH, details

PCM = np.full(72_000, 0.1, np.float32)


@pytest.fixture
def profiles(tmp_path: Path) -> VoiceProfiles:
    return VoiceProfiles(ProfileStore(tmp_path, limit=2), Recordings())


def test_every_field_of_the_form_is_known():
    assert set(FIELDS) <= {field.name for field in msgspec.structs.fields(Wish)}
    assert not {"owner", "source", "note"} & set(FIELDS), "a client may not say this"


async def test_the_token_is_kept_nowhere_and_owns_the_voice(profiles: VoiceProfiles):
    with SPEECH.open("rb") as file:
        made, token = await profiles.create(Form(file, "a.opus", {"name": "a", "consent": CONSENT}), ())
    assert owns(["x", token], made) and not owns(["x"], made) and not owns([], made)
    for path in profiles.store.root.rglob("*"):
        assert not path.is_file() or token.encode() not in path.read_bytes()
    assert made.owner == hashlib.sha256(token.encode()).hexdigest()


async def test_a_refused_wish_costs_no_work_and_takes_no_place(profiles: VoiceProfiles):
    with SPEECH.open("rb") as file, pytest.raises(ProfileInvalid):
        await profiles.create(Form(file, "a.opus", {"name": "a"}), ())
    profiles.require_open()


def test_a_voice_without_an_owner_is_owned_by_nobody(profiles: VoiceProfiles):
    made = profiles.store.add("alan", details(), PCM)
    assert made.owner == "" and not owns(["", "x"], made)


def test_full_and_busy_servers_refuse(profiles: VoiceProfiles, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("server.voice_profiles.MAX_MAKING", 0)
    with pytest.raises(CapacityReached):
        profiles.require_open()
    for name in ("a", "b"):
        profiles.store.add(name, details(), PCM)
    with pytest.raises(ProfilesFull):
        profiles.require_open()
