import pytest
from fastapi import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from server.client import LipstreamClient
from server.routes.websocket import watch
from streaming.commands import CommandLine
from tests.server.conftest import Live

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_bug_closes_the_connection_with_its_code(live: Live, monkeypatch):
    async def broken(line: CommandLine, raw: str) -> None:
        raise RuntimeError("a bug")

    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        monkeypatch.setattr(CommandLine, "handle", broken)
        address = live.url.replace("http", "ws") + session.info.links.websocket
        async with connect(f"{address}?format=none&token={session.info.token}", proxy=None) as socket:
            await socket.send("{}")
            with pytest.raises(ConnectionClosedError) as caught:
                while True:
                    await socket.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1011
        assert (await session.get()).viewers == 0


async def test_a_viewer_that_vanishes_is_forgotten(live: Live):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect() as stream:
            assert (await session.get()).viewers == 1
            stream.socket.transport.abort()
            await stream.socket.wait_closed()
        for _ in range(100):
            if (await session.get()).viewers == 0:
                break
        assert (await session.get()).viewers == 0


async def test_a_message_too_large_ends_the_connection_and_not_the_session(live: Live):
    async with LipstreamClient(live.url) as client, await client.create_session() as session:
        async with session.connect(format="none") as stream:
            await stream.socket.send("x" * (1 << 20))
            await stream.socket.wait_closed()
            assert stream.socket.close_code == 1009
        assert (await session.get()).state == "idle"


async def test_a_viewer_that_goes_during_the_handshake_is_forgotten(still):
    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(_message) -> None:
        raise OSError("the connection is gone")

    async with still() as server:
        session = await server.state.sessions.create("mira")
        query = f"format=none&token={session.token}".encode()
        scope = {"type": "websocket", "path": "/", "query_string": query, "headers": []}
        with pytest.raises(OSError):
            await watch(WebSocket(scope, receive, send), session.id, server.state)
        assert session.viewers == 0
