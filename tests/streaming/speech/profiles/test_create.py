import asyncio
import hashlib
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from streaming.errors import EngineFailed, ScriptRejected
from streaming.speech.profiles import create
from streaming.speech.profiles.create import check_recording, create_profile, wish_of
from streaming.speech.profiles.errors import ProfileExists, ProfileInvalid, ProfilesFull, ReferenceRejected
from streaming.speech.profiles.store import ProfileStore
from tests.support.profiles import CONSENT, SPEECH, WORDS, spoken
from tests.support.recordings import encoded, tone, wav


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "profiles")


def file_of(data: bytes) -> BinaryIO:
    file = tempfile.TemporaryFile()
    file.write(data)
    return file


async def test_a_recording_becomes_a_profile(store: ProfileStore):
    wish = wish_of(
        name="Alan W. Black", consent=CONSENT, transcript=WORDS, source="C:\\mine\\alan.opus", author="me"
    )
    with SPEECH.open("rb") as file:
        made = await create_profile(store, file, wish)
    assert made.id == "alan-w-black" and store.get(made.id) == made
    assert made.language == "en" and made.transcript == WORDS and made.consent == CONSENT
    assert made.provenance.source == "alan.opus" and made.provenance.author == "me"
    assert made.provenance.sha256 == hashlib.sha256(SPEECH.read_bytes()).hexdigest()
    assert made.check.codec == "opus" and made.check.problems == ()
    pcm = store.reference_pcm(made.id)
    assert pcm.size / 24_000 == pytest.approx(made.check.seconds, abs=0.01)


async def test_stereo_of_another_rate_is_one_channel(store: ProfileStore):
    data = encoded(spoken(), 24_000, "mp3", "libmp3lame", "s16p", "stereo")
    with file_of(data) as file:
        made = await create_profile(store, file, wish_of(name="a", consent=CONSENT, id="own-id"))
    assert made.id == "own-id" and made.check.channels == 2
    assert made.language is None


async def test_what_is_unfit_is_refused_with_its_figures_and_leaves_nothing(store: ProfileStore):
    with file_of(wav(tone(24_000, 5))) as file, pytest.raises(ReferenceRejected) as refused:
        await create_profile(store, file, wish_of(name="a", consent=CONSENT))
    assert refused.value.check is not None
    assert [problem.code for problem in refused.value.check.problems] == ["too_little_speech"]
    assert refused.value.check.problems[0].message == refused.value.message
    assert not store.root.exists()


async def test_what_is_no_recording_is_refused(store: ProfileStore):
    with file_of(b"hello " * 100) as file, pytest.raises(ScriptRejected):
        await create_profile(store, file, wish_of(name="a", consent=CONSENT))


async def test_a_far_too_long_recording_is_not_decoded(store: ProfileStore):
    with file_of(wav(tone(8000, 130), 8000)) as file, pytest.raises(ReferenceRejected, match="130 s"):
        await create_profile(store, file, wish_of(name="a", consent=CONSENT))


async def test_taken_ids_and_full_stores_are_known_before_the_work(store: ProfileStore):
    with SPEECH.open("rb") as file:
        with pytest.raises(ProfileExists):
            await create_profile(store, file, wish_of(name="a", consent=CONSENT, id="heart"), taken={"heart"})
        with pytest.raises(ProfilesFull):
            await create_profile(ProfileStore(store.root, limit=0), file, wish_of(name="a", consent=CONSENT))
        assert file.tell() == 0


async def test_a_recording_can_be_checked_without_being_kept():
    with SPEECH.open("rb") as file:
        prepared = await check_recording(file, transcript=WORDS)
    assert prepared.language == "en" and prepared.pcm
    assert [warning.code for warning in prepared.check.warnings] == ["short"]


async def test_a_checker_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(create, "PATIENCE_SECONDS", 0.001)
    with SPEECH.open("rb") as file, pytest.raises(EngineFailed, match="too long"):
        await check_recording(file)


async def test_a_checker_that_hangs_in_the_middle_of_its_answer_is_ended(monkeypatch: pytest.MonkeyPatch):
    endless = "import sys\nsys.stdin.buffer.read()\nwhile True: sys.stdout.buffer.write(bytes(1 << 20))"
    start = asyncio.create_subprocess_exec

    async def instead(*arguments: Any, **options: Any) -> asyncio.subprocess.Process:
        if arguments[-1] == "streaming.speech.profiles.prepare_child":
            arguments = (arguments[0], "-c", endless)
        return await start(*arguments, **options)

    monkeypatch.setattr(create, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr("asyncio.create_subprocess_exec", instead)
    async with asyncio.timeout(20):
        with SPEECH.open("rb") as file, pytest.raises(EngineFailed, match="too long"):
            await check_recording(file)


@pytest.mark.parametrize("consent", [None, "", "  yes  ", "agreed"])
def test_there_is_no_voice_without_consent(consent: str | None):
    with pytest.raises(ProfileInvalid, match="consent"):
        wish_of(name="a", consent=consent)


def test_blanks_go_and_empty_fields_count_as_absent():
    wish = wish_of(name="  Jane ", consent=CONSENT, transcript="  ", language="", id="")
    assert wish.name == "Jane"
    assert wish.transcript is None and wish.language is None and wish.id is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\nb"),
        ("name", "x" * 101),
        ("language", "English"),
        ("transcript", "x" * 2001),
    ],
)
def test_wrong_fields_are_named(field: str, value: str):
    with pytest.raises(ProfileInvalid, match=field):
        wish_of(**({"name": "a", "consent": CONSENT} | {field: value}))


@pytest.mark.parametrize(
    ("field", "value", "advice"),
    [
        ("language", "English", "such as en"),
        ("consent", "I agreed\nto this.", "one line"),
        ("name", "x" * 101, "100"),
        ("transcript", "a\x00b", "control characters"),
    ],
)
def test_who_filled_in_a_field_wrong_is_told_how_to_do_it_right(field: str, value: str, advice: str):
    with pytest.raises(ProfileInvalid, match=advice) as refused:
        wish_of(**({"name": "a", "consent": CONSENT} | {field: value}))
    assert "regex" not in refused.value.message


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("/etc/passwd", "passwd"),
        ("..\\..\\x.wav", "x.wav"),
        ("a\x1b[31m.wav", "a[31m.wav"),
        ("/", "not stated"),
    ],
)
def test_file_names_are_for_reading_only(given: str, wanted: str):
    assert wish_of(name="a", consent=CONSENT, source=given).source == wanted
