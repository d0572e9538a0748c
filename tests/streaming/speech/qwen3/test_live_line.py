# pyright: reportMissingImports=false
"""Qwen3-TTS through the whole line: the face that listens follows it, live and in a film."""

import pytest

torch = pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")

import asyncio  # noqa: E402
import itertools  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import av  # noqa: E402
import numpy as np  # noqa: E402

from avatars.store import AvatarStore  # noqa: E402
from streaming.compositor.factory import AvatarCompositorFactory  # noqa: E402
from streaming.face.atlas_face import AtlasFace  # noqa: E402
from streaming.performer.base import PerformRequest  # noqa: E402
from streaming.performer.line import run_line  # noqa: E402
from streaming.render import RenderRequest, render  # noqa: E402
from streaming.slots import MouthShape, Notice, Slot, UtteranceKey  # noqa: E402
from streaming.speech.chain import FallbackChain  # noqa: E402
from streaming.speech.qwen3.engine import Qwen3Engine  # noqa: E402
from streaming.speech.qwen3.package import missing  # noqa: E402
from tests.support.engines import DirectPerformer  # noqa: E402
from tests.support.qwen3_engine import make_engine, pieces, shorten, sound_of, speak  # noqa: E402

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}")

TEXT = "Good morning to everybody here. It is 5 o'clock, and we begin!"
WORDS = "Good morning to everybody here It is 5 o'clock and we begin".split()


@pytest.fixture(autouse=True)
def short_sentences(monkeypatch: pytest.MonkeyPatch):
    shorten(monkeypatch, 20)


@pytest.fixture(scope="module")
def engine(checkpoint: Callable[[str], Path]) -> Qwen3Engine:
    torch.set_num_threads(1)
    engine = make_engine(checkpoint("custom_voice"))
    asyncio.run(engine.warm_up())
    return engine


async def perform(engine: Qwen3Engine, session: str, *texts: str) -> tuple[list[Slot], list[Notice]]:
    face = AtlasFace()
    await face.warm_up()
    request = PerformRequest(UtteranceKey(session, 0, 1), "mira", language="en")
    items = [item async for item in run_line(FallbackChain([engine]), face, request, pieces(*texts))]
    return [i for i in items if isinstance(i, Slot)], [i for i in items if isinstance(i, Notice)]


def mouths(slots: list[Slot]) -> list[MouthShape]:
    found = [slot.patch for slot in slots if isinstance(slot.patch, MouthShape)]
    assert len(found) == len(slots)
    return found


async def test_a_session_gets_sound_and_a_mouth_that_listens_to_it(engine: Qwen3Engine):
    slots, notices = await perform(engine, "s", *TEXT.partition("here"))
    assert [(notice.code, notice.engine) for notice in notices] == [("speech_engine", "qwen3")]
    assert [slot.index for slot in slots] == list(range(len(slots)))
    assert [word.text for slot in slots for word in slot.words] == WORDS
    played = np.concatenate([slot.samples for slot in slots])
    spoken = sound_of(await speak(engine, TEXT))
    assert 0 <= len(played) - len(spoken) < 960
    assert np.abs(played[: len(spoken)] - spoken).max() < 1e-4
    patches = mouths(slots)
    assert len({round(patch.energy, 3) for patch in patches}) > 10
    assert max(patch.energy for patch in patches) > 0.1 and patches[-1].aperture < 0.1


async def test_sessions_side_by_side_get_what_they_get_alone(engine: Qwen3Engine):
    alone, _ = await perform(engine, "s", TEXT)
    for slots, _ in await asyncio.gather(*(perform(engine, name, TEXT) for name in "abc")):
        assert len(slots) == len(alone)
        for left, right in zip(slots, alone, strict=True):
            assert np.abs(left.samples - right.samples).max() < 1e-4
        for left, right in zip(mouths(slots), mouths(alone), strict=True):
            assert left.aperture == pytest.approx(right.aperture, abs=0.02)


async def test_a_film_is_made_with_it(engine: Qwen3Engine, tmp_path: Path):
    face = AtlasFace()
    await face.warm_up()
    performer = DirectPerformer(FallbackChain([engine]), face)  # pyright: ignore[reportArgumentType]
    compositors = AvatarCompositorFactory(AvatarStore(tmp_path / "avatars"))
    path = tmp_path / "film.mp4"
    result = await render(performer, compositors, RenderRequest(TEXT, "mira", language="en"), path)
    seconds = len(sound_of(await speak(engine, TEXT))) / 24_000
    assert [word.text for word in result.words] == WORDS
    with av.open(str(path)) as film:
        pictures = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
        film.seek(0)
        sound = np.concatenate([frame.to_ndarray()[0] for frame in film.decode(audio=0)])
    assert len(pictures) == result.frames == pytest.approx(seconds * 25, abs=1)
    assert np.sqrt(np.square(sound).mean()) > 0.01
    assert max(np.abs(a.astype(int) - b.astype(int)).max() for a, b in itertools.pairwise(pictures)) > 30
