import numpy as np
import pytest

from streaming.speech.qwen3.endings import Ending
from streaming.speech.qwen3.guards import (
    FRAME_SAMPLES,
    RAMP_FRAMES,
    SILENCE_FRAMES,
    Guard,
    Verdict,
    end_bias,
    frame_cap,
)

LOUD = np.full(FRAME_SAMPLES, 0.1, np.float32)
QUIET = np.full(FRAME_SAMPLES, 1e-4, np.float32)


def test_the_cap_grows_with_the_text() -> None:
    assert (frame_cap(1), frame_cap(12), frame_cap(13), frame_cap(100)) == (75, 75, 78, 600)


def test_the_end_is_asked_for_past_the_cap_and_then_forced() -> None:
    guard = Guard(1)
    guard.heard(LOUD)
    assert guard.before(75, 5) == (Verdict.GO_ON, 0.0)
    rising = [end_bias(frames, 5) for frames in range(75, 80)]
    assert rising == sorted(rising) and rising[0] == 0 < rising[1]
    assert guard.before(74 + RAMP_FRAMES, 5) == (Verdict.GO_ON, end_bias(74 + RAMP_FRAMES, 5))
    assert guard.before(75 + RAMP_FRAMES, 5)[0] is Verdict.STOP and guard.reason == "no end"
    assert guard.before(75 + RAMP_FRAMES, 100) == (Verdict.GO_ON, 0.0)


def test_a_long_silence_stops_it_and_a_pause_does_not() -> None:
    guard = Guard(1)
    for _ in range(2):
        assert guard.heard(LOUD) is Verdict.GO_ON
        assert guard.heard(np.tile(QUIET, SILENCE_FRAMES - 1)) is Verdict.GO_ON
    assert guard.heard(np.concatenate((QUIET, LOUD, QUIET))) is Verdict.GO_ON
    assert guard.heard(np.tile(QUIET, SILENCE_FRAMES - 2)) is Verdict.GO_ON
    assert guard.heard(QUIET) is Verdict.STOP
    assert guard.reason == "silence"


@pytest.mark.parametrize("wrong", ["no number", "broken", "nothing", "silence"])
def test_one_retry_with_another_seed_while_nothing_was_heard(wrong: str) -> None:
    def go_wrong(guard: Guard) -> Verdict:
        match wrong:
            case "no number":
                return guard.heard(np.full(FRAME_SAMPLES, np.nan, np.float32))
            case "broken":
                return guard.ended(Ending.BROKEN)
            case "nothing":
                return guard.ended(Ending.SPOKEN)
            case _:
                return guard.heard(np.tile(QUIET, SILENCE_FRAMES))

    guard, twin = Guard(1), Guard(1)
    assert go_wrong(guard) is Verdict.RETRY is go_wrong(twin)
    assert guard.seed == twin.seed != 1
    assert go_wrong(guard) is Verdict.STOP and guard.reason
    heard = Guard(1)
    heard.heard(LOUD)
    assert go_wrong(heard) is Verdict.STOP and heard.seed == 1


def test_what_was_said_is_over() -> None:
    guard = Guard(1)
    guard.heard(LOUD)
    for ending in (Ending.SPOKEN, Ending.CAPPED, Ending.CANCELLED, Ending.FULL):
        assert guard.ended(ending) is Verdict.STOP and not guard.reason
