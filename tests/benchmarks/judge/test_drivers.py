import numpy as np
import pytest

from benchmarks.judge.drivers import FACE, LOUDNESS, LoudnessMouthStream, open_driver, patches_of
from benchmarks.judge.utterances import Utterance
from streaming.speech.base import Phoneme, SpeechChunk
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE

TONE = (0.3 * np.sin(np.arange(SPEECH_RATE) * 0.2)).astype(np.float32)


def burst(frames, first, stop, samples=0):
    pcm = np.zeros(frames * SLOT_SAMPLES + samples, np.float32)
    pcm[first * SLOT_SAMPLES : stop * SLOT_SAMPLES] = TONE[: (stop - first) * SLOT_SAMPLES]
    return pcm


def test_the_baseline_opens_where_it_is_loud():
    stream = LoudnessMouthStream()
    patches = stream.push(SpeechChunk(burst(20, 8, 12))) + stream.flush()
    opened = [patch.aperture for patch in patches]
    assert len(opened) == 20
    assert min(opened[8:11]) > 0.5
    assert max(opened[:6] + opened[14:]) == 0


def test_the_baseline_does_not_depend_on_how_sound_comes():
    pcm = burst(20, 3, 12, samples=123)
    whole = LoudnessMouthStream()
    expected = whole.push(SpeechChunk(pcm)) + whole.flush()
    pieces = LoudnessMouthStream()
    got = [patch for i in range(0, len(pcm), 777) for patch in pieces.push(SpeechChunk(pcm[i : i + 777]))]
    assert got + pieces.flush() == expected
    assert len(expected) == 21


def test_quiet_speakers_open_as_wide_as_loud_ones():
    loud, quiet = (
        patches_of(LoudnessMouthStream, Utterance("", "", burst(20, 0, 20) * gain), timed=False)
        for gain in (1.0, 0.2)
    )
    assert quiet[10].aperture == pytest.approx(loud[10].aperture, abs=0.02)


def test_the_face_is_told_the_sounds_only_when_it_may_be():
    sounds = (Phoneme("_", 0, 0.2), Phoneme("m", 0.2, 0.4), Phoneme("ɑ", 0.4, 0.8, 1.0))
    said = Utterance("", "", burst(20, 5, 20), sounds)
    told = patches_of(open_driver(FACE, "mira"), said, timed=True)
    assert len(told) == 20
    assert max(patch.press for patch in told[5:10]) == 1
    baseline = patches_of(open_driver(LOUDNESS, "mira"), said, timed=True)
    assert max(patch.press for patch in baseline) == 0
