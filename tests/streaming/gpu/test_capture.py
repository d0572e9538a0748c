# pyright: reportMissingImports=false
"""Steps as graphs."""

import pytest

torch = pytest.importorskip("torch", reason="graphs need PyTorch, the rest of the program does not")

from streaming.gpu.capture import capture, graph_pool  # noqa: E402


def test_without_cuda_a_step_is_run_once_and_stays_as_it_is() -> None:
    device, runs = torch.device("cpu"), []
    step = capture(lambda: runs.append(1), device, graph_pool(device))
    assert len(runs) == 1
    step()
    assert len(runs) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_graph_does_what_its_step_does() -> None:
    device = torch.device("cuda")
    given, made = torch.ones(4, device=device), torch.zeros(4, device=device)
    step = capture(lambda: made.copy_(given * 2), device, graph_pool(device))
    given.fill_(21.0)
    step()
    assert made.tolist() == [42.0] * 4
