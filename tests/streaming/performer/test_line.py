import numpy as np
import pytest

from streaming.errors import LipstreamError, ScriptRejected
from streaming.performer.base import PerformRequest
from streaming.performer.line import run_line
from streaming.slots import Notice, Slot, UtteranceKey
from tests.support.engines import CountingFace, RampSpeech, slots_for

REQUEST = PerformRequest(UtteranceKey("s", 0, 1), avatar="mira")


async def pieces(*texts: str):
    for text in texts:
        yield text


async def perform(request: PerformRequest, *texts: str):
    return [item async for item in run_line(RampSpeech(), CountingFace(), request, pieces(*texts))]


async def test_slots_carry_every_sample_patch_and_word_once():
    items = await perform(REQUEST, "one two", " three")
    assert items[0] == Notice(REQUEST.key, "speech_engine", "ramp")
    slots = [item for item in items if isinstance(item, Slot)]
    assert len(slots) == slots_for(3)
    samples = np.concatenate([slot.samples for slot in slots])
    spoken = 3 * 5040
    assert np.array_equal(samples[:spoken], np.arange(spoken, dtype=np.float32))
    assert [slot.patch.aperture for slot in slots] == [i / 100 for i in range(len(slots))]
    assert [word.text for slot in slots for word in slot.words] == ["one", "two", "three"]


async def test_nothing_to_say_is_refused():
    with pytest.raises(ScriptRejected):
        await perform(REQUEST, "   ")


async def test_the_engine_may_refuse_before_it_starts():
    with pytest.raises(LipstreamError, match="es is not spoken"):
        await perform(PerformRequest(REQUEST.key, "mira", language="es"), "hola")
