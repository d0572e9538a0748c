import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.errors import EngineUnavailable
from streaming.face.atlas_face import AtlasFace, AtlasFaceStream
from streaming.face.base import FaceRequest
from streaming.face.finishing import CLOSE_LIMIT, OPEN_LIMIT
from streaming.slots import MouthShape
from streaming.speech.base import Phoneme, SpeechChunk, SpeechRequest
from streaming.speech.hibari import HibariEngine

RATE = 24_000
SENTENCES = (
    "The happy puppy popped the paper bag. Bob put the big box by the baby's bed.",
    "Maybe five people moved the blue bottle; never mind, my mom came from Philadelphia.",
    "A comfortable home for every member of the family, above all.",
)


def chunk_of(parts, seed=0):
    """A chunk of noise with these (symbol, seconds) sounds."""
    out, at = [], 0.0
    for symbol, seconds in parts:
        out.append(Phoneme(symbol, at, at + seconds, 1.0 if symbol in "ɑO" else 0.0))
        at += seconds
    count = round(at * RATE)
    out[-1] = Phoneme(out[-1].symbol, out[-1].start, count / RATE, out[-1].stress)
    pcm = np.random.default_rng(seed).standard_normal(count).astype(np.float32) * 0.1
    return SpeechChunk(pcm, out)


def joined(chunks):
    out, at = [], 0
    for chunk in chunks:
        shift = at / RATE
        out += [Phoneme(p.symbol, p.start + shift, p.end + shift, p.stress) for p in chunk.phonemes]
        at += len(chunk.pcm)
    return SpeechChunk(np.concatenate([c.pcm for c in chunks]), out)


def follow(chunks):
    stream = AtlasFace().open(FaceRequest("anyone"))
    patches = []
    for chunk in chunks:
        patches += stream.push(chunk)
    return patches + stream.flush()


def table(patches):
    names = MouthShape.__struct_fields__
    return np.array([[getattr(patch, name) for name in names] for patch in patches]).reshape(-1, len(names))


def check(patches, chunks):
    whole = joined(chunks)
    assert len(patches) == math.ceil(len(whole.pcm) / 960)
    values = table(patches)
    assert values[:, [0, 2, 3, 4, 5, 6]].min() >= 0.0 and values.max() <= 1.0 and values[:, 1].min() >= -1.0
    steps = np.diff(np.concatenate(([0.0], values[:, 0], [0.0])))
    assert steps.max() <= OPEN_LIMIT + 1e-9 and steps.min() >= -CLOSE_LIMIT - 1e-9
    assert values[values[:, 2] > 0.5, 0].max(initial=0.0) < 0.1
    return values, whole


@pytest.fixture(scope="module")
def engine():
    return HibariEngine()


async def speak(engine, text):
    async def pieces():
        yield text

    return [chunk async for chunk in engine.synthesize(SpeechRequest(pieces()))]


@pytest.mark.parametrize("text", SENTENCES)
async def test_real_speech_reaches_every_closure(engine, text):
    chunks = await speak(engine, text)
    values, whole = check(follow(chunks), chunks)
    for sound in whole.phonemes:
        frames = values[max(0, int(sound.start * 25) - 1) : int(sound.end * 25) + 2]
        if sound.symbol in "pbm":
            assert ((frames[:, 0] < 0.02) & (frames[:, 2] >= 0.9)).any(), sound
        if sound.symbol in "fv":
            assert (frames[:, 3] >= 0.8).any(), sound
    assert np.median(values[:, 0]) > 0.1 and values[:, 0].max() > 0.5
    assert np.abs(values[-1, :5]).max() < 0.05


async def test_pieces_give_the_same_frames_as_the_whole(engine):
    chunks = await speak(engine, " ".join(SENTENCES))
    assert len(chunks) > 2
    np.testing.assert_allclose(table(follow(chunks)), table(follow([joined(chunks)])), atol=1e-6)


async def test_little_is_held_back(engine):
    chunks = await speak(engine, SENTENCES[0])
    stream, samples, made = AtlasFace().open(FaceRequest("anyone")), 0, 0
    for chunk in chunks:
        made += len(stream.push(chunk))
        samples += len(chunk.pcm)
        assert samples // 960 - made <= stream.look_ahead == 4


SOUNDS = st.tuples(
    st.sampled_from(["_", "p", "b", "m", "f", "v", "ɑ", "O", "i", "u", "t", "ð", "w", "?", "h"]),
    st.floats(0.012, 0.25),
)


@given(st.lists(st.lists(SOUNDS, min_size=1, max_size=6), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_any_sounds_in_any_pieces(parts):
    chunks = [chunk_of(part, seed) for seed, part in enumerate(parts)]
    patches = follow(chunks)
    check(patches, chunks)
    np.testing.assert_allclose(table(patches), table(follow([joined(chunks)])), atol=1e-6)


def test_jaw_waits_for_what_may_close_it():
    open_end = chunk_of([("t", 0.1), ("ɑ", 0.5)])
    closing = chunk_of([("b", 0.1), ("_", 0.2)])
    patches = follow([open_end, closing])
    check(patches, [open_end, closing])
    assert max(p.aperture for p in patches) > 0.6


def test_abrupt_ends_come_to_rest():
    patches = follow([chunk_of([("ɑ", 0.6)])])
    check(patches, [chunk_of([("ɑ", 0.6)])])
    assert patches[-1].aperture <= CLOSE_LIMIT


def test_speech_without_phonemes_needs_the_network():
    def missing():
        raise EngineUnavailable("no network here")

    stream = AtlasFaceStream(missing)
    assert stream.push(SpeechChunk(np.zeros(0, np.float32))) == []
    with pytest.raises(EngineUnavailable, match="no network"):
        stream.push(SpeechChunk(np.zeros(960, np.float32)))
    chunk = chunk_of([("ɑ", 0.5)])
    assert len(stream.push(chunk) + stream.flush()) == 13


def test_flush_without_speech_is_empty():
    assert AtlasFace().open(FaceRequest("anyone")).flush() == []


def test_frames_vary_smoothly():
    values = table(follow([chunk_of([("ɑ", 0.12), ("i", 0.12), ("u", 0.12)] * 4)]))
    assert max(abs(b - a) for a, b in itertools.pairwise(values[:, 1])) <= 0.45 + 1e-9
