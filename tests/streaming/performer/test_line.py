import numpy as np
import pytest

from streaming.errors import LipstreamError, ScriptRejected
from streaming.performer.base import PerformRequest
from streaming.performer.line import run_line
from streaming.script import piece_of
from streaming.slots import Notice, Slot, UtteranceKey
from tests.support.engines import CountingFace, RampSpeech, slots_for

REQUEST = PerformRequest(UtteranceKey("s", 0, 1), avatar="mira")


async def pieces(*pieces: str | bytes):
    for piece in pieces:
        yield piece


async def perform(request: PerformRequest, *script: str | bytes):
    return [item async for item in run_line(RampSpeech(), CountingFace(), request, pieces(*script))]


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


AUDIO = PerformRequest(REQUEST.key, "mira", kind="audio")


async def test_a_script_of_sound_comes_out_as_it_went_in():
    sound = np.random.default_rng(1).uniform(-1, 1, 5000).astype(np.float32)
    items = await perform(AUDIO, piece_of(sound[:1]), piece_of(sound[1:2900]), piece_of(sound[2900:]))
    assert items[0] == Notice(REQUEST.key, "speech_engine", "audio")
    slots = [item for item in items if isinstance(item, Slot)]
    assert len(slots) == 6
    played = np.concatenate([slot.samples for slot in slots])
    assert np.array_equal(played[:5000], sound) and not played[5000:].any()


@pytest.mark.parametrize(("request_", "piece"), [(AUDIO, "words"), (REQUEST, b"\0\0\0\0")])
async def test_a_script_is_of_one_kind(request_: PerformRequest, piece: str | bytes):
    with pytest.raises(ScriptRejected, match="This script is"):
        await perform(request_, piece)


async def test_empty_sound_is_refused():
    with pytest.raises(ScriptRejected, match="audio is empty"):
        await perform(AUDIO)
