import numpy as np
import pytest

from streaming.face.log_mel import BANDS
from streaming.speech.base import Phoneme
from training.visemes import augment, labels, noises
from training.visemes.augment import Examples
from training.visemes.corpus import Utterance

ROWS = 200
SOUNDS = (Phoneme("_", 0.0, 0.5), Phoneme("ɑ", 0.5, 2.5, 1.0), Phoneme("_", 2.5, 3.0))


def utterance(voice: str) -> Utterance:
    rows = 300
    mel = np.full((4, rows, BANDS), -20.0, np.float16)
    mel[:, 50:250] = -2.0
    targets = labels.targets(SOUNDS, rows + 1).astype(np.float16)
    return Utterance(voice, mel, targets, labels.classes(SOUNDS, rows + 1))


def examples(seed: int = 1) -> Examples:
    return Examples([utterance("hibari_1"), utterance("af_one")], ROWS, seed)


def test_batches_have_the_shapes_that_training_needs() -> None:
    batch = examples().batch(5)
    assert batch.mel.shape == (5, ROWS, BANDS) and batch.mel.dtype == np.float32
    assert batch.targets.shape == (5, ROWS + 1, len(labels.CHANNELS))
    assert batch.classes.shape == (5, ROWS + 1)
    assert np.isfinite(batch.mel).all() and batch.targets.min() >= 0 and batch.targets.max() <= 1


def test_the_same_seed_gives_the_same_batches() -> None:
    one, two, other = (examples(seed).batch(4) for seed in (1, 1, 2))
    assert np.array_equal(one.mel, two.mel) and not np.array_equal(one.mel, other.mel)


@pytest.mark.parametrize("drawn_out", [0.0, 1.0])
def test_sound_and_labels_stay_together(monkeypatch: pytest.MonkeyPatch, drawn_out: float) -> None:
    monkeypatch.setattr(augment, "LONG_SHARE", drawn_out)
    monkeypatch.setattr(augment, "CLEAN_SHARE", 1.0)
    monkeypatch.setattr(augment, "MASK_SHARE", 0.0)
    batch = examples().batch(40)
    loud = batch.mel.mean(2) > batch.mel.mean(2).max(1, keepdims=True) - 3
    said = batch.classes[:, :ROWS] == labels.class_of("ɑ")
    assert said.any() and (loud == said)[said.any(1)].mean() > 0.97


def test_mostly_the_same_voice_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def heard_in(voice: str, bands: slice) -> Utterance:
        one = utterance(voice)
        mel = np.full_like(one.mel, -20.0)
        mel[:, 50:250, bands] = -2.0
        return Utterance(voice, mel, one.targets, one.classes)

    monkeypatch.setattr(augment, "CLEAN_SHARE", 1.0)
    monkeypatch.setattr(augment, "MASK_SHARE", 0.0)
    low, high = slice(0, BANDS // 2), slice(BANDS // 2, BANDS)
    voices = [heard_in("af_low", low), heard_in("am_high", high)]

    def share_of_both(other_speakers: float) -> float:
        monkeypatch.setattr(augment, "OTHER_SPEAKER_SHARE", other_speakers)
        loudest = [
            [mel[:, part].max() for part in (low, high)] for mel in Examples(voices, 900, 3).batch(30).mel
        ]
        return float(np.mean([abs(one - other) < 5 for one, other in loudest]))

    assert share_of_both(0.0) == 0 and share_of_both(1.0) > 0.5


def test_a_level_that_wanders_does_so_slowly() -> None:
    levels = np.log(augment._wandering(900, np.random.default_rng(1)))[:, 0]
    assert levels.std() > 0.05 and np.abs(np.diff(levels)).max() < 0.05


def test_drawn_out_vowels_are_longer_and_nothing_else_is() -> None:
    classes = np.repeat([labels.class_of(symbol) for symbol in "_mɑs_"], (40, 10, 10, 10, 400)).astype(
        np.int8
    )

    def rows_of(symbol: str, share: float) -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(augment, "LONG_SHARE", share)
            at = augment._moments(classes, 300, 1.0, np.random.default_rng(2))
        return int((classes[np.round(at).astype(int)] == labels.class_of(symbol)).sum())

    assert rows_of("ɑ", 0.0) == 10 and 15 <= rows_of("ɑ", 1.0) <= 61
    assert all(abs(rows_of(symbol, 1.0) - 10) <= 1 for symbol in "ms")


def test_noise_alone_means_a_resting_mouth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "CLEAN_SHARE", 0.0)
    monkeypatch.setattr(augment, "NOISE_ONLY_SHARE", 1.0)
    batch = examples().batch(8)
    assert (batch.classes == labels.SILENCE).all()
    assert not batch.targets[..., labels.APERTURE].any()
    assert (batch.targets[..., labels.WIDTH] == 0.5).all()


def test_noises_have_a_mean_power_of_one_and_differ() -> None:
    rng = np.random.default_rng(0)
    made = [noises.noise(120, rng) for _ in range(30)]
    assert all(power.shape == (120, BANDS) and power.min() >= 0 for power in made)
    assert [power.mean() for power in made] == pytest.approx([1.0] * 30)
    assert np.std([np.log(power + 1e-9).std() for power in made]) > 0.1
