from __future__ import annotations

import weakref
from collections.abc import Callable

import pytest

from streaming.errors import EngineFailed, EngineUnavailable, LipstreamError
from streaming.gpu import loading
from streaming.gpu.loading import load_or_clear


class Network:
    """Stands for what takes the card's memory."""


def unreadable(cause: Exception) -> Exception:
    error = EngineUnavailable("The weights are damaged. Fetch them again.")
    error.__cause__ = cause
    return error


def test_what_can_be_loaded_is_returned() -> None:
    assert load_or_clear("a model", lambda: 7) == 7


@pytest.mark.parametrize(
    ("made", "kind", "said"),
    [
        (unreadable, EngineUnavailable, "weights are damaged"),
        (lambda cause: cause, EngineFailed, "a model cannot be loaded: no such file"),
    ],
)
def test_what_was_half_loaded_is_gone_before_memory_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
    made: Callable[[Exception], Exception],
    kind: type[LipstreamError],
    said: str,
) -> None:
    networks: list[weakref.ref[Network]] = []
    left: list[object] = []
    release = loading.release
    monkeypatch.setattr(loading, "release", lambda: left.extend((release(), networks[0]())))

    def load() -> None:
        network = Network()
        networks.append(weakref.ref(network))
        raise made(ValueError("no such file"))

    with pytest.raises(kind, match=said):
        load_or_clear("a model", load)
    assert left == [None, None]
