import asyncio

import numpy as np
import pytest

from streaming.audio.feed import PIECE_SECONDS, WAITING_SECONDS, SoundFeed
from streaming.errors import ScriptRejected
from streaming.script import samples_of
from streaming.timing import SPEECH_RATE
from tests.support.clock import settle

SOUND = np.random.default_rng(3).uniform(-0.5, 0.5, 3 * SPEECH_RATE + 17).astype(np.float32)
SECOND = SOUND[:SPEECH_RATE]


async def taken(feed: SoundFeed) -> list[np.ndarray]:
    return [samples_of(piece) async for piece in feed.pieces()]


@pytest.mark.parametrize("size", [1, 480, 7_001, SOUND.size])
async def test_the_sound_comes_out_as_it_went_in_however_it_is_cut(size: int):
    feed, sound = SoundFeed(), SOUND[: min(SOUND.size, 2_000 * size)]
    taking = asyncio.create_task(taken(feed))
    for start in range(0, sound.size, size):
        assert await feed.push(sound[start : start + size])
    feed.finish()
    pieces = await taking
    assert np.array_equal(np.concatenate(pieces), sound)
    assert {piece.size for piece in pieces[:-1]} <= {round(PIECE_SECONDS * SPEECH_RATE)}
    assert feed.seconds == sound.size / SPEECH_RATE


async def test_it_is_passed_on_before_its_end():
    feed = SoundFeed()
    pieces = feed.pieces()
    await feed.push(SECOND)
    assert samples_of(await anext(pieces)).size == round(PIECE_SECONDS * SPEECH_RATE)
    await pieces.aclose()


async def test_a_sender_waits_while_the_renderer_has_enough():
    feed, pushed = SoundFeed(), 0

    async def send() -> None:
        nonlocal pushed
        while await feed.push(SECOND):
            pushed += 1

    sending = asyncio.create_task(send())
    await settle()
    assert pushed == WAITING_SECONDS - 1
    pieces = feed.pieces()
    for _ in range(10):
        await anext(pieces)
    await settle()
    assert pushed == WAITING_SECONDS + 1, "two seconds were taken"
    feed.close()
    await sending
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


async def test_what_is_too_long_is_taken_as_far_as_it_fits():
    feed = SoundFeed(max_seconds=1.5)
    assert await feed.push(SECOND)
    assert not await feed.push(SECOND)
    assert (feed.overflowed, feed.complete) == (True, True)
    assert not await feed.push(SECOND)
    assert np.concatenate(await taken(feed)).size == 1.5 * SPEECH_RATE


async def test_one_that_is_just_as_long_as_it_may_be_has_not_overflowed():
    feed = SoundFeed(max_seconds=1.0)
    assert await feed.push(SECOND)
    assert await feed.push(SECOND[:0])
    assert not feed.overflowed


async def test_the_renderer_is_told_why_a_feed_was_closed():
    feed = SoundFeed()
    await feed.push(SECOND)
    waiting = asyncio.create_task(taken(feed))
    await settle()
    feed.close(ScriptRejected("The sound holds NaN."))
    with pytest.raises(ScriptRejected, match="NaN"):
        await waiting
