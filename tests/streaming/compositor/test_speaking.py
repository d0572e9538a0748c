import numpy as np
import pytest

from streaming.compositor.life import Life
from streaming.compositor.speaking import SILENT, SpeechMotion
from streaming.slots import MouthShape
from streaming.timing import FPS

IDLE = 4 * FPS


def talk(seconds, seed=0):
    """Speech with syllables, stresses and pauses."""
    random = np.random.default_rng(seed)
    patches, energy, left, pause = [], 0.0, 60, 0
    for _ in range(round(seconds * FPS)):
        left, pause = (left - 1, pause) if left else (0, pause + 1)
        if pause > 9:
            left, pause = int(random.integers(30, 90)), 0
        target = 0.0 if pause else float(random.uniform(0.6, 1.0))
        energy += (target - energy) * (0.5 if target > energy else 0.2)
        patches.append(MouthShape(energy=energy, brow=0.5 * (len(patches) % 40 < 6)))
    return patches


def poses(patches, seed=3):
    life = Life(seed)
    motion = SpeechMotion(life)
    return [life.pose(index, motion.follow(index, patch)) for index, patch in enumerate(patches)]


def steps(poses):
    """How far the face goes per frame in pixels; a radian moves its features by about 90."""
    motion = np.array([pose.motion[:6] for pose in poses])
    return np.abs(np.diff(motion * (1, 1, 90, 90, 75, 1), axis=0)).sum(axis=1)


def test_silence_is_idle_life_exactly():
    motion = SpeechMotion(Life(1))
    assert {motion.follow(index, None) for index in range(200)} == {SILENT}


def test_after_speech_idle_life_comes_back_exactly():
    spoken, idle = poses([*talk(3), *[None] * 8 * FPS]), poses([None] * 11 * FPS)
    assert not np.array_equal(spoken[60].motion, idle[60].motion)
    for one, other in zip(spoken[-2 * FPS :], idle[-2 * FPS :], strict=True):
        np.testing.assert_array_equal(one.motion, other.motion)
        assert one[1:] == other[1:]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("seconds", [0.4, 1.7, 8])
def test_speech_comes_and_goes_without_a_jump(seed, seconds):
    patches = talk(seconds, seed)
    path = steps(poses([*[None] * IDLE, *patches, *[None] * IDLE], seed))
    stop = IDLE + len(patches)
    turns = np.concatenate([path[IDLE - 2 : IDLE + 6], path[stop - 2 : stop + 40]])
    assert turns.max() < 2.5
    assert path.max() < 4.5


def test_speakers_move_more_than_listeners():
    idle, spoken = steps(poses([None] * 60 * FPS)), steps(poses(talk(60)))
    assert 1.8 < spoken.mean() / idle.mean() < 8


def test_speakers_blink_more_than_listeners_but_within_bounds():
    def rate(shown):
        shut = np.array([pose.closure > 0.3 for pose in shown])
        return (shut[1:] & ~shut[:-1]).sum() / (len(shown) / 60 / FPS)

    spoken = rate(poses(talk(300)))
    # Bentivoglio 1997: 26 a minute in conversation.
    assert rate(poses([None] * 300 * FPS)) + 2 < spoken < 35


def test_the_same_patches_give_the_same_life():
    one, other = poses(talk(20)), poses(talk(20))
    assert all(np.array_equal(a.motion, b.motion) and a[1:] == b[1:] for a, b in zip(one, other, strict=True))
    different = poses(talk(20), seed=4)
    assert not np.allclose(one[200].motion, different[200].motion)


def test_skipped_slots_do_not_throw_the_head():
    life = Life(3)
    motion = SpeechMotion(life)
    patches = [*[None] * 30, *talk(10), *[None] * 30]
    shown = [life.pose(i, motion.follow(i, patches[i])) for i in range(0, len(patches), 2)]
    assert steps(shown).max() < 9
    whole = poses(patches)
    apart = np.array([a.motion - b.motion for a, b in zip(shown, whole[::2], strict=True)])
    assert np.abs(np.degrees(apart[:, 2:5])).mean() < 0.8
