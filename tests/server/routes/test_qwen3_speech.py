# pyright: reportMissingImports=false
"""Qwen3-TTS behind the server: a voice made while it runs, spoken to a WebRTC viewer and into a film."""

import pytest

torch = pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")

import asyncio  # noqa: E402
import io  # noqa: E402
from collections.abc import AsyncIterator  # noqa: E402

import av  # noqa: E402
import httpx  # noqa: E402
import numpy as np  # noqa: E402
import pytest_asyncio  # noqa: E402
from aiortc import RTCPeerConnection, RTCSessionDescription  # noqa: E402

from streaming.protocol import (  # noqa: E402
    EVENT,
    Error,
    Event,
    UtteranceEnded,
    UtteranceStarted,
    WordSpoken,
)
from streaming.speech.qwen3.package import missing  # noqa: E402
from streaming.webrtc.whep import SDP_TYPE  # noqa: E402
from tests.server.conftest import Live, serving  # noqa: E402
from tests.support.profiles import details, spoken  # noqa: E402

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}"),
    pytest.mark.asyncio(loop_scope="module"),
]

TEXT = "Good morning to everybody here."
PATIENCE = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speaking(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    """A server whose only speech engine is a tiny Base model without a voice."""
    from benchmarks.gpu_tts.random_weights import write_checkpoint
    from benchmarks.gpu_tts.sizes import SIZES

    folder = write_checkpoint(tmp_path_factory.mktemp("model"), SIZES["tiny"], "base")
    settings = {"speech": "qwen3", "qwen3_model": str(folder), "qwen3_device": "cpu", "qwen3_sessions": 2}
    async with serving(tmp_path_factory.mktemp("data"), **settings) as server:
        server.state.voice_profiles.store.add("alan", details("Alan"), spoken())
        yield server


async def wait_for(events: asyncio.Queue[Event], kind: type[Event]) -> tuple[Event, list[Event]]:
    seen: list[Event] = []
    async with asyncio.timeout(PATIENCE):
        while True:
            event = await events.get()
            assert not isinstance(event, Error), event
            if isinstance(event, kind):
                return event, seen
            seen.append(event)


async def test_a_viewer_sees_and_hears_a_voice_that_was_made_meanwhile(speaking: Live):
    viewer = RTCPeerConnection()
    viewer.addTransceiver("video", direction="recvonly")
    viewer.addTransceiver("audio", direction="recvonly")
    tracks = {}
    viewer.on("track", lambda track: tracks.__setitem__(track.kind, track))
    channel = viewer.createDataChannel("lipstream")
    events: asyncio.Queue[Event] = asyncio.Queue()
    channel.on("message", lambda message: events.put_nowait(EVENT.validate_json(message)))
    say = f'{{"type": "say", "text": "{TEXT}", "voice": "alan", "language": "en"}}'
    channel.on("open", lambda: channel.send(say))
    await viewer.setLocalDescription(await viewer.createOffer())
    async with httpx.AsyncClient(base_url=speaking.url, timeout=PATIENCE) as http:
        voices = (await http.get("/v1/voices")).json()["voices"]
        assert [(voice["name"], voice["engine"]) for voice in voices] == [("alan", "qwen3")]
        session = (await http.post("/v1/sessions")).json()
        answer = await http.post(
            session["links"]["whep"],
            content=viewer.localDescription.sdp,
            headers={"Content-Type": SDP_TYPE, "Authorization": f"Bearer {session['token']}"},
        )
        await viewer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        started, _ = await wait_for(events, UtteranceStarted)
        assert isinstance(started, UtteranceStarted) and started.engine == "qwen3"
        loudest = 0
        async with asyncio.timeout(PATIENCE):
            while loudest < 500:
                loudest = max(loudest, np.abs((await tracks["audio"].recv()).to_ndarray()).max())
            picture = await tracks["video"].recv()
        assert (picture.width, picture.height) == (512, 512)
        word, _ = await wait_for(events, WordSpoken)
        assert isinstance(word, WordSpoken) and word.text in TEXT
        channel.send('{"type": "interrupt"}')
        ended, _ = await wait_for(events, UtteranceEnded)
        assert isinstance(ended, UtteranceEnded) and ended.reason == "interrupted"
        assert ended.spoken_seconds > 0
    await viewer.close()


async def test_a_film_is_rendered_with_it(speaking: Live):
    async with httpx.AsyncClient(base_url=speaking.url, timeout=PATIENCE) as http:
        made = (await http.post("/v1/renders", json={"text": TEXT, "voice": "alan", "language": "en"})).json()
        bearer = {"Authorization": f"Bearer {made['token']}"}
        render = (await http.get(f"/v1/renders/{made['id']}?wait=55", headers=bearer)).json()
        assert render["status"] == "done", render
        film = (await http.get(render["result_url"], headers=bearer)).content
    with av.open(io.BytesIO(film), "r") as file:
        pictures = sum(1 for _ in file.decode(video=0))
    assert pictures == pytest.approx(render["seconds"] * 25, abs=1) and pictures > 25
