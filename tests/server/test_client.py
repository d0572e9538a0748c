import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction
from itertools import pairwise

import av
import httpx
import pytest
from websockets import Origin
from websockets.asyncio.client import connect

from server.client import ApiError, LipstreamClient, MediaPacket
from streaming.protocol import (
    Ack,
    Error,
    Interrupt,
    MediaFormat,
    Ping,
    Pong,
    Say,
    SessionState,
    UtteranceEnded,
    UtteranceStarted,
    WordSpoken,
)
from streaming.timing import FPS, SLOT_SECONDS
from tests.server.conftest import Live

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEXT = "Hello there! How are you?"


async def test_a_session_from_its_first_word_to_its_last(live: Live):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            accepted = await session.say(TEXT)
            events = []
            async for event in stream:
                events.append(event)
                if isinstance(event, UtteranceEnded):
                    break
    assert isinstance(events[0], SessionState)
    started = next(event for event in events if isinstance(event, UtteranceStarted))
    words = [event for event in events if isinstance(event, WordSpoken)]
    ended = events[-1]
    assert {started.utterance, ended.utterance, *(word.utterance for word in words)} == {accepted.utterance}
    assert started.engine == "hibari"
    assert [TEXT[word.begin : word.stop] for word in words] == ["Hello", "there", "How", "are", "you"]
    for word in words:
        assert word.slot == started.slot + int(word.start / SLOT_SECONDS)
    assert (ended.reason, ended.code) == ("completed", None)
    assert ended.spoken_seconds > words[-1].end - SLOT_SECONDS


async def test_webcodecs_chunks_decode_into_sound_and_pictures_without_a_gap(live: Live):
    video, audio = av.CodecContext.create("h264", "r"), av.CodecContext.create("libopus", "r")
    assert isinstance(video, av.VideoCodecContext)
    assert isinstance(audio, av.AudioCodecContext)
    audio.sample_rate, audio.layout = 48_000, "mono"
    pictures, peak, slots, described = 0, 0.0, [], None
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect() as stream:
            await session.say("Hello!")
            async for message in stream:
                if isinstance(message, UtteranceEnded):
                    break
                if isinstance(message, MediaFormat):
                    described = message
                if not isinstance(message, MediaPacket):
                    continue
                if message.kind == "video":
                    slots.append(message.slot)
                    pictures += len(video.decode(av.Packet(message.data)))
                else:
                    for frame in audio.decode(av.Packet(message.data)):
                        peak = max(peak, float(abs(frame.to_ndarray()).max()))
    assert described is not None
    assert (described.format, described.fps, described.audio_codec) == ("webcodecs", FPS, "opus")
    assert slots[0] < slots[-1]
    assert all(later > earlier for earlier, later in pairwise(slots))
    assert pictures >= len(slots) - 1
    assert (video.width, video.height) == (described.width, described.height)
    assert peak > 0.05, "somebody is heard"


async def test_fmp4_plays_as_a_file(live: Live, tmp_path):
    parts = []
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect(format="fmp4") as stream:
            await session.say("Hello!")
            async for message in stream:
                if isinstance(message, UtteranceEnded):
                    break
                if isinstance(message, bytes):
                    parts.append(message)
    path = tmp_path / "seen.mp4"
    path.write_bytes(b"".join(parts))
    with av.open(str(path)) as container:
        assert sorted(stream.type for stream in container.streams) == ["audio", "video"]
        assert sum(1 for _ in container.decode(video=0)) > 5


async def test_commands_over_the_websocket_are_answered_with_their_id(live: Live):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            await stream.send(Ping(id="a", time=12.5))
            await stream.send(Say(id="b", text="One, two, three, four, five, six, seven."))
            answers = {}
            async for message in stream:
                if isinstance(message, UtteranceStarted):
                    await stream.send(Interrupt(id="c"))
                if isinstance(message, Pong | Ack | Error):
                    answers[message.id] = message
                if isinstance(message, UtteranceEnded):
                    assert message.reason == "interrupted"
                if len(answers) == 3:
                    break
    assert answers["a"].time == 12.5
    assert isinstance(answers["b"], Ack)
    assert answers["c"].generation == 1


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{",
        "[]",
        '{"type": "fly"}',
        '{"type": "say"}',
        '{"type": "avatar", "avatar": "nobody"}',
        b"\xff\x00",
    ],
)
async def test_a_bad_command_is_answered_and_the_session_lives(live: Live, raw: str | bytes):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            await stream.socket.send(raw)
            await stream.send(Ping(id="after"))
            answers = []
            async for message in stream:
                answers.append(message)
                if isinstance(message, Pong):
                    break
    assert any(isinstance(message, Error) and message.message for message in answers)


async def test_tokens_are_spoken_as_one_utterance(live: Live):
    async def tokens() -> AsyncIterator[str]:
        for token in ("Hel", "lo ", "the", "re, ", "my ", "friend", "."):
            await asyncio.sleep(0)
            yield token

    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            await session.speak_tokens(tokens())
            words = []
            async for event in stream:
                if isinstance(event, WordSpoken):
                    words.append(event.text)
                if isinstance(event, UtteranceEnded):
                    assert event.reason == "completed"
                    break
    assert words == ["Hello", "there", "my", "friend"]


async def test_the_utterance_is_closed_when_the_tokens_break_off(live: Live):
    async def tokens() -> AsyncIterator[str]:
        yield "Hello. "
        raise ConnectionError("the model is gone")

    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            with pytest.raises(ConnectionError):
                await session.speak_tokens(tokens())
            async for event in stream:
                if isinstance(event, UtteranceEnded):
                    assert event.reason == "completed"
                    break


async def test_closing_a_session_ends_its_streams(live: Live):
    async with LipstreamClient(live.url) as client:
        session = await client.create_session()
        async with session.connect(format="none") as stream:
            await session.close()
            states = [event.state async for event in stream if isinstance(event, SessionState)]
        assert states[-1] == "closed"
        with pytest.raises(ApiError) as caught:
            await session.say("Hello")
    assert caught.value.code == "session_not_found"


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ("?format=none", {}, 401, "unauthorized"),
        ("?format=none&token=wrong", {}, 401, "unauthorized"),
        ("?format=gif&token={token}", {}, 422, "invalid_request"),
        ("?format=none&token={token}", {"Origin": "https://evil.example"}, 403, "origin_not_allowed"),
    ],
)
async def test_a_websocket_is_refused_as_a_problem(live: Live, query, headers, status, code):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        path = session.info.links.websocket + query.format(token=session.info.token)
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        async with httpx.AsyncClient(base_url=live.url) as http:
            answer = await http.get(path, headers=upgrade | headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await session.get()).viewers == 0


async def test_a_page_of_this_site_may_connect_with_the_token_in_the_query(live: Live):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        address = live.url.replace("http", "ws") + session.info.links.websocket
        async with connect(
            f"{address}?format=none&token={session.info.token}", origin=Origin(live.url), proxy=None
        ) as socket:
            assert "session.state" in str(await socket.recv())
            assert (await session.get()).viewers == 1


async def test_a_render_with_progress_video_and_captions(live: Live, tmp_path):
    async with LipstreamClient(live.url) as client:
        render = await client.create_render(TEXT)
        progress = []
        done = await render.wait(progress.append)
        path = await render.download(tmp_path / "x.mp4")
        captions = await render.captions()
        assert progress[-1] == 1.0
        assert "Hello there!" in captions
        with av.open(str(path)) as container:
            video, audio = container.streams.video[0], container.streams.audio[0]
            assert container.duration is not None
            assert container.duration / av.time_base == pytest.approx(done.seconds, abs=0.05)
            assert video.average_rate == Fraction(FPS)
            assert audio.sample_rate == 48_000
        async with httpx.AsyncClient(base_url=live.url) as http:
            part = await http.get(str(done.result_url), headers={"Range": "bytes=0-99"})
            assert (part.status_code, len(part.content)) == (206, 100)
            await render.delete()
            assert (await http.get(str(done.result_url))).status_code == 404


async def test_a_render_that_cannot_be_spoken_says_why(live: Live):
    async with LipstreamClient(live.url) as client:
        render = await client.create_render("...")
        with pytest.raises(ApiError) as caught:
            await render.wait()
        assert caught.value.code == "script_rejected"
        with pytest.raises(ApiError) as caught:
            await client.create_render("Hello", voice="nobody")
        assert caught.value.code == "voice_not_found"


async def test_a_render_can_be_cancelled(live: Live):
    async with LipstreamClient(live.url) as client:
        render = await client.create_render(TEXT * 300)
        await render.delete()
        assert (await render.get()).status == "cancelled"
        assert not list(live.state.settings.renders_dir.glob(f"{render.id}*"))


async def test_what_there_is(live: Live):
    async with LipstreamClient(live.url) as client:
        assert {"mira", "theo"} <= {avatar.id for avatar in await client.avatars()}
        assert "heart" in {voice.name for voice in await client.voices()}
        ready = await client.ready()
        assert ready.ready
        # Others follow it where they are installed.
        assert ready.speech[0] == "hibari"
