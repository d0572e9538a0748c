"""The colour behind an avatar that has no background, for one session."""

from pathlib import Path

import numpy as np
import pytest

from streaming.compositor.colours import colour
from streaming.compositor.planes import frame_planes
from tests.support.transparent import photo_bundle


@pytest.fixture
def avatars(tmp_path: Path) -> Path:
    root = tmp_path / "avatars"
    photo_bundle(root, "tess")
    photo_bundle(root, "fred", "video")
    return root


def _corner(server, session_id: str) -> int:
    session = server.state.sessions.get(session_id)
    frame = session._stage._compositor.compose(0, None)
    return int(np.median(frame_planes(frame).y[:4, :4]))


async def test_a_session_has_its_colour_and_keeps_it(still, avatars):
    async with still() as server:
        made = await server.http.post("/v1/sessions", json={"avatar": "tess", "background": "#00ff00"})
        assert made.status_code == 201, made.text
        session = made.json()["id"]
        assert _corner(server, session) == colour("lime")[0]
        path, owner = f"/v1/sessions/{session}", {"Authorization": f"Bearer {made.json()['token']}"}
        for avatar in ("mira", "tess"):
            changed = await server.http.put(f"{path}/avatar", json={"avatar": avatar}, headers=owner)
            assert changed.status_code == 200, changed.text
        live = server.state.sessions.get(session)
        assert live.avatar == "tess"
        reopened = live._open_compositor("tess").compose(0, None)
        assert int(frame_planes(reopened).y[1, 1]) == colour("lime")[0]


async def test_without_a_colour_it_is_light_grey(still, avatars):
    async with still() as server:
        for body in ({"avatar": "tess"}, {"avatar": "tess", "background": "default"}):
            made = await server.http.post("/v1/sessions", json=body)
            assert _corner(server, made.json()["id"]) == colour(None)[0]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"background": "white"}, 422, "transparent background"),
        ({"avatar": "fred", "background": "white"}, 422, "transparent background"),
        ({"avatar": "tess", "background": "whitish"}, 422, "#e9ebee"),
        ({"avatar": "nobody", "background": "white"}, 404, "nobody"),
    ],
)
async def test_a_colour_that_cannot_be_shown_is_refused(still, avatars, body, status, words):
    async with still() as server:
        answer = await server.http.post("/v1/sessions", json=body)
        assert answer.status_code == status
        assert words in answer.json()["detail"]
        if status == 422:
            assert answer.json()["code"] == "background_rejected"
        assert server.state.sessions.all() == []
