import itertools
import json

import numpy as np
import pytest

from benchmarks.judge.recordings import (
    ROOT,
    Recording,
    load,
    load_all,
    read_about,
    read_sound,
    save,
    write_sound,
)
from streaming.face.visemes import CONSONANTS, DIPHTHONGS, PAUSE, PRESSED, VOWELS
from streaming.timing import SPEECH_RATE

KNOWN = {*CONSONANTS, *VOWELS, *DIPHTHONGS, PAUSE}


@pytest.fixture(scope="module", params=["human", "synthetic"])
def recordings(request):
    return load_all(request.param)


def test_sounds_cover_each_recording_without_gaps(recordings):
    for said in recordings:
        edges = [(p.start, p.end) for p in said.phonemes]
        assert edges[0][0] == 0
        assert all(a[1] == pytest.approx(b[0], abs=2e-3) for a, b in itertools.pairwise(edges))
        assert edges[-1][1] == pytest.approx(len(said.pcm) / SPEECH_RATE, abs=0.05)
        assert {p.symbol for p in said.phonemes} <= KNOWN


def test_stops_are_quieter_than_the_vowels_beside_them(recordings):
    # Were the timing off by a sound, this would be about half.
    drops = []
    for said in recordings:
        for before, stop in zip(said.phonemes, said.phonemes[1:], strict=False):
            if stop.symbol in "bp" and before.symbol in {*VOWELS, *DIPHTHONGS}:
                drops.append(level(said, stop) < level(said, before))
    assert np.mean(drops) > 0.9


def level(said, sound):
    # The closure is the first part of a stop, its burst the last.
    stop = sound.start + 0.6 * (sound.end - sound.start)
    return np.square(said.pcm[int(sound.start * SPEECH_RATE) : int(stop * SPEECH_RATE)]).mean()


def test_there_is_enough_human_speech():
    human = load_all("human")
    assert sum(len(said.pcm) for said in human) > 120 * SPEECH_RATE
    assert sum(p.symbol in PRESSED for said in human for p in said.phonemes) >= 60
    speakers = {json.loads(path.read_text())["speaker"] for path in (ROOT / "human").glob("*.json")}
    assert len(speakers) >= 5


def test_synthetic_speech_comes_in_four_languages():
    assert {said.group for said in load_all("synthetic")} == {"en", "ja", "zh", "es"}


def test_synthetic_voices_are_held_out_of_training():
    training = pytest.importorskip("training.visemes.kokoro_voices", exc_type=ImportError)
    kokoro = [path.stem for path in (ROOT / "synthetic").glob("*_kokoro_*.json")]
    assert kokoro and all(any(voice in name for voice in training.HELD_OUT) for name in kokoro)


def test_sound_keeps_its_length_and_place(tmp_path):
    pcm = np.zeros(SPEECH_RATE, np.float32)
    pcm[12_000:12_240] = 0.5 * np.sin(np.arange(240) * 0.5)
    write_sound(tmp_path / "click.opus", pcm)
    back = read_sound(tmp_path / "click.opus")
    assert len(back) == len(pcm)
    energy = np.convolve(np.square(back), np.ones(240), "valid")
    assert abs(int(energy.argmax()) - 12_000) < 48


def test_what_is_saved_is_loaded(tmp_path):
    pcm = np.zeros(4_800, np.float32)
    write_sound(tmp_path / "ann_1.opus", pcm)
    sounds = [("m", 0.0, 0.1, 0.0), ("A", 0.1, 0.2, 1.0)]
    save(tmp_path / "ann_1.json", Recording('May "ü"', "en", "me", "CC0-1.0", "here", "by hand", sounds))
    said = load(tmp_path / "ann_1.json")
    assert (said.name, said.group) == ("ann_1", "ann")
    assert [(p.symbol, p.start, p.end, p.stress) for p in said.phonemes] == sounds


def test_the_words_that_the_aligner_lacks_are_kept(tmp_path):
    path = tmp_path / "ann_1.json"
    for words in ({"mak'st": "M EY K S T"}, {}):
        about = Recording("mak'st", "en", "me", "CC0-1.0", "here", "by hand", [("m", 0.0, 0.1, 0.0)], words)
        save(path, about)
        assert read_about(path) == about
