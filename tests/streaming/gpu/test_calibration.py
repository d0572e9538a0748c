from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from streaming.gpu.admission import TAESD, VAE, Wish
from streaming.gpu.budget import GB, MemoryReport
from streaming.gpu.calibration import (
    REPEATS,
    Calibration,
    FaceSteps,
    SpeechSteps,
    Stopwatch,
    calibrate,
    in_words,
    measure_costs,
)

REPORT = MemoryReport(
    device="cuda", allocated=6 * GB, reserved=6 * GB, peak=7 * GB, budget=14 * GB, enforced=True
)


class Bench:
    """Steps that take their time on a clock of their own, and a device that answers later."""

    def __init__(self) -> None:
        self.time = self.queued = 0.0
        self.runs: list[str] = []

    def step(self, name: str, seconds: float, *first: float) -> Callable[[], None]:
        left = list(first)

        def run() -> None:
            self.runs.append(name)
            self.queued += left.pop(0) if left else seconds

        return run

    def synchronize(self) -> None:
        self.time += self.queued
        self.queued = 0.0

    def stopwatch(self) -> Stopwatch:
        return Stopwatch(lambda: self.time, self.synchronize)


def test_the_median_of_some_runs_counts_and_not_the_first() -> None:
    bench = Bench()
    steps = SpeechSteps({1: bench.step("speech", 0.02, 5.0, 0.01, 0.9)}, {})
    costs = measure_costs(steps, FaceSteps(), bench.stopwatch(), budget=10.0)
    assert costs.speech == {1: pytest.approx(0.02)}
    assert bench.runs == ["speech"] * (REPEATS + 1)


def test_every_kind_and_size_is_measured_within_the_time() -> None:
    bench = Bench()
    speech = SpeechSteps(
        {n: bench.step(f"speech {n}", 0.03) for n in (1, 2, 4)},
        {n: bench.step(f"codec {n}", 0.01) for n in (1, 8)},
    )
    face = FaceSteps(
        {TAESD: {n: bench.step(f"face {n}", 0.01 * n) for n in (1, 2, 4, 8)}},
        {n: bench.step(f"encoder {n}", 0.001) for n in (1, 8)},
    )
    costs = measure_costs(speech, face, bench.stopwatch())
    assert costs.face == {TAESD: {n: pytest.approx(0.01 * n) for n in (1, 2, 4, 8)}}
    assert set(costs.speech) == {1, 2, 4} and set(costs.codec) == set(costs.encoder) == {1, 8}
    assert bench.time <= 3.0


def test_batches_that_nobody_would_wait_for_are_not_measured() -> None:
    bench = Bench()
    face = FaceSteps({VAE: {n: bench.step(f"vae {n}", 0.15 * n) for n in (1, 2, 4, 8)}})
    costs = measure_costs(SpeechSteps(), face, bench.stopwatch())
    assert set(costs.face[VAE]) == {1, 2} and "vae 4" not in bench.runs


def test_a_batch_that_does_not_fit_into_memory_is_left_out() -> None:
    bench = Bench()

    def too_large() -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

    sizes = {1: bench.step("one", 0.01), 2: too_large, 4: bench.step("four", 0.01)}
    costs = measure_costs(SpeechSteps(), FaceSteps({TAESD: sizes}), bench.stopwatch())
    assert set(costs.face[TAESD]) == {1} and "four" not in bench.runs


def test_what_else_goes_wrong_is_told() -> None:
    bench = Bench()

    def broken() -> None:
        raise RuntimeError("device-side assert")

    with pytest.raises(RuntimeError, match="device-side"):
        measure_costs(SpeechSteps({1: broken}), FaceSteps(), bench.stopwatch())


def calibrated(face: float, wish: Wish | None = None) -> Calibration:
    bench = Bench()
    return calibrate(
        SpeechSteps({n: bench.step("speech", 0.02) for n in (1, 2, 4)}, {1: bench.step("codec", 0.001)}),
        FaceSteps({TAESD: {n: bench.step("face", face * n) for n in (1, 2, 4)}}),
        bench.stopwatch(),
        "Tesla T4",
        lambda: REPORT,
        wish,
    )


def test_the_plan_follows_from_what_was_measured_and_says_so_in_a_line() -> None:
    fast = calibrated(0.005, Wish(sessions=3))
    assert fast.plan.sessions == 3 and fast.plan.face_sizes == (1, 2, 4)
    assert 0 < fast.seconds <= 3.0
    assert fast.text == (
        "Tesla T4: 3 live sessions at 25 fps (as many as are asked for); load 66%; "
        "faces by taesd: 1 in 5 ms, 2 in 10 ms, 4 in 20 ms; "
        "80 ms of speech: 1 in 20 ms, 2 in 20 ms, 4 in 20 ms; "
        "6.0 GB of 14.0 on cuda, 6.0 reserved, at most 7.0"
    )
    assert "1 live session at 12.5 fps, each frame shown twice" in calibrated(0.04).text
    assert "no live sessions, files only" in calibrated(0.2).text


def test_what_does_not_fit_even_once_is_not_taken_for_free() -> None:
    bench = Bench()

    def too_large() -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

    def found(speech: dict[int, Callable[[], None]], **faces: dict[int, Callable[[], None]]) -> Calibration:
        steps = SpeechSteps(speech), FaceSteps(faces)
        return calibrate(*steps, bench.stopwatch(), "Tesla T4", lambda: REPORT, Wish(decoder=VAE))

    small, speech = bench.step("face", 0.005), {1: bench.step("speech", 0.02)}
    for made in (found(speech, taesd={1: too_large}), found({1: too_large}, taesd={1: small})):
        assert made.plan.sessions == 0 and "LIPSTREAM_GPU_MEMORY_GB" in made.text
    without_vae = found(speech, taesd={1: small, 2: small}, vae={1: too_large})
    assert without_vae.plan.sessions > 0 and without_vae.plan.decoder == TAESD


def test_a_plan_without_models_on_the_card_has_words_too() -> None:
    bench = Bench()
    nothing = calibrate(SpeechSteps(), FaceSteps(), bench.stopwatch(), "CPU", lambda: REPORT)
    assert in_words(nothing.plan, nothing.costs).startswith("64 live sessions at 25 fps")


def test_what_only_loading_took_leaves_room_for_sessions() -> None:
    bench, full = Bench(), msgspec.structs.replace(REPORT, peak=14 * GB)
    speech = SpeechSteps({1: bench.step("speech", 0.001)}, {})
    taken = calibrate(speech, FaceSteps(), bench.stopwatch(), "Tesla T4", lambda: full)
    assert taken.plan.sessions == 0
    free = msgspec.structs.replace(full, working=7 * GB)
    assert calibrate(speech, FaceSteps(), bench.stopwatch(), "T4", lambda: free).plan.sessions == 64


def test_a_calibration_crosses_to_another_process() -> None:
    made = calibrated(0.005)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Calibration) == made
