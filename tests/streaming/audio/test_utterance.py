import asyncio

import numpy as np
import pytest

from streaming.audio.utterance import FILLER, PIECE_SAMPLES, SMALL_PIECE_SAMPLES, SoundUtterance
from streaming.audio.waiting import MAX_WAITING_SECONDS, OWN_WAITING_SECONDS, WaitingRoom
from streaming.errors import UnknownUtterance
from streaming.script import piece_of, samples_of
from streaming.slots import MouthShape, Slot, UtteranceKey
from streaming.timing import LOOK_AHEAD_MS, SLOT_SAMPLES, SPEECH_RATE

KEY = UtteranceKey("s", 0, 1)
TONE = (0.4 * np.cos(np.arange(4 * SLOT_SAMPLES) * 0.02)).astype(np.float32)


def make(room: WaitingRoom | None = None) -> SoundUtterance:
    return SoundUtterance("u1", KEY, 0.0, room or WaitingRoom())


def slot(index: int) -> Slot:
    part = TONE[index * SLOT_SAMPLES : (index + 1) * SLOT_SAMPLES]
    return Slot(KEY, index, piece_of(part), MouthShape(aperture=0.1 * index))


async def test_sound_comes_out_as_it_was_written_in_small_pieces():
    utterance = make()
    utterance.write(TONE[:10])
    utterance.write(np.tile(TONE[10:], 3))
    utterance.finish()
    pieces = [samples_of(piece) async for piece in utterance.script() if isinstance(piece, bytes)]
    assert np.array_equal(np.concatenate(pieces), np.concatenate((TONE[:10], np.tile(TONE[10:], 3))))
    assert max(piece.size for piece in pieces) <= PIECE_SAMPLES
    with pytest.raises(UnknownUtterance):
        utterance.write(TONE)


async def test_tiny_pieces_are_joined_while_they_wait():
    utterance = make()
    for sample in TONE[:1000]:
        utterance.write(np.array([sample]))
    assert utterance.waiting == 1000
    utterance.finish()
    pieces = [samples_of(piece) async for piece in utterance.script() if isinstance(piece, bytes)]
    assert np.array_equal(np.concatenate(pieces), TONE[:1000])
    assert len(pieces) == -(-1000 // SMALL_PIECE_SAMPLES)


def test_the_performer_is_asked_for_a_face_that_listens():
    request = make().request("mira")
    assert (request.kind, request.avatar, request.look_ahead_ms) == ("audio", "mira", LOOK_AHEAD_MS)


async def test_slots_in_a_row_are_left_alone():
    utterance = make()
    for index in range(3):
        await utterance.put(slot(index))
    assert [utterance.take() for _ in range(3)] == [slot(0), slot(1), slot(2)]


async def test_sound_that_is_late_fades_out_and_comes_back_softly():
    utterance = make()
    await utterance.put(slot(0))
    first, fade, nothing = (utterance.take() for _ in range(3))
    assert first == slot(0) and nothing is None
    assert fade is not None and fade.index == FILLER and fade.patch == slot(0).patch
    assert fade.samples[0] == TONE[SLOT_SAMPLES - 1] and not fade.samples[200:].any()
    await utterance.put(slot(1))
    back = utterance.take()
    assert back is not None and back.patch == slot(1).patch and back.samples[0] == 0
    assert np.array_equal(back.samples[200:], slot(1).samples[200:])


async def test_the_end_is_no_gap():
    utterance = make()
    await utterance.put(slot(0))
    utterance.received()
    assert utterance.take() == slot(0)
    assert utterance.take() is None and utterance.exhausted


async def test_much_waits_in_all_and_a_little_of_each():
    room = WaitingRoom()
    big, small = make(room), make(room)
    second = np.zeros(SPEECH_RATE, np.float32)
    for _ in range(round(MAX_WAITING_SECONDS)):
        await asyncio.wait_for(big.room(), 1)
        big.write(second)
    waiting = asyncio.create_task(big.room())
    for _ in range(round(OWN_WAITING_SECONDS)):
        await asyncio.wait_for(small.room(), 1)
        small.write(second)
    await asyncio.sleep(0)
    assert not waiting.done() and room.samples == big.waiting + small.waiting
    script = big.script()
    # What the smaller one has is beyond the bound, too.
    for _ in range(3 * SPEECH_RATE // PIECE_SAMPLES):
        await anext(script)
    await asyncio.wait_for(waiting, 1)
    big.received()
    small.received()
    assert room.samples == 0


async def test_who_waits_for_room_is_let_go_when_nothing_more_is_wanted():
    room = WaitingRoom()
    utterance = make(room)
    utterance.write(np.zeros(round(MAX_WAITING_SECONDS * SPEECH_RATE), np.float32))
    waiting = asyncio.create_task(utterance.room())
    await asyncio.sleep(0)
    utterance.received()
    await asyncio.wait_for(waiting, 1)
