import sys
from types import SimpleNamespace

import pytest

from streaming.errors import EngineUnavailable
from streaming.gpu.budget import (
    CONTEXT_GB,
    GB,
    MemoryBudget,
    is_out_of_memory,
    peak_process_bytes,
    process_bytes,
    release,
    within_card,
)


class Cuda:
    """What the budget asks a card."""

    def __init__(self, total: int) -> None:
        self.total, self.fraction, self.limited, self.emptied = total, 0.0, -1, 0
        self.most = 7 * GB

    def current_device(self) -> int:
        return 3

    def get_device_properties(self, device: object) -> SimpleNamespace:
        return SimpleNamespace(total_memory=self.total)

    def set_per_process_memory_fraction(self, fraction: float, device: int) -> None:
        # As the real one, which refuses torch.device("cuda") for want of a number.
        assert isinstance(device, int)
        self.fraction, self.limited = fraction, device

    def memory_allocated(self, device: object) -> int:
        return 5 * GB

    def memory_reserved(self, device: object) -> int:
        return 6 * GB

    def max_memory_reserved(self, device: object) -> int:
        return self.most

    def reset_peak_memory_stats(self, device: object) -> None:
        self.most = self.memory_reserved(device)

    def is_available(self) -> bool:
        return True

    def empty_cache(self) -> None:
        self.emptied += 1


def named(device: str) -> SimpleNamespace:
    """``torch.device``."""
    kind, _, number = device.partition(":")
    return SimpleNamespace(type=kind, index=int(number) if number else None)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    cuda = Cuda(80 * GB)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, device=named))
    return cuda


def test_a_budget_is_what_is_asked_for_as_far_as_the_card_goes() -> None:
    assert within_card(14.0, 80 * GB) == 14 * GB
    assert within_card(14.0, 12 * GB) == round((12 - CONTEXT_GB) * GB)


def test_the_allocator_is_told_its_share_of_the_card(cuda: Cuda) -> None:
    budget = MemoryBudget("cuda:0", 14.0)
    assert not budget.enforced
    budget.enforce()
    assert cuda.fraction == pytest.approx(14 / 80)
    report = budget.report()
    assert (report.allocated, report.reserved, report.peak, report.budget) == (
        5 * GB,
        6 * GB,
        7 * GB,
        14 * GB,
    )
    assert report.enforced and report.budget == 14 * GB
    assert report.text == "5.0 GB of 14.0 on cuda:0, 6.0 reserved, at most 7.0"


def test_what_only_loading_took_is_no_need_of_the_models(cuda: Cuda) -> None:
    """A search for the quickest kernels takes gigabytes for a moment, which sessions may have afterwards."""
    budget = MemoryBudget("cuda:0", 14.0)
    budget.enforce()
    cuda.most = 13 * GB
    assert budget.report().peak == budget.report().working == 13 * GB
    budget.settle()
    assert cuda.emptied == 1
    cuda.most = 8 * GB
    assert (budget.report().peak, budget.report().working) == (13 * GB, 8 * GB)
    MemoryBudget("cpu").settle()


@pytest.mark.parametrize(("device", "number"), [("cuda", 3), ("cuda:0", 0), ("cuda:1", 1)])
def test_the_limit_is_of_the_card_that_is_used(cuda: Cuda, device: str, number: int) -> None:
    MemoryBudget(device).enforce()
    assert cuda.limited == number


def test_a_processor_has_no_limit_and_says_so() -> None:
    budget = MemoryBudget("cpu")
    budget.enforce()
    report = budget.report()
    assert not report.enforced and report.budget == 0
    assert 0 < report.allocated <= report.peak * 1.01
    assert "no limit" in report.text and "cpu" in report.text
    assert process_bytes() > 2**20 and peak_process_bytes() > 2**20


@pytest.mark.parametrize("gigabytes", [0.0, -1.0, float("nan")])
def test_a_budget_that_holds_nothing_is_refused(gigabytes: float) -> None:
    with pytest.raises(EngineUnavailable, match="LIPSTREAM_GPU_MEMORY_GB"):
        MemoryBudget("cuda", gigabytes)


def test_a_lack_of_memory_is_known_whoever_tells() -> None:
    class OutOfMemoryError(RuntimeError):
        pass

    def caused() -> Exception:
        try:
            try:
                raise OutOfMemoryError("anything")
            except OutOfMemoryError as error:
                raise ValueError("wrapped") from error
        except ValueError as error:
            return error

    for error in (
        OutOfMemoryError("Tried to allocate"),
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: can't allocate memory"),
        caused(),
    ):
        assert is_out_of_memory(error), error
    for error in (RuntimeError("device-side assert"), ValueError("out of memory of mine")):
        assert not is_out_of_memory(error)


def test_memory_that_nobody_uses_is_given_back(cuda: Cuda, monkeypatch: pytest.MonkeyPatch) -> None:
    release()
    assert cuda.emptied == 1
    monkeypatch.delitem(sys.modules, "torch")
    release()
    assert "torch" not in sys.modules
