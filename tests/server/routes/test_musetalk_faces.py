# pyright: reportMissingImports=false
"""Qwen3-TTS and MuseTalk, both tiny, behind the server: to a WebRTC viewer, and into a film."""

import pytest

torch = pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
pytest.importorskip("diffusers", reason="MuseTalk needs diffusers, the rest of the program does not")

import asyncio  # noqa: E402
import io  # noqa: E402
from collections.abc import AsyncIterator  # noqa: E402

import av  # noqa: E402
import cv2  # noqa: E402
import httpx  # noqa: E402
import numpy as np  # noqa: E402
import pytest_asyncio  # noqa: E402
from aiortc import RTCPeerConnection, RTCSessionDescription  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from streaming.protocol import EVENT, Error, Event, NoticeEvent, UtteranceStarted  # noqa: E402
from streaming.speech.qwen3.package import missing  # noqa: E402
from streaming.webrtc.whep import SDP_TYPE  # noqa: E402
from tests.server.conftest import Live, serving  # noqa: E402
from tests.support.musetalk import MINI, write_folder  # noqa: E402

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}"),
    pytest.mark.asyncio(loop_scope="module"),
]

AVATAR = "mira"
TEXT = "Good morning."
PATIENCE = 90
CHANGED = 11
"""Levels by which random networks change the lower face, at least."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def showing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    """A server with both models. Its avatars get their parts while it starts."""
    from benchmarks.gpu_tts.random_weights import write_checkpoint
    from benchmarks.gpu_tts.sizes import SIZES

    talker = write_checkpoint(tmp_path_factory.mktemp("talker"), SIZES["tiny"], "custom_voice")
    weights = write_folder(tmp_path_factory.mktemp("face"), MINI)
    data = tmp_path_factory.mktemp("data")
    settings = {
        "speech": "qwen3",
        "qwen3_model": str(talker),
        "qwen3_device": "cpu",
        "face": "musetalk,atlas",
        "musetalk_folder": str(weights),
        "musetalk_device": "cpu",
    }
    async with serving(data, **settings) as server:
        await server.state.started()
        yield server


async def still(http: httpx.AsyncClient) -> NDArray[np.int16]:
    """Mira at rest, grey."""
    poster = await http.get(f"/v1/avatars/{AVATAR}/poster.webp")
    assert poster.status_code == 200, poster.text
    picture = cv2.imdecode(np.frombuffer(poster.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return cv2.resize(picture, (512, 512), interpolation=cv2.INTER_AREA).astype(np.int16)


def changed(picture: av.VideoFrame, rest: NDArray[np.int16]) -> tuple[float, float]:
    """How much the picture differs from the still around the mouth, and around the eyes, in levels."""
    difference = np.abs(picture.to_ndarray(format="gray").astype(np.int16) - rest)
    return float(difference[300:400, 190:320].mean()), float(difference[:120].mean())


async def test_what_the_card_carries_is_told(showing: Live) -> None:
    async with httpx.AsyncClient(base_url=showing.url, timeout=PATIENCE) as http:
        ready = (await http.get("/ready")).json()
        assert ready["face"] == "musetalk,atlas" and ready["speech"] == ["qwen3"]
        assert ready["card"]["decoder"] == "taesd" and ready["card"]["plan"].startswith("cpu: ")
        assert ready["max_sessions"] == ready["card"]["sessions"] >= 1
        avatars = (await http.get("/v1/avatars")).json()["avatars"]
        assert avatars and all(avatar["engines"] == ["atlas", "musetalk"] for avatar in avatars)


async def test_a_viewer_sees_the_drawn_face_and_hears_the_voice(showing: Live) -> None:
    viewer = RTCPeerConnection()
    viewer.addTransceiver("video", direction="recvonly")
    viewer.addTransceiver("audio", direction="recvonly")
    tracks = {}
    viewer.on("track", lambda track: tracks.__setitem__(track.kind, track))
    channel = viewer.createDataChannel("lipstream")
    events: asyncio.Queue[Event] = asyncio.Queue()
    channel.on("message", lambda message: events.put_nowait(EVENT.validate_json(message)))
    channel.on("open", lambda: channel.send(f'{{"type": "say", "text": "{TEXT}", "language": "en"}}'))
    await viewer.setLocalDescription(await viewer.createOffer())
    async with httpx.AsyncClient(base_url=showing.url, timeout=PATIENCE) as http:
        rest = await still(http)
        session = (await http.post("/v1/sessions", json={"avatar": AVATAR})).json()
        answer = await http.post(
            session["links"]["whep"],
            content=viewer.localDescription.sdp,
            headers={"Content-Type": SDP_TYPE, "Authorization": f"Bearer {session['token']}"},
        )
        await viewer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        async with asyncio.timeout(PATIENCE):
            before = changed(await tracks["video"].recv(), rest)
            mouth = eyes = 0.0
            while mouth < CHANGED:
                mouth, eyes = changed(await tracks["video"].recv(), rest)
            loudest = 0
            while loudest < 300:
                loudest = max(loudest, int(np.abs((await tracks["audio"].recv()).to_ndarray()).max()))
        assert before[0] < CHANGED * 0.6 and eyes < CHANGED * 0.6, "the rest of her is herself"
    told = [events.get_nowait() for _ in range(events.qsize())]
    assert any(isinstance(event, UtteranceStarted) and event.engine == "qwen3" for event in told)
    assert not [event for event in told if isinstance(event, Error | NoticeEvent)]
    await viewer.close()


async def test_a_film_is_rendered_with_both(showing: Live) -> None:
    async with httpx.AsyncClient(base_url=showing.url, timeout=PATIENCE) as http:
        rest = await still(http)
        made = (
            await http.post("/v1/renders", json={"text": TEXT, "avatar": AVATAR, "language": "en"})
        ).json()
        bearer = {"Authorization": f"Bearer {made['token']}"}
        async with asyncio.timeout(PATIENCE):
            render = made
            while render["status"] not in ("done", "failed"):
                render = (await http.get(f"/v1/renders/{made['id']}?wait=30", headers=bearer)).json()
        assert render["status"] == "done", render
        film = (await http.get(render["result_url"], headers=bearer)).content
    with av.open(io.BytesIO(film), "r") as file:
        pictures = [changed(frame, rest) for frame in file.decode(video=0)]
    assert len(pictures) == pytest.approx(render["seconds"] * 25, abs=1) and len(pictures) > 25
    drawn = [mouth > CHANGED for mouth, _ in pictures]
    assert sum(drawn) > len(pictures) / 2
    assert max(eyes for _, eyes in pictures) < CHANGED * 0.6
