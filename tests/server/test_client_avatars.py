from pathlib import Path

import pytest

from avatars.store import AvatarStore
from server.client import ApiError, LipstreamClient, MediaPacket
from streaming.protocol import UtteranceEnded
from tests.server.conftest import Live
from tests.support.whole_avatars import archive_of, members, whole_bundle

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_avatar_is_handed_on_taken_in_and_deleted(live: Live, tmp_path: Path):
    async with LipstreamClient(live.url) as client:
        path = await client.export_avatar("mira", tmp_path / "mira.lipstream")
        assert "atlas.npz" in members(path.read_bytes())
        taken = await client.import_avatar(path, "client-mira")
        assert taken.id == "client-mira" and not taken.builtin
        assert "client-mira" in {avatar.id for avatar in await client.avatars()}
        with pytest.raises(ApiError) as refused:
            await client.import_avatar(path.read_bytes(), "client-mira")
        assert (refused.value.status, refused.value.code) == (409, "avatar_exists")
        await client.delete_avatar("client-mira")
        for call in (
            client.delete_avatar("client-mira"),
            client.export_avatar("client-mira", tmp_path / "none"),
        ):
            with pytest.raises(ApiError) as refused:
                await call
            assert refused.value.code == "avatar_not_found"
        assert not (tmp_path / "none").exists()
        with pytest.raises(ApiError) as refused:
            await client.import_avatar_from(f"{live.url}/v1/avatars/mira/bundle", "loop")
        assert refused.value.code == "fetch_refused", "this machine is no address of the internet"


async def test_sessions_that_show_a_deleted_avatar_go_on(live: Live, tmp_path: Path):
    whole_bundle(tmp_path, "gone")
    async with LipstreamClient(live.url) as client:
        await client.import_avatar(archive_of(AvatarStore(tmp_path), "gone"))
        async with await client.create_session("gone") as session, session.connect() as stream:
            await session.say("Hello.")
            await client.delete_avatar("gone")
            assert "gone" not in {avatar.id for avatar in await client.avatars()}
            await session.say("I am still here.")
            ended: list[str] = []
            pictures = 0
            async for message in stream:
                if isinstance(message, UtteranceEnded):
                    ended.append(message.reason)
                elif isinstance(message, MediaPacket) and len(ended) == 2:
                    pictures += message.kind == "video"
                    if pictures == 5:
                        break
            assert ended == ["completed", "completed"]
        with pytest.raises(ApiError) as refused:
            await client.create_session("gone")
        assert refused.value.code == "avatar_not_found"
