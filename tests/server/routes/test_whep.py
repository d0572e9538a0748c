import asyncio

import httpx
import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription

from server.peers import Peers
from server.settings import Settings
from streaming.protocol import EVENT, UtteranceEnded
from streaming.session import MAX_SINKS
from streaming.webrtc.whep import FRAGMENT_TYPE, SDP_TYPE
from tests.server.conftest import API_KEY, Live

live_only = pytest.mark.asyncio(loop_scope="session")


async def offer() -> tuple[RTCPeerConnection, str]:
    viewer = RTCPeerConnection()
    viewer.addTransceiver("video", direction="recvonly")
    viewer.addTransceiver("audio", direction="recvonly")
    viewer.createDataChannel("lipstream")
    await viewer.setLocalDescription(await viewer.createOffer())
    return viewer, viewer.localDescription.sdp


@live_only
async def test_a_plain_player_sees_and_hears_and_its_session_ends_with_it(live: Live):
    viewer, sdp = await offer()
    tracks = {}
    viewer.on("track", lambda track: tracks.__setitem__(track.kind, track))
    async with httpx.AsyncClient(base_url=live.url) as http:
        before = {session.id for session in live.state.sessions.all()}
        answer = await http.post("/v1/whep?avatar=theo", content=sdp, headers={"Content-Type": SDP_TYPE})
        assert answer.status_code == 201, answer.text
        assert answer.headers["content-type"].startswith(SDP_TYPE)
        assert answer.headers["accept-patch"] == FRAGMENT_TYPE
        assert answer.headers["etag"].startswith('"')
        (made,) = {session.id for session in live.state.sessions.all()} - before
        assert live.state.sessions.get(made).avatar == "theo"
        await viewer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        async with asyncio.timeout(20):
            picture = await tracks["video"].recv()
            sound = await tracks["audio"].recv()
        assert (picture.width, picture.height) == (512, 512)
        assert sound.sample_rate == 48_000
        assert (await http.delete(answer.headers["location"])).status_code == 200
        assert (await http.delete(answer.headers["location"])).status_code == 404
    await viewer.close()
    await live.state.peers.settled()
    assert made not in {session.id for session in live.state.sessions.all()}


@live_only
async def test_a_viewer_of_a_session_hears_of_it_over_the_data_channel(live: Live):
    viewer = RTCPeerConnection()
    viewer.addTransceiver("video", direction="recvonly")
    viewer.addTransceiver("audio", direction="recvonly")
    channel = viewer.createDataChannel("lipstream")
    events: asyncio.Queue[str] = asyncio.Queue()
    channel.on("message", events.put_nowait)
    channel.on("open", lambda: channel.send('{"type": "say", "text": "Hello!"}'))
    await viewer.setLocalDescription(await viewer.createOffer())
    async with httpx.AsyncClient(base_url=live.url) as http:
        session = (await http.post("/v1/sessions")).json()
        bearer = {"Authorization": f"Bearer {session['token']}"}
        answer = await http.post(
            session["links"]["whep"],
            content=viewer.localDescription.sdp,
            headers={"Content-Type": SDP_TYPE} | bearer,
        )
        assert answer.headers["location"].startswith(session["links"]["whep"] + "/")
        await viewer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        async with asyncio.timeout(20):
            while not isinstance(event := EVENT.validate_json(await events.get()), UtteranceEnded):
                pass
        assert event.reason == "completed"
        wrong = answer.headers["location"].replace(session["id"], "another")
        assert (await http.delete(wrong)).status_code == 404
        assert (await http.delete(answer.headers["location"])).status_code == 200
        seen = await http.get(session["links"]["self"], headers=bearer)
        assert seen.json()["viewers"] == 0
    await viewer.close()


async def test_refusals(still):
    async with still() as server:
        http = server.http
        for body, media_type, status, code in [
            ("v=0", "text/plain", 415, "unsupported_media_type"),
            ("v=0", SDP_TYPE, 422, "offer_rejected"),
            (b"\xff\xff", SDP_TYPE, 400, "bad_request"),
        ]:
            answer = await http.post("/v1/whep", content=body, headers={"Content-Type": media_type})
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        metrics = (await http.get("/metrics")).text
        assert "lipstream_sessions_opened_total 0.0" in metrics, "a refused offer takes nobody's place"


async def test_options_say_what_is_taken(still):
    async with still(api_key=API_KEY) as server:
        for path in ("/v1/whep", "/v1/sessions/any/whep"):
            answer = await server.http.options(path)
            assert answer.status_code == 204
            assert answer.headers["accept-post"] == SDP_TYPE


async def test_candidates_may_follow_and_ice_servers_are_told(still):
    viewer, sdp = await offer()
    turn = {"urls": ["turn:127.0.0.1:9?transport=udp"], "username": "u", "credential": "c"}
    async with still(ice_servers=[turn]) as server:
        # This side would wait five seconds for a server that is not there.
        server.state.peers = Peers(server.state.sessions, Settings(_env_file=None))  # pyright: ignore[reportCallIssue]
        headers = {"Content-Type": SDP_TYPE}
        answer = await server.http.post("/v1/whep", content=sdp, headers=headers)
        assert answer.headers["link"].startswith('<turn:127.0.0.1:9?transport=udp>; rel="ice-server"')
        location = answer.headers["location"]
        fragment = "a=mid:0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n"
        headers = {"Content-Type": FRAGMENT_TYPE}
        assert (await server.http.patch(location, content=fragment, headers=headers)).status_code == 204
        stale = await server.http.patch(location, content=fragment, headers=headers | {"If-Match": '"old"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
        wrong = await server.http.patch(location, content=fragment, headers={"Content-Type": "text/plain"})
        assert wrong.status_code == 415
        broken = await server.http.patch(location, content="a=candidate:1", headers=headers)
        assert (broken.status_code, broken.json()["code"]) == (422, "offer_rejected")
    await viewer.close()


async def test_offers_that_come_at_once_do_not_pass_the_limit_of_viewers(still):
    viewer, sdp = await offer()
    async with still() as server:
        session = (await server.http.post("/v1/sessions")).json()
        headers = {"Content-Type": SDP_TYPE, "Authorization": f"Bearer {session['token']}"}
        path = session["links"]["whep"]
        answers = await asyncio.gather(
            *(server.http.post(path, content=sdp, headers=headers) for _ in range(MAX_SINKS + 2))
        )
        refused = [answer for answer in answers if answer.status_code != 201]
        assert [(one.status_code, one.json()["code"]) for one in refused] == [(503, "capacity_reached")] * 2
        assert all(one.headers["retry-after"].isdecimal() for one in refused)
        await server.http.delete(next(one for one in answers if one.is_success).headers["location"])
        assert (await server.http.post(path, content=sdp, headers=headers)).status_code == 201
    await viewer.close()
