# pyright: reportMissingImports=false
"""The engines of a performer together; with PyTorch, a tiny talker and tiny faces beside each other."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from streaming.clock import SystemClock
from streaming.errors import EngineUnavailable
from streaming.face.musetalk.options import MuseTalkOptions
from streaming.options import EngineOptions
from streaming.performer.base import PerformRequest
from streaming.performer.engines import Engines
from streaming.performer.line import run_line
from streaming.resources import Resources
from streaming.script import Piece
from streaming.slots import FacePixels, MouthShape, Notice, Slot, UtteranceKey
from streaming.speech.qwen3.options import Qwen3Options

pytestmark = pytest.mark.asyncio(loop_scope="module")
needs_torch = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("torch", "diffusers", "qwen_tts")),
    reason="both models need PyTorch, the rest of the program does not",
)

TEXT = "Good morning to everybody here."


async def pieces(text: str) -> AsyncIterator[Piece]:
    yield text


async def perform(engines: Engines, request: PerformRequest) -> tuple[list[Slot], list[Notice]]:
    line = run_line(engines.speech, engines.face, request, pieces(TEXT), SystemClock())
    items = [item async for item in line]
    return [i for i in items if isinstance(i, Slot)], [i for i in items if isinstance(i, Notice)]


def asked(session: str = "s", avatar: str = "mira", **changes) -> PerformRequest:
    return PerformRequest(UtteranceKey(session, 0, 1), avatar, language="en", **changes)


async def test_embedded_engines_share_no_card() -> None:
    engines = Engines("hibari", "atlas", Resources())
    await engines.warm_up()
    assert (engines.device, engines.sessions, engines.describe_card()) == ("cpu", None, None)
    await engines.unload()
    slots, _ = await perform(engines, asked())
    assert slots and all(isinstance(slot.patch, MouthShape) for slot in slots)


async def test_a_face_that_is_not_there_leaves_the_next_one(tmp_path: Path) -> None:
    options = EngineOptions(musetalk=MuseTalkOptions(folder=str(tmp_path)))
    engines = Engines("hibari", "musetalk,atlas", Resources(tmp_path, options))
    await engines.warm_up()
    assert engines.face.name == "atlas" and engines.face.skipped[0][0] == "musetalk"
    with pytest.raises(EngineUnavailable):
        alone = Engines("hibari", "musetalk", Resources(tmp_path, options))
        await alone.warm_up()


@needs_torch
async def test_a_face_whose_device_is_not_there_leaves_the_next_one(tmp_path: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a card")
    options = EngineOptions(musetalk=MuseTalkOptions(device="cuda"))
    engines = Engines("hibari", "musetalk,atlas", Resources(tmp_path, options))
    await engines.warm_up()
    assert engines.face.name == "atlas" and engines.describe_card() is None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def together(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engines]:
    """Tiny Qwen3-TTS and tiny MuseTalk on one compute thread."""
    import torch

    from benchmarks.gpu_tts.random_weights import write_checkpoint
    from benchmarks.gpu_tts.sizes import SIZES
    from tests.support.faces import resources_of
    from tests.support.musetalk import MINI, write_folder
    from tests.support.qwen3_engine import shorten

    torch.set_num_threads(1)
    checkpoint = write_checkpoint(tmp_path_factory.mktemp("talker"), SIZES["tiny"], "custom_voice")
    weights = write_folder(tmp_path_factory.mktemp("face"), MINI)
    talker = Qwen3Options(model=str(checkpoint), device="cpu", sessions=3)
    resources = resources_of(weights, tmp_path_factory.mktemp("data"), qwen3=talker)
    engines = Engines("qwen3", "musetalk,atlas", resources)
    await engines.warm_up()
    with pytest.MonkeyPatch.context() as patched:
        # Random weights babble on and on.
        shorten(patched, 12)
        yield engines
    await asyncio.to_thread(resources.compute.close)


@needs_torch
async def test_both_models_are_measured_and_it_is_said(together: Engines) -> None:
    card = together.describe_card()
    assert card is not None and together.sessions == card.sessions >= 1
    assert card.decoder == "taesd" and card.frame_rate in (12.5, 25)
    assert "cpu: " in card.plan and "80 ms of speech" in card.plan and "faces by taesd" in card.plan
    assert card.memory_bytes > 0 and card.memory_budget_bytes == 0


@needs_torch
async def test_a_session_speaks_with_a_drawn_face(together: Engines) -> None:
    slots, notices = await perform(together, asked(pace="offline"))
    assert [(notice.code, notice.engine) for notice in notices] == [("speech_engine", "qwen3")]
    assert [slot.index for slot in slots] == list(range(len(slots))) and len(slots) > 20
    assert all(isinstance(slot.patch, FacePixels) for slot in slots)
    drawn = [slot.patch.pixels for slot in slots if isinstance(slot.patch, FacePixels) and slot.patch.pixels]
    assert len(set(drawn)) > len(slots) // 2, "it moves"
    assert np.abs(np.concatenate([slot.samples for slot in slots])).max() > 0.01


@needs_torch
async def test_sessions_side_by_side_get_what_they_get_alone(together: Engines) -> None:
    alone, _ = await perform(together, asked(pace="offline"))
    for slots, _ in await asyncio.gather(*(perform(together, asked(name, pace="offline")) for name in "abc")):
        assert len(slots) == len(alone)
        for left, right in zip(slots, alone, strict=True):
            assert np.abs(left.samples - right.samples).max() < 1e-4
            assert isinstance(left.patch, FacePixels) and isinstance(right.patch, FacePixels)
            one, other = (
                np.frombuffer(patch.pixels, np.uint8).astype(int) for patch in (left.patch, right.patch)
            )
            assert one.shape == other.shape and (not one.size or np.abs(one - other).max() <= 2)


@needs_torch
async def test_an_avatar_that_cannot_be_drawn_falls_back_and_says_so(together: Engines) -> None:
    slots, notices = await perform(together, asked(avatar="theo", pace="offline"))
    assert all(isinstance(slot.patch, MouthShape) for slot in slots)
    (fallback,) = [notice for notice in notices if notice.code == "engine_fallback"]
    assert fallback.engine == "musetalk" and "lipstream avatar rebuild theo" in fallback.message


@needs_torch
async def test_both_leave_the_card_and_come_back(together: Engines) -> None:
    before, _ = await perform(together, asked(pace="offline"))
    await together.unload()
    after, _ = await perform(together, asked(pace="offline"))
    assert [slot.pcm for slot in after] == [slot.pcm for slot in before]
    assert together.describe_card() is not None
