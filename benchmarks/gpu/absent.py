"""Lets the live line be imported where packages are missing that only the process of the media computes with.

A lent machine has PyTorch and little else. What speaks and draws there never calls FFmpeg; its modules are
imported all the same, by code that also knows of other speeds, recordings and films.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

PACKAGES = ("av", "hibari")
"""FFmpeg, and the English numbers of texts that hold any."""


def stand_in(names: Sequence[str] = PACKAGES) -> tuple[str, ...]:
    """Put empty packages in the place of those that are not installed.

    Returns:
        Their names.
    """
    missing = tuple(name for name in names if importlib.util.find_spec(name) is None)
    if missing:
        sys.meta_path.append(_Finder(missing))
    return missing


class _Finder(MetaPathFinder, Loader):
    def __init__(self, names: Sequence[str]) -> None:
        self._names = names

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self._names:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Empty(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Empty(ModuleType):
    """Whatever is taken from it is a class that cannot be made; an exception, so that it can be caught."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(_self: Any, *_arguments: Any, **_named: Any) -> None:
            raise ImportError(f"'{self.__name__}' is not installed; pip install {self.__name__}")

        return type(name, (Exception,), {"__init__": refuse})
