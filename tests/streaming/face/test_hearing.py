"""The listening face with its real network, on real speech."""

import asyncio

import numpy as np
import pytest

from streaming.face.atlas_face import AtlasFace
from streaming.face.base import FaceRequest
from streaming.face.finishing import CLOSE_LIMIT, OPEN_LIMIT
from streaming.slots import MouthShape
from streaming.speech.base import SpeechChunk, SpeechRequest
from streaming.speech.hibari import HibariEngine

RATE = 24_000
TEXT = "The happy puppy popped a paper bag. Maybe five people moved my mother's big blue boat before noon."
LONG_TEXT = (
    "Good morning, and welcome to the museum by the harbour. My name is Mira, and I am happy to help you "
    "plan your visit. The permanent exhibition opens at nine, and the last boat leaves at half past five."
)
NAMES = MouthShape.__struct_fields__


@pytest.fixture(scope="module")
def face():
    return AtlasFace()


def speak(text):
    async def pieces():
        yield text

    async def chunks():
        return [chunk async for chunk in HibariEngine().synthesize(SpeechRequest(pieces()))]

    return asyncio.run(chunks())


@pytest.fixture(scope="module")
def speech():
    return speak(TEXT)


def table(patches):
    return np.array([[getattr(patch, name) for name in NAMES] for patch in patches])


def follow(face, chunks, look_ahead_ms=80):
    stream = face.open(FaceRequest("anyone", look_ahead_ms))
    return table([patch for chunk in chunks for patch in stream.push(chunk)] + stream.flush())


def heard(face, pcm, look_ahead_ms=80):
    return follow(face, [SpeechChunk(pcm.astype(np.float32))], look_ahead_ms)


def pcm_of(chunks):
    return np.concatenate([chunk.pcm for chunk in chunks])


@pytest.mark.parametrize("gain", [1.0, 0.05, 2.5])
@pytest.mark.parametrize("look_ahead_ms", [40, 80])
def test_the_mouth_of_heard_speech_is_like_that_of_known_sounds(face, speech, gain, look_ahead_ms):
    known, listened = follow(face, speech), heard(face, pcm_of(speech) * gain, look_ahead_ms)
    assert len(known) == len(listened)
    assert np.corrcoef(known[:, 0], listened[:, 0])[0, 1] > 0.8
    assert np.corrcoef(known[:, 1], listened[:, 1])[0, 1] > 0.6
    assert 0.8 < listened[:, 0].std() / known[:, 0].std() < 1.25
    steps = np.diff(np.concatenate(([0.0], listened[:, 0], [0.0])))
    assert steps.max() <= OPEN_LIMIT + 1e-6 and steps.min() >= -CLOSE_LIMIT - 1e-6


def test_closures_are_shown(face, speech):
    listened, at, shown = heard(face, pcm_of(speech)), 0.0, []
    for chunk in speech:
        for sound in chunk.phonemes:
            if sound.symbol in "pbm":
                first, stop = int((at + sound.start) * 25) - 1, int((at + sound.end) * 25) + 2
                shown.append(bool((listened[max(0, first) : stop, 2] > 0.9).any()))
        at += len(chunk.pcm) / RATE
    assert len(shown) > 15 and np.mean(shown) >= 0.9


def test_any_cut_gives_the_same_patches(face, speech):
    pcm, rng = pcm_of(speech)[: 3 * RATE], np.random.default_rng(0)
    whole = heard(face, pcm)
    for highest in (700, 12_000):
        cuts = np.cumsum(rng.integers(1, highest, len(pcm)))
        pieces = [SpeechChunk(piece) for piece in np.split(pcm, cuts[cuts < len(pcm)])]
        np.testing.assert_allclose(follow(face, pieces), whole, atol=1e-6)


@pytest.mark.parametrize("decibels", [-200, -60, -40])
def test_nobody_speaks_and_the_mouth_rests(face, decibels):
    rng = np.random.default_rng(3)
    noise = heard(face, rng.standard_normal(8 * RATE) * 10 ** (decibels / 20))
    moved = (noise[:, 0] > 0.03) | (noise[:, 2] > 0.5) | (noise[:, 3] > 0.5) | (np.abs(noise[:, 1]) > 0.3)
    assert moved.mean() <= 0.01


def test_a_recording_that_begins_with_its_room_begins_at_rest(face, speech):
    rng = np.random.default_rng(1)
    pcm = np.concatenate((np.zeros(RATE // 2, np.float32), pcm_of(speech)[: 2 * RATE]))
    listened = heard(face, pcm + rng.standard_normal(len(pcm)) * 10 ** (-55 / 20))
    assert listened[:8, [0, 2, 3]].max() < 0.05 and listened[:, 0].max() > 0.3


def test_long_speech_is_heard_as_well_as_short(face):
    chunks = speak(LONG_TEXT)
    pcm = pcm_of(chunks)[: sum(len(chunk.pcm) for chunk in chunks) // 960 * 960]
    known, again = follow(face, chunks)[: len(pcm) // 960, 0], heard(face, np.tile(pcm, 5))[:, 0]
    first, *_, last = (np.corrcoef(known, part)[0, 1] for part in np.split(again, 5))
    assert last > first - 0.05 and last > 0.8


def test_streams_side_by_side_share_the_network_and_nothing_else(face, speech):
    one, two = pcm_of(speech)[: 2 * RATE], pcm_of(speech)[RATE : 3 * RATE]
    streams, patches = [face.open(FaceRequest("a")), face.open(FaceRequest("b"))], [[], []]
    for i in range(0, len(one), 1000):
        for stream, pcm, out in zip(streams, (one, two), patches, strict=True):
            out += stream.push(SpeechChunk(pcm[i : i + 1000]))
    for stream, pcm, out in zip(streams, (one, two), patches, strict=True):
        np.testing.assert_allclose(table(out + stream.flush()), heard(face, pcm), atol=1e-6)


async def test_warming_up_loads_the_network(speech):
    face = AtlasFace()
    await face.warm_up()
    assert len(heard(face, pcm_of(speech)[:RATE])) == 25
