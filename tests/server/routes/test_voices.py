import asyncio
import hashlib
import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from server import voice_profiles
from streaming.performer.base import PerformerDescription, VoiceDescription
from streaming.speech.profiles.errors import ProfileInvalid
from streaming.speech.profiles.manifest import MANIFEST_NAME
from tests.server.conftest import API_KEY, Still
from tests.support.listener import HearingPerformer
from tests.support.profiles import CONSENT, SPEECH, WORDS
from tests.support.recordings import tone, wav

SOUND = SPEECH.read_bytes()
FIELDS = {"name": "Jane Roe", "consent": CONSENT}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def house(still, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("server.state.LocalPerformer", HearingPerformer)

    @asynccontextmanager
    async def make(**settings: Any) -> AsyncIterator[Still]:
        async with still(**settings) as server:
            server.state.description = await server.state.performer.describe()
            yield server

    return make


async def send(server: Still, sound: bytes = SOUND, **fields: Any) -> httpx.Response:
    headers = fields.pop("headers", {})
    return await server.http.post(
        "/v1/voices",
        data=FIELDS | fields,
        files={"file": ("me.opus", sound, "audio/ogg")},
        headers=headers,
        timeout=30,
    )


async def test_a_voice_is_made_listed_heard_and_deleted(house):
    async with house() as server:
        answer = await send(server, transcript=WORDS, author="a test")
        assert answer.status_code == 201, answer.text
        made = answer.json()
        path = f"/v1/voices/{made['id']}"
        assert made["id"] == "jane-roe" and answer.headers["location"] == path
        assert made["language"] == "en" and made["transcript"] == WORDS and made["consent"] == CONSENT
        assert made["source"] == "me.opus" and made["source_sha256"] == hashlib.sha256(SOUND).hexdigest()
        assert made["check"]["problems"] == [] and made["check"]["speech_seconds"] > 2.4
        assert made["engines"] == [] and "needs the speech engine qwen3" in made["needs"]

        listed = (await server.http.get("/v1/voices")).json()
        assert [voice["name"] for voice in listed["voices"]] == ["ramp-voice"]
        assert all(set(voice) == {"name", "engine", "languages", "description"} for voice in listed["voices"])
        (profile,) = listed["profiles"]
        assert profile["kind"] == "profile" and profile["id"] == "jane-roe" and profile["has_transcript"]
        assert listed["max_profiles"] == 64

        owner = bearer(made["token"])
        sound = await server.http.get(f"{path}/reference.wav", headers=owner)
        assert sound.headers["content-type"] == "audio/wav" and sound.headers["cache-control"] == "no-store"
        with wave.open(io.BytesIO(sound.content)) as file:
            assert (file.getnchannels(), file.getframerate()) == (1, 24_000)
        assert (await server.http.delete(path, headers=owner)).status_code == 204
        assert (await server.http.get(path, headers=owner)).json()["code"] == "voice_not_found"
        assert (await server.http.get("/v1/voices")).json()["profiles"] == []


async def test_only_its_owner_hears_reads_and_deletes_a_voice(house):
    async with house() as server:
        made = (await send(server, transcript=WORDS)).json()
        other = (await send(server, name="Other")).json()
        path = f"/v1/voices/{made['id']}"
        for headers in ({}, bearer(other["token"]), bearer("wrong"), {"Authorization": "Bearer"}):
            assert (await server.http.get(f"{path}/reference.wav", headers=headers)).status_code == 401
            assert (await server.http.delete(path, headers=headers)).status_code == 401
            seen = await server.http.get(path, headers=headers)
            assert seen.status_code == 200
            assert not {"transcript", "consent", "source", "author", "note"} & set(seen.json())
        assert (await server.http.get(f"{path}/reference.wav?token={made['token']}")).status_code == 401
        assert (await server.http.get(path, headers=bearer(made["token"]))).json()["transcript"] == WORDS
        for address in ("/v1/voices", path):
            text = (await server.http.get(address)).text
            assert made["token"] not in text and CONSENT not in text and WORDS not in text


async def test_with_an_api_key_nothing_is_told_or_made_without_it(house):
    async with house(api_key=API_KEY) as server:
        assert (await send(server)).status_code == 401
        made = (await send(server, headers=bearer(API_KEY))).json()
        path = f"/v1/voices/{made['id']}"
        for address in (path, f"{path}/reference.wav"):
            assert (await server.http.get(address)).status_code == 401
            assert (await server.http.get(address, headers=bearer(made["token"]))).status_code == 200
            assert (await server.http.get(address, headers=bearer(API_KEY))).status_code == 200
        assert (await server.http.delete(path)).status_code == 401
        assert (await server.http.delete(path, headers={"X-API-Key": API_KEY})).status_code == 204


async def test_with_an_api_key_a_stranger_cannot_find_out_whose_voices_there_are(house):
    async with house(api_key=API_KEY) as server:
        made = (await send(server, headers=bearer(API_KEY))).json()
        damaged = (await send(server, name="Damaged", headers=bearer(API_KEY))).json()
        (server.state.voice_profiles.store.root / damaged["id"] / MANIFEST_NAME).write_text("{}")
        for headers in ({}, bearer("wrong")):
            for method, rest in (("GET", ""), ("GET", "/reference.wav"), ("DELETE", "")):
                answers = [
                    await server.http.request(method, f"/v1/voices/{voice}{rest}", headers=headers)
                    for voice in (made["id"], damaged["id"], "nobody")
                ]
                assert {answer.status_code for answer in answers} == {401}
                assert len({answer.text for answer in answers}) == 1, "the answers tell them apart"
        assert (await server.http.get("/v1/voices/nobody", headers=bearer(API_KEY))).status_code == 404


async def test_who_has_the_key_can_delete_a_damaged_voice(house):
    async with house(api_key=API_KEY) as server:
        made = (await send(server, headers=bearer(API_KEY))).json()
        path = f"/v1/voices/{made['id']}"
        store = server.state.voice_profiles.store
        (store.root / made["id"] / MANIFEST_NAME).write_text("{}")
        assert (await server.http.get(path, headers=bearer(API_KEY))).json()["code"] == "voice_invalid"
        assert (await server.http.get("/v1/voices", headers=bearer(API_KEY))).json()["profiles"] == []
        assert (await server.http.delete(path, headers=bearer(API_KEY))).status_code == 204
        assert store.list() == []


async def test_an_unfit_recording_is_refused_with_its_figures(house):
    async with house() as server:
        answer = await send(server, wav(tone(24_000, 4)))
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"] == "voice_rejected" and "speech" in problem["detail"]
        assert problem["check"]["problems"][0]["code"] == "too_little_speech"
        assert problem["check"]["sent_seconds"] == 4.0
        assert (await server.http.get("/v1/voices")).json()["profiles"] == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"consent": ""}, "voice_invalid"),
        ({"consent": "true"}, "voice_invalid"),
        ({"name": ""}, "voice_invalid"),
        ({"language": "English!"}, "voice_invalid"),
        ({"id": "../../etc"}, "voice_invalid"),
        ({"path": "/etc/passwd"}, "invalid_request"),
    ],
)
async def test_wrong_fields_are_refused(house, fields: dict[str, str], code: str):
    async with house() as server:
        answer = await send(server, SOUND, **fields)
        assert answer.status_code == 422 and answer.json()["code"] == code, answer.text


@pytest.mark.parametrize("name", ["jane-roe", "ramp-voice"])
async def test_taken_names_are_refused(house, name: str):
    async with house() as server:
        await send(server)
        answer = await send(server, id=name)
        assert answer.status_code == 409 and answer.json()["code"] == "voice_exists"


async def test_bodies_that_are_no_form_with_a_recording_are_refused(house):
    async with house() as server:
        raw = await server.http.post("/v1/voices", content=SOUND, headers={"Content-Type": "audio/ogg"})
        assert raw.status_code == 415
        empty = await server.http.post("/v1/voices", files={"name": (None, b"x")})
        assert empty.status_code == 422 and "no file" in empty.json()["detail"]
        twice = await server.http.post(
            "/v1/voices", files=[("name", (None, b"x")), ("name", (None, b"y")), ("file", ("a", SOUND))]
        )
        assert twice.status_code == 422 and "twice" in twice.json()["detail"]
        noise = await send(server, b"no recording")
        assert noise.status_code == 422 and noise.json()["code"] == "script_rejected"


async def test_recordings_are_bounded(house):
    async with house(max_audio_bytes=4096) as server:
        assert (await send(server, bytes(30_000))).status_code == 413


@pytest.mark.parametrize(("limit", "words"), [(0, "takes no voices"), (1, "Delete one")])
async def test_there_are_as_many_as_the_operator_allows(house, limit: int, words: str):
    async with house(max_voice_profiles=limit) as server:
        for _ in range(limit):
            assert (await send(server)).status_code == 201
        answer = await send(server)
        assert answer.status_code == 409 and answer.json()["code"] == "voices_full"
        assert words in answer.json()["detail"]
        assert (await server.http.get("/v1/voices")).json()["max_profiles"] == limit


async def test_not_all_are_made_at_once(house, monkeypatch: pytest.MonkeyPatch):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(*_args: object, **_options: object) -> None:
        started.set()
        await go_on.wait()
        raise ProfileInvalid("It was only a test.")

    monkeypatch.setattr(voice_profiles, "MAX_MAKING", 1)
    monkeypatch.setattr(voice_profiles, "create_profile", slowly)
    async with house() as server:
        first = asyncio.create_task(send(server))
        await started.wait()
        second = await send(server)
        assert second.status_code == 503 and second.headers["retry-after"]
        go_on.set()
        await first
        server.state.voice_profiles.require_open()


async def test_foreign_pages_make_no_voices(house):
    async with house() as server:
        answer = await send(server, headers={"Origin": "https://elsewhere.example"})
        assert answer.status_code == 403


async def test_an_engine_that_can_speak_with_a_voice_is_named(house, monkeypatch: pytest.MonkeyPatch):
    async with house() as server:
        made = (await send(server)).json()
        for path in ("/v1/renders", "/v1/sessions"):
            asked = {"voice": made["id"]} | ({"text": "Hello"} if path == "/v1/renders" else {})
            refused = await server.http.post(path, json=asked)
            assert refused.status_code == 404 and "speech engine qwen3" in refused.json()["detail"]
        known = await server.state.performer.describe()

        def cloning(voice: str):
            voices = (*known.voices, VoiceDescription(voice, "qwen3", ("en",)))

            async def describe() -> PerformerDescription:
                return PerformerDescription(("qwen3", *known.speech), known.face, voices, 1, 0, "cpu")

            return describe

        for voice, engines in ((made["id"], ["qwen3"]), ("ryan", [])):
            monkeypatch.setattr(server.state.performer, "describe", cloning(voice))
            seen = (await server.http.get(f"/v1/voices/{made['id']}")).json()
            assert seen["engines"] == engines and bool(seen["needs"]) == (not engines)
            (listed,) = (await server.http.get("/v1/voices")).json()["profiles"]
            assert listed["engines"] == engines


@pytest.mark.parametrize("voice", ["nobody", "..%2F..%2Fetc", "A"])
async def test_unknown_voices_are_not_found(house, voice: str):
    async with house() as server:
        for method, path in (("GET", ""), ("GET", "/reference.wav"), ("DELETE", "")):
            answer = await server.http.request(method, f"/v1/voices/{voice}{path}")
            assert answer.status_code in {404, 422}, (method, path)


async def test_openapi_shows_the_form_with_examples(house):
    async with house() as server:
        schema = (await server.http.get("/openapi.json")).json()
    form = schema["paths"]["/v1/voices"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert set(form["required"]) == {"file", "name", "consent"}
    assert set(form["properties"]) == {"file", *voice_profiles.FIELDS}
