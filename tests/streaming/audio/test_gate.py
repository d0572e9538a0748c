import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.audio.gate import PRE_ROLL_FRAMES, REARM_SECONDS, Heard, SpeechGate
from streaming.audio.quiet import FRAME_SAMPLES
from streaming.timing import SPEECH_RATE


def noise(seconds: float, level: float, seed: int = 1) -> np.ndarray:
    count = round(seconds * SPEECH_RATE)
    return (np.random.default_rng(seed).uniform(-1, 1, count) * level).astype(np.float32)


def scene(*parts: tuple[float, float]) -> np.ndarray:
    """Noise of these lengths in seconds and levels."""
    return np.concatenate([noise(seconds, level, seed) for seed, (seconds, level) in enumerate(parts)])


def heard_by(gate: SpeechGate, sound: np.ndarray, piece: int = 480) -> list[Heard]:
    return [h for start in range(0, sound.size, piece) for h in gate.push(sound[start : start + piece])]


def joined(heard: list[Heard]) -> list[np.ndarray]:
    """The speech as utterances."""
    utterances: list[list[np.ndarray]] = []
    for each in heard:
        if each.begins:
            utterances.append([])
        utterances[-1].append(each.samples)
    return [np.concatenate(parts) for parts in utterances]


TALK = scene((0.5, 0.001), (1.0, 0.3), (0.3, 0.001), (0.7, 0.3), (1.5, 0.001), (0.5, 0.3), (1.0, 0.001))


def test_speech_with_its_pauses_and_nothing_else_comes_through():
    first, second = joined(heard_by(SpeechGate(0.8), TALK))
    begin = round(0.5 * SPEECH_RATE)
    at = np.flatnonzero(TALK == first[0])[0]
    assert np.array_equal(TALK[at : at + first.size], first), "not a sample is missing"
    assert begin - PRE_ROLL_FRAMES * FRAME_SAMPLES <= at <= begin, "its beginning is whole"
    assert first.size / SPEECH_RATE == pytest.approx(2.0 + 0.8, abs=0.1), "it ends after the silence"
    assert second.size / SPEECH_RATE == pytest.approx(0.5 + 0.8, abs=0.1)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, TALK.size), max_size=40))
def test_however_it_is_cut_the_same_is_heard(cuts: list[int]):
    gate, heard, start = SpeechGate(0.8), [], 0
    for cut in [*sorted(cuts), TALK.size]:
        heard += gate.push(TALK[start:cut])
        start = cut
    whole = joined(SpeechGate(0.8).push(TALK))
    assert [part.tolist() for part in joined(heard)] == [part.tolist() for part in whole]


def test_a_beginning_tells_where_it_lies_in_what_was_pushed():
    gate, start = SpeechGate(1.0), 0
    for piece in (480, 313, 2400, 7) * 20:
        for heard in gate.push(TALK[start : start + piece]):
            at = start + heard.offset
            assert np.array_equal(TALK[at : at + heard.samples.size], heard.samples)
        start += piece


@pytest.mark.parametrize("level", [0.0, 0.0005, 0.005, 0.015])
def test_the_background_may_have_any_level_below_speech(level: float):
    sound = scene((1.0, level), (1.0, 0.25), (2.5, level))
    (speech,) = joined(heard_by(SpeechGate(1.0), sound))
    assert speech.size / SPEECH_RATE == pytest.approx(2.0, abs=0.2)


def test_a_click_is_not_speech():
    sound = scene((1.0, 0.001), (0.012, 0.5), (1.0, 0.001))
    assert heard_by(SpeechGate(0.5), sound) == []


def test_a_steady_loud_tone_is_not_taken_for_background():
    tone = (0.3 * np.sin(np.arange(6 * SPEECH_RATE) * 0.05)).astype(np.float32)
    gate = SpeechGate(0.5)
    heard = heard_by(gate, tone)
    assert gate.open and not any(each.ends for each in heard)


def test_after_an_interrupt_speech_that_goes_on_waits_for_a_pause():
    gate = SpeechGate(1.0)
    assert heard_by(gate, scene((0.5, 0.001), (1.0, 0.3)))
    gate.shut(rearm=True)
    assert heard_by(gate, noise(1.0, 0.3, 7)) == []
    assert heard_by(gate, scene((REARM_SECONDS + 0.1, 0.001), (0.3, 0.3)))[0].begins


def test_shut_without_an_interrupt_it_opens_again_at_once():
    gate = SpeechGate(1.0)
    heard_by(gate, scene((0.5, 0.001), (1.0, 0.3)))
    gate.shut()
    assert heard_by(gate, noise(0.2, 0.3, 7))[0].begins
