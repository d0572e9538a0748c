import importlib
import sys

import pytest

from benchmarks.gpu.absent import stand_in

NAME = "a_package_that_nobody_has"


@pytest.fixture(autouse=True)
def undone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    yield
    for name in [name for name in sys.modules if name.startswith(NAME)]:
        del sys.modules[name]


def test_what_is_not_there_can_be_imported_and_not_used() -> None:
    assert stand_in((NAME, "json")) == (NAME,)
    error = importlib.import_module(f"{NAME}.error").SomeError
    with pytest.raises(ImportError, match=NAME):
        importlib.import_module(NAME).Graph("anything")
    try:
        raise ValueError("something else")
    except (error, ValueError) as caught:
        assert isinstance(caught, ValueError)


def test_where_all_is_there_nothing_changes() -> None:
    before = list(sys.meta_path)
    assert stand_in(("json", "email")) == () and sys.meta_path == before
