# pyright: reportMissingImports=false
import pytest

from streaming.errors import EngineUnavailable
from streaming.gpu.placement import Placement, dtype_for, find_placement, first_device


@pytest.mark.parametrize(
    ("device", "capability", "dtype"),
    [
        ("cuda", (7, 5), "float16"),
        ("cuda:1", (7, 0), "float16"),
        ("cuda", (8, 0), "bfloat16"),
        ("cuda", (8, 9), "bfloat16"),
        ("cuda", (9, 0), "bfloat16"),
        ("cpu", None, "float32"),
        ("mps", None, "float32"),
    ],
)
def test_precision_follows_compute_capability(
    device: str, capability: tuple[int, int] | None, dtype: str
) -> None:
    assert dtype_for(device, capability) == dtype


def test_a_card_goes_before_the_cpu() -> None:
    assert [first_device(*there) for there in ((True, True), (False, True), (False, False))] == [
        "cuda",
        "mps",
        "cpu",
    ]


def test_settings_decide() -> None:
    torch = pytest.importorskip("torch", reason="Qwen3-TTS needs PyTorch, the rest of the program does not")
    assert find_placement("cpu") == Placement("cpu", "float32", text_embedding_on_cpu=False)
    assert find_placement("cpu", "bfloat16").torch_dtype is torch.bfloat16
    with pytest.raises(EngineUnavailable, match="Unknown device 'tpu'"):
        find_placement("tpu")
    with pytest.raises(EngineUnavailable, match="Unknown precision 'int8'"):
        find_placement("cpu", "int8")
    if not torch.cuda.is_available():
        with pytest.raises(EngineUnavailable, match="no device 'cuda:0'"):
            find_placement("cuda:0")
