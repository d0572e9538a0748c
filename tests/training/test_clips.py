from pathlib import Path

import numpy as np

from streaming.speech.base import Phoneme
from training.visemes import clips, corpus

SOUNDS = (Phoneme("_", 0.0, 0.25), Phoneme("ɔ̃", 0.25, 0.5, 1.0), Phoneme("p", 0.5, 1.0))


def clip(name: str, split: str = clips.TRAIN) -> clips.Clip:
    pcm = clips.to_int16(np.sin(np.arange(24_000) * 0.05))
    return clips.Clip(name, split, "somebody", "fr", pcm, SOUNDS)


def test_clips_come_back_as_they_were(tmp_path: Path) -> None:
    clips.save(tmp_path, clip("one"))
    back = clips.load(clips.path_of(tmp_path, "one"))
    assert (back.name, back.split, back.voice, back.language) == ("one", "train", "somebody", "fr")
    assert back.sounds == SOUNDS and np.array_equal(back.pcm, clip("one").pcm)
    assert np.abs(back.sound).max() < 0.71


def test_unfinished_files_are_not_read(tmp_path: Path) -> None:
    clips.save(tmp_path / "a", clip("one"))
    (tmp_path / "a" / ".two.npz").write_bytes(b"half")
    assert [each.name for each in clips.load_all(tmp_path)] == ["one"]


def test_training_clips_are_heard_once_and_read_with_better_timing(tmp_path: Path) -> None:
    folder, features = tmp_path / "clips", tmp_path / "features"
    clips.save(folder, clip("one"))
    clips.save(folder, clip("two", clips.FLITE))
    corpus.prepare(folder, features)
    assert [path.name for path in features.iterdir()] == ["one.npy"]
    mel = np.load(features / "one.npy")
    assert mel.shape == (4, 160, 40) and mel.dtype == np.float16
    assert (mel[0, 10:90].mean() > mel[0, 110:].mean()) and all(
        not np.array_equal(mel[0], other) for other in mel[1:]
    )
    (plain,) = corpus.read(folder, features)
    moved = {"one": (Phoneme("_", 0.0, 0.4), Phoneme("ɔ̃", 0.4, 0.5, 1.0), SOUNDS[2])}
    (better,) = corpus.read(folder, features, moved)
    assert plain.targets.shape == (161, 7) and not np.array_equal(plain.classes, better.classes)


def test_alignments_come_back_as_they_were(tmp_path: Path) -> None:
    alignment = {"one": SOUNDS, "two": SOUNDS[:2]}
    corpus.save_alignment(tmp_path / "alignment.npz", alignment)
    assert corpus.load_alignment(tmp_path / "alignment.npz") == alignment
