"""Films in every format, of an avatar that has no background, over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from streaming.timing import SPEECH_RATE
from tests.server.conftest import Still
from tests.support.films import Seen, watch
from tests.support.listener import HearingPerformer
from tests.support.recordings import tone, wav
from tests.support.transparent import photo_bundle

SOUND = wav(tone(SPEECH_RATE, 0.3))


@pytest.fixture
def rendering(still, monkeypatch, tmp_path: Path):
    """A server with such an avatar, whose renders run with a face that needs no network."""
    monkeypatch.setattr("server.state.LocalPerformer", HearingPerformer)
    photo_bundle(tmp_path / "avatars", "tess")

    @asynccontextmanager
    async def make(**settings) -> AsyncIterator[Still]:
        async with still(**settings) as server:
            await server.state.renders.start()
            yield server

    return make


async def _done(server: Still, query: str) -> dict:
    made = await server.http.post(
        f"/v1/renders/audio?avatar=tess{query}", content=SOUND, headers={"Content-Type": "audio/wav"}
    )
    assert made.status_code == 202, made.text
    path, owner = made.headers["location"], {"Authorization": f"Bearer {made.json()['token']}"}
    done = (await server.http.get(f"{path}?wait=30", headers=owner)).json()
    assert done["status"] == "done", done
    return done


async def _seen(server: Still, done: dict, folder: Path) -> Seen:
    answer = await server.http.get(done["result_url"])
    assert answer.status_code == 200
    path = folder / done["result_url"].partition("?")[0].rpartition("/")[2]
    path.write_bytes(answer.content)
    return watch(path)


@pytest.mark.parametrize(
    ("name", "suffix", "media"),
    [
        ("mp4", "mp4", "video/mp4"),
        ("webm", "webm", "video/webm"),
        ("mov", "mov", "video/quicktime"),
        ("png", "zip", "application/zip"),
    ],
)
async def test_a_film_comes_in_the_format_asked_for(rendering, tmp_path: Path, name, suffix, media):
    async with rendering() as server:
        done = await _done(server, f"&format={name}")
        assert done["format"] == name
        assert f"/video.{suffix}?token=" in done["result_url"]
        head = await server.http.head(done["result_url"])
        assert head.headers["content-type"] == media
        assert f'filename="{done["id"]}.{suffix}"' in head.headers["content-disposition"]
        part = await server.http.get(done["result_url"], headers={"Range": "bytes=0-9"})
        assert (part.status_code, len(part.content)) == (206, 10)
        seen = await _seen(server, done, tmp_path)
        clear = (seen.pictures[:, :8, :8, 3] == 0).all()
        assert clear == (name != "mp4")
        assert seen.metadata["title"] == "Tess speaks"
        other = done["result_url"].replace(f".{suffix}?", ".mp4?" if suffix != "mp4" else ".webm?")
        answer = await server.http.get(other)
        assert answer.status_code == 404 and f"video.{suffix}" in answer.json()["detail"]


async def test_a_film_has_the_colour_asked_for_and_the_mark_of_the_server(rendering, tmp_path: Path):
    async with rendering(mark="AI") as server:
        seen = await _seen(server, await _done(server, "&format=webm&background=%2300ff00"), tmp_path)
        first = seen.pictures[0].astype(int)
        assert (first[..., 3] == 255).all()
        assert first[2, 2, 1] > 240 > 20 > first[2, 2, 0]
        assert first[75:, 90:, :3].min(axis=2).max() > 180, "white letters"


async def test_live_pictures_have_the_mark_when_that_is_wanted(still, tmp_path: Path):
    white = []
    for wanted in (False, True):
        async with still(mark="AI-generated", mark_live=wanted) as server:
            made = await server.http.post("/v1/sessions", json={"avatar": "mira"})
            session = server.state.sessions.get(made.json()["id"])
            luma = session._stage._compositor.compose(0, None).to_ndarray()[:512]
            white.append(int((luma[470:505, 380:505] > 200).sum()))
    assert white[0] == 0 and white[1] > 100, "on a dark shirt"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"avatar": "mira", "background": "white"}, 422, "background_rejected"),
        ({"avatar": "tess", "background": "whitish"}, 422, "background_rejected"),
        ({"avatar": "tess", "format": "gif"}, 422, "invalid_request"),
    ],
)
async def test_what_cannot_be_made_is_refused_before_it_waits(rendering, body, status, code):
    async with rendering() as server:
        answer = await server.http.post("/v1/renders", json={"text": "Hello.", **body})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        query = "&".join(f"{key}={value}" for key, value in body.items())
        for path in ("audio", "pcm"):
            answer = await server.http.post(
                f"/v1/renders/{path}?{query}",
                content=SOUND,
                headers={"Content-Type": "application/octet-stream"},
            )
            assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert server.state.renders.all() == []
