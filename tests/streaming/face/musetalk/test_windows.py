import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streaming.face.musetalk.resampling import Resampler
from streaming.face.musetalk.whisper_mel import SILENCE, WhisperMel, levelled
from streaming.face.musetalk.windows import POSITIONS, SHAPE, LookAhead, Window, Windows, WindowShape
from streaming.timing import SLOT_SAMPLES, SPEECH_RATE
from tests.support.faces import clicks, speechlike

SMALL = WindowShape(rows=120, silent=11, held=2, after=31)
NEEDED = 3203
"""Samples from a window's last frame on that it needs: 132.5 ms, and 23 for the resampler."""
Sound = NDArray[np.float32]


SOUNDS = {
    "speech": speechlike(20_000),
    "clicks": clicks(20_000),
    "silence": np.zeros(9_999, np.float32),
    "one frame": speechlike(961),
    "one sample": speechlike(1),
    "longer than a window": speechlike(50_400),
}


def _all(
    sound: Sound, cuts: list[int] | None = None, ahead: LookAhead | None = None, shape: WindowShape = SMALL
) -> list[Window]:
    windows = Windows(ahead, shape)
    made = [window for piece in np.split(sound, cuts or []) for window in windows.push(piece)]
    return made + windows.flush()


def _same(one: list[Window], other: list[Window]) -> bool:
    def numbers(window: Window) -> tuple[int, ...]:
        return window.position, window.first, window.frames, window.begin, window.end

    return len(one) == len(other) and all(
        numbers(a) == numbers(b) and np.array_equal(a.mel, b.mel) for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("name", SOUNDS)
@settings(max_examples=25)
@given(data=st.data())
def test_what_windows_hold_depends_on_the_sound_alone(name: str, data: st.DataObject) -> None:
    sound = SOUNDS[name]
    cuts = data.draw(st.lists(st.integers(0, len(sound)), max_size=20).map(sorted))
    ahead = data.draw(st.sampled_from([LookAhead(), LookAhead(3), LookAhead(4, 2)]))
    assert _same(_all(sound, cuts, ahead), _all(sound, None, ahead))


def test_single_samples_do_as_well() -> None:
    sound = SOUNDS["speech"][:7000]
    assert _same(_all(sound, list(range(1, len(sound)))), _all(sound))


@pytest.mark.parametrize("samples", [0, 1, 959, 960, 961, 2880, 3203, 4800, 20_000])
def test_every_frame_comes_once_and_in_order(samples: int) -> None:
    windows = _all(speechlike(samples))
    assert [w.first + i for w in windows for i in range(w.frames)] == list(
        range(math.ceil(samples / SLOT_SAMPLES))
    )
    assert all(w.frames == (1 if w.first == 0 else 2) for w in windows[:-1])


def test_windows_come_with_their_last_sample() -> None:
    windows, sound = Windows(shape=SMALL), speechlike(12_000)
    taken = 0
    for last in (0, 2, 4, 6):
        upto = last * SLOT_SAMPLES + NEEDED
        assert windows.push(sound[taken : upto - 1]) == []
        (window,) = windows.push(sound[upto - 1 : upto])
        assert window.first + window.frames - 1 == last
        taken = upto


def test_three_frames_are_held_back_and_the_first_of_two() -> None:
    windows, sound = Windows(shape=SMALL), speechlike(40 * SLOT_SAMPLES)
    made = 0
    missing: list[int] = []
    for frame in range(40):
        pcm = sound[frame * SLOT_SAMPLES : (frame + 1) * SLOT_SAMPLES]
        made += sum(window.frames for window in windows.push(pcm))
        missing.append(frame + 1 - made)
    assert missing == [1, 2, 3, *[3, 4] * 18, 3]


def test_windows_hold_the_mel_of_the_whole_sound_at_their_place() -> None:
    sound = SOUNDS["longer than a window"]
    rows = _whole_mel(sound)
    maxima: list[float] = []
    windows = Windows(shape=SMALL)
    for ended, made in ((False, windows.push(sound)), (True, windows.flush())):
        assert made
        for window in made:
            last = 2 * ((window.first + 1) // 2)
            known = 4 * last + 13 + (SMALL.after if ended else 0)
            begin = max(0, 4 * last + 13 + (SMALL.after if ended else SMALL.silent) - SMALL.rows)
            maxima.append(float(rows[:known].max()))
            expected = np.full((SMALL.rows, 80), SILENCE, np.float32)
            expected[: known - begin] = rows[begin:known]
            if not ended:
                expected[known - begin : known - begin + SMALL.held] = rows[known - 1]
            assert np.array_equal(window.mel.T, levelled(expected, maxima[-1]))
            assert 2 * (2 * window.first - 4 - window.begin) == begin
    assert len(set(maxima)) > 5, "the sound grows, so its maximum must have been followed"


def _whole_mel(sound: Sound) -> NDArray[np.float32]:
    padded = np.concatenate((sound, np.zeros(SPEECH_RATE, np.float32)))
    return WhisperMel().push(Resampler().push(padded))


def test_a_louder_sound_later_changes_nothing_before() -> None:
    quiet = speechlike(20_000) * np.float32(0.05)
    loud = np.concatenate((quiet[:15_000], speechlike(5_000) + np.float32(0.5)))
    before = [w for w in Windows(shape=SMALL).push(quiet) if w.first * SLOT_SAMPLES < 15_000 - 2 * NEEDED]
    after = Windows(shape=SMALL).push(loud)[: len(before)]
    assert before and _same(before, after)


def test_rows_outside_of_the_sound_are_none() -> None:
    windows = _all(speechlike(10 * SLOT_SAMPLES + 500))
    # Frame i has rows 2i-4 .. 2i+5 of the utterance.
    assert windows[0].begin == -4 and windows[1].begin == -2 and windows[2].begin == 2
    # 0.42 s are 21 rows, of which the last frame's window begins after none: all fit into one window here.
    assert windows[-1].end == 21
    assert all(w.end == SMALL.encoded for w in windows[:3])


def test_positions_are_those_of_the_utterance_and_start_anew_after_30_s() -> None:
    sound = np.tile(speechlike(SPEECH_RATE), 41)
    windows = _all(sound, list(range(0, len(sound), SPEECH_RATE)), shape=SHAPE)
    rows = np.array([2 * w.first - 4 - w.begin for w in windows])
    positions = np.array([w.position for w in windows])
    last = POSITIONS - SHAPE.encoded
    assert np.array_equal(positions, np.minimum(rows % POSITIONS, last))
    assert positions.max() == last and 0 < positions[-1] < 600
    short = np.array([w.first for w in windows]) < 100
    assert np.all(positions[short] == 0), "the beginning of a sound is where upstream has it"


def test_what_was_heard_is_forgotten() -> None:
    windows = Windows(shape=SMALL)
    for _ in range(60):
        windows.push(speechlike(SPEECH_RATE))
    assert len(windows._rows) <= SMALL.rows + 100


def test_looking_ahead_waits_longer_and_hears_more() -> None:
    sound = SOUNDS["longer than a window"]
    plain, patient = Windows(shape=SMALL).push(sound), Windows(LookAhead(6), SMALL).push(sound)
    assert len(plain) - len(patient) == 3
    assert patient[14].first == plain[14].first and patient[14].begin == plain[14].begin - 12
    assert not np.array_equal(patient[14].mel, plain[14].mel)


def test_looking_ahead_may_begin_with_no_wait() -> None:
    rising = LookAhead(3, 4)
    assert [rising.of(window) for window in range(17)] == [0] * 4 + [1] * 4 + [2] * 4 + [3] * 5
    assert [LookAhead(3).of(window) for window in range(3)] == [3, 3, 3]
    sound = SOUNDS["longer than a window"]
    first, *_ = Windows(rising, SMALL).push(sound[:NEEDED])
    assert first.first == 0
    made = Windows(rising, SMALL).push(sound)
    plain = Windows(shape=SMALL).push(sound)
    assert _same(made[:4], plain[:4])
    assert len(made) < len(plain)


def test_no_sound_no_windows() -> None:
    windows = Windows()
    assert windows.push(np.zeros(0, np.float32)) == [] and windows.flush() == []


@pytest.mark.parametrize(
    "wrong",
    [{"rows": 101}, {"silent": 10}, {"after": 30}, {"held": 12}, {"held": -1}, {"after": 9}, {"rows": 80}],
    ids=str,
)
def test_shapes_that_cannot_be_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError):
        WindowShape(**{"rows": 100, "silent": 11, "held": 2, "after": 31} | wrong)


def test_more_is_not_looked_ahead_than_windows_hold() -> None:
    Windows(LookAhead(7), SMALL)
    with pytest.raises(ValueError, match="too short"):
        Windows(LookAhead(8), SMALL)
