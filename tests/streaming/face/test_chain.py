"""Face engines in order of preference."""

import gc
import weakref

import pytest

from streaming.errors import EngineUnavailable
from streaming.face.base import FaceRequest
from streaming.face.chain import FaceChain
from tests.support.engines import CountingFace, CountingFaceStream


class Choosy(CountingFace):
    """Shows one avatar, and none if its models are missing."""

    def __init__(self, name: str, avatar: str = "", *, broken: bool = False) -> None:
        self.name = name
        self.avatar, self.broken = avatar, broken

    async def warm_up(self) -> None:
        if self.broken:
            raise EngineUnavailable(f"{self.name} has no weights")

    def open(self, request: FaceRequest) -> CountingFaceStream:
        if request.avatar != self.avatar:
            raise EngineUnavailable(f"{request.avatar} has no part for {self.name}")
        return super().open(request)


def test_the_preferred_engine_shows_what_it_can() -> None:
    told: list[tuple[str, str, str]] = []
    chain = FaceChain([Choosy("a", "mira"), Choosy("b", "theo")])
    chain.open(FaceRequest("mira", on_news=lambda *news: told.append(news)))
    assert told == [] and chain.name == "a,b" and chain.device == "cpu"


def test_the_next_engine_takes_over_and_it_is_said() -> None:
    told: list[tuple[str, str, str]] = []
    chain = FaceChain([Choosy("a", "mira"), Choosy("b", "theo")])
    chain.open(FaceRequest("theo", on_news=lambda *news: told.append(news)))
    assert told == [("engine_fallback", "a", "b shows the face, because a cannot: theo has no part for a")]


def test_an_avatar_that_no_engine_can_show() -> None:
    with pytest.raises(EngineUnavailable, match="anna has no part for a"):
        FaceChain([Choosy("a"), Choosy("b")]).open(FaceRequest("anna"))


async def test_engines_that_cannot_run_are_left_out() -> None:
    chain = FaceChain([Choosy("a", "mira", broken=True), Choosy("b", "mira")])
    await chain.warm_up()
    assert chain.name == "b"
    assert [(name, error.message) for name, error in chain.skipped] == [("a", "a has no weights")]


async def test_what_was_half_loaded_is_not_kept_by_the_reason() -> None:
    class Half:
        pass

    halves: list[weakref.ref[Half]] = []

    class Broken(Choosy):
        async def warm_up(self) -> None:
            half = Half()
            halves.append(weakref.ref(half))
            try:
                raise ValueError("no such file")
            except ValueError as error:
                raise EngineUnavailable("weights are missing") from error

    chain = FaceChain([Broken("a"), Choosy("b", "mira")])
    await chain.warm_up()
    gc.collect()
    assert chain.skipped[0][1].message == "weights are missing" and halves[0]() is None


async def test_when_none_can_run_the_first_says_why() -> None:
    with pytest.raises(EngineUnavailable, match="a has no weights"):
        await FaceChain([Choosy("a", broken=True), Choosy("b", broken=True)]).warm_up()
    with pytest.raises(EngineUnavailable, match="at least one"):
        FaceChain([])
