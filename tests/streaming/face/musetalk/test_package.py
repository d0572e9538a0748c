import importlib.metadata

import pytest

from streaming.errors import EngineUnavailable
from streaming.face.musetalk import package


def test_what_is_not_installed_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "diffusers":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert package.missing() == ("diffusers",)
    with pytest.raises(EngineUnavailable, match=r"needs diffusers: pip install \"lipstream\[musetalk\]\""):
        package.import_classes()


def test_without_pytorch_no_place_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "missing", lambda: ("torch",))
    with pytest.raises(EngineUnavailable, match="needs PyTorch"):
        package.find_face_placement()


@pytest.mark.parametrize(
    ("device", "capability", "dtype"),
    [
        ("cuda", (6, 1), "float32"),
        ("cuda", (7, 5), "float16"),
        ("cuda:1", (9, 0), "float16"),
        ("cuda", None, "float32"),
        ("mps", None, "float32"),
        ("cpu", None, "float32"),
    ],
)
def test_precision_follows_from_the_card(device: str, capability: tuple[int, int], dtype: str) -> None:
    assert package.dtype_for_faces(device, capability) == dtype


def test_a_precision_that_is_asked_for_is_used() -> None:
    pytest.importorskip("torch", reason="MuseTalk needs PyTorch, the rest of the program does not")
    assert package.find_face_placement("cpu").dtype == "float32"
    assert package.find_face_placement("cpu", "float16").dtype == "float16"
