from collections.abc import AsyncGenerator

import msgspec
import numpy as np
import pytest

from streaming.performer.base import PerformRequest
from streaming.performer.line import run_line
from streaming.slots import Slot, UtteranceKey, Word
from streaming.speech.base import Phoneme, SpeechChunk
from streaming.speech.delivery import LONGEST_PAUSE, MOST_PAUSES, Delivery, delivered
from streaming.speech.limiter import CEILING
from tests.support.engines import CountingFace, RampSpeech

RATE = 24_000


def hum(seconds: float, level: float = 0.4) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 200 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def pitch_of(pcm: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(pcm * np.hanning(len(pcm))))) * RATE / len(pcm))


async def source(*chunks: SpeechChunk) -> AsyncGenerator[SpeechChunk, None]:
    for chunk in chunks:
        yield chunk


async def heard(delivery: Delivery, *chunks: SpeechChunk) -> list[SpeechChunk]:
    return [chunk async for chunk in delivered(source(*chunks), delivery)]


def timed(seconds: float) -> SpeechChunk:
    return SpeechChunk(hum(seconds), (Phoneme("a", 0.0, seconds),), (Word("a", 0.0, seconds, 0, 1),))


async def test_another_pitch_keeps_every_timed_chunk_as_long_as_it_was():
    chunks = await heard(Delivery(pitch=5), timed(0.5), timed(0.8))
    assert [len(chunk.pcm) for chunk in chunks] == [12_000, 19_200]
    assert chunks[1].phonemes == timed(0.8).phonemes and chunks[1].words == timed(0.8).words
    assert pitch_of(chunks[1].pcm) == pytest.approx(200 * 2 ** (5 / 12), rel=0.02)


async def test_untimed_chunks_flow_and_lose_nothing():
    parts = [SpeechChunk(part, final_of_clause=False) for part in np.split(hum(1.0), [1920, 3840, 9000])]
    chunks = await heard(Delivery(pitch=-4), *parts)
    whole = np.concatenate([chunk.pcm for chunk in chunks])
    assert len(whole) == RATE and len(chunks) == 5 and 0 < len(chunks[1].pcm)
    assert pitch_of(whole[4000:20_000]) == pytest.approx(200 * 2 ** (-4 / 12), rel=0.02)


async def test_louder_is_bent_and_never_clipped_and_the_source_stays_as_it_was():
    chunk = timed(0.2)
    (loud,) = await heard(Delivery(volume=2.0), chunk)
    assert 0.75 < np.abs(loud.pcm).max() <= CEILING and np.abs(chunk.pcm).max() < 0.41
    (soft,) = await heard(Delivery(volume=0.5), chunk)
    np.testing.assert_allclose(soft.pcm, chunk.pcm / 2)


async def test_pauses_stand_between_sentences_only():
    within = SpeechChunk(hum(0.1), final_of_clause=False)
    chunks = await heard(Delivery(pause=0.5), timed(0.2), within, timed(0.3))
    assert [len(chunk.pcm) / RATE for chunk in chunks] == [0.2, 0.5, 0.1, 0.3]
    assert not chunks[1].pcm.any() and [(p.symbol, p.end) for p in chunks[1].phonemes] == [("_", 0.5)]


@pytest.mark.parametrize("wrong", [{"pitch": 13}, {"volume": -0.1}, {"pause": 6}])
def test_what_is_out_of_range_does_not_cross_to_the_performer(wrong: dict[str, float]):
    request = PerformRequest(UtteranceKey("s", 0, 1), "mira", delivery=Delivery(**wrong))
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(request), type=PerformRequest)


async def test_the_line_delivers_what_was_asked_for():
    async def text():
        yield "one two"

    sizes = []
    for delivery in (Delivery(), Delivery(pause=0.4)):
        request = PerformRequest(UtteranceKey("s", 0, 1), "mira", delivery=delivery)
        items = [item async for item in run_line(RampSpeech(), CountingFace(), request, text())]
        sizes.append(sum(isinstance(item, Slot) for item in items))
    assert sizes[1] - sizes[0] == 10


async def test_pauses_of_many_short_sentences_do_not_add_up_for_ever():
    count = round(MOST_PAUSES / LONGEST_PAUSE) + 20
    chunks = await heard(Delivery(pause=LONGEST_PAUSE), *[timed(0.1)] * count)
    assert sum(len(chunk.pcm) for chunk in chunks) == round((MOST_PAUSES + count * 0.1) * RATE)
    assert sum(bool(chunk.words) for chunk in chunks) == count
