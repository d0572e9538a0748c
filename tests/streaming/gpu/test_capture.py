# pyright: reportMissingImports=false
"""Steps as graphs."""

import gc
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="graphs need PyTorch, the rest of the program does not")

from streaming.gpu.capture import WARM_UPS, capture, graph_pool  # noqa: E402


def test_without_cuda_a_step_is_run_once_and_stays_as_it_is() -> None:
    device, runs = torch.device("cpu"), []
    step = capture(lambda: runs.append(1), device, graph_pool(device))
    assert len(runs) == 1
    step()
    assert len(runs) == 2


class Stream:
    """A stream that is waited for by nobody."""

    def wait_stream(self, other: "Stream") -> None:
        pass


class Cuda:
    """What a capture asks of PyTorch; knows which stream work was given to, and whether it was captured."""

    def __init__(self) -> None:
        self.current, self.capturing = Stream(), False
        self.Stream, self.device = Stream, lambda _: nullcontext()
        self.CUDAGraph = lambda: SimpleNamespace(replay=lambda: None)
        self.seen: list[tuple[Stream, bool, bool]] = []

    def graph_pool_handle(self) -> object:
        return object()

    def current_stream(self) -> Stream:
        return self.current

    @contextmanager
    def stream(self, stream: Stream) -> Generator[None]:
        before, self.current = self.current, stream
        yield
        self.current = before

    @contextmanager
    def graph(self, graph: Any, *, pool: Any, stream: Stream, capture_error_mode: str) -> Generator[None]:
        with self.stream(stream):
            self.capturing = True
            try:
                yield
            finally:
                self.capturing = False

    def work(self) -> None:
        self.seen.append((self.current, self.capturing, gc.isenabled()))


def test_each_model_is_captured_on_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropping one model's graphs frees what matrix products on that stream work in."""
    cuda, device = Cuda(), SimpleNamespace(type="cuda")
    monkeypatch.setattr("streaming.gpu.capture.torch", SimpleNamespace(cuda=cuda))
    speech, faces = graph_pool(device), graph_pool(device)
    assert speech is not None and faces is not None and speech.handle is not faces.handle
    for pool in (speech, speech, faces):
        capture(cuda.work, device, pool)
    streams = [stream for stream, _, _ in cuda.seen]
    once = WARM_UPS + 1
    assert set(streams[: 2 * once]) == {speech.stream} and set(streams[2 * once :]) == {faces.stream}
    assert speech.stream is not faces.stream and cuda.current not in streams
    assert [captured for _, captured, _ in cuda.seen] == ([False] * WARM_UPS + [True]) * 3


def test_no_garbage_is_collected_while_a_graph_is_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda, device = Cuda(), SimpleNamespace(type="cuda")
    monkeypatch.setattr("streaming.gpu.capture.torch", SimpleNamespace(cuda=cuda))
    capture(cuda.work, device, graph_pool(device))
    assert [collecting for _, captured, collecting in cuda.seen if captured] == [False]
    assert gc.isenabled()

    def fail() -> None:
        if cuda.capturing:
            raise MemoryError

    with pytest.raises(MemoryError):
        capture(fail, device, graph_pool(device))
    assert gc.isenabled()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_graph_does_what_its_step_does() -> None:
    device = torch.device("cuda")
    given, made = torch.ones(4, device=device), torch.zeros(4, device=device)
    step = capture(lambda: made.copy_(given * 2), device, graph_pool(device))
    given.fill_(21.0)
    step()
    assert made.tolist() == [42.0] * 4
