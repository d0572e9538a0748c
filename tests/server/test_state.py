import asyncio

import pytest


async def test_closing_closes_everything_whatever_breaks_on_the_way(still, monkeypatch):
    async with still() as server:
        state, closed = server.state, []

        async def broken() -> None:
            raise RuntimeError("this does not close")

        for name in ("sessions", "renders", "performer"):
            part = getattr(state, name)
            method = "close_all" if name == "sessions" else "close"
            close = getattr(part, method)

            async def noted(name: str = name, close=close) -> None:
                closed.append(name)
                await close()

            monkeypatch.setattr(part, method, noted)
        with monkeypatch.context() as patched:
            patched.setattr(state.peers, "close", broken)
            with pytest.raises(RuntimeError):
                await state.close()
        assert closed == ["sessions", "renders", "performer"]


async def test_a_warm_up_that_fails_keeps_no_performer_from_starting(still, monkeypatch):
    async with still() as server:
        state, started = server.state, asyncio.Event()

        async def broken(avatar: str) -> None:
            raise RuntimeError("no encoder")

        async def start() -> None:
            started.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(state.sessions, "warm_up", broken)
        monkeypatch.setattr(state.performer, "start", start)
        await state.start()
        async with asyncio.timeout(5):
            await started.wait()


async def test_who_waits_for_the_first_start_is_told_what_for(still, monkeypatch):
    async with still() as server:
        state, step = server.state, asyncio.Event()
        preparing, starting = asyncio.Event(), asyncio.Event()

        async def prepare(*_: object) -> None:
            preparing.set()
            await step.wait()

        async def start() -> None:
            starting.set()
            await asyncio.Event().wait()

        async def detail() -> str:
            answer = await server.http.get("/ready")
            assert answer.status_code == 503 and answer.json()["performer"] == "starting"
            return answer.json()["detail"]

        monkeypatch.setattr("server.state.build_missing_parts", prepare)
        monkeypatch.setattr(type(state.performer), "ready", property(lambda _: False))
        monkeypatch.setattr(state.performer, "start", start)
        await state.start()
        async with asyncio.timeout(5):
            await preparing.wait()
            assert "Avatars are prepared" in await detail()
            step.set()
            await starting.wait()
            assert "Engines are loaded" in await detail()
