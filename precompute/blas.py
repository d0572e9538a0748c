"""One thread for numpy's linear algebra.

OpenBLAS shares even small systems between threads that wait for each other by spinning. On a machine whose
cores are busy otherwise, a system that takes 0.2 ms alone then takes 30 ms.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_NAMES = ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads")
"""What numpy's wheels and the distributions call the same function."""


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep OpenBLAS to one thread, in the whole process, while the block runs. Without OpenBLAS, nothing."""
    # Symbols are looked up in the module and in what it is linked with, which is where OpenBLAS is.
    library = ctypes.CDLL(np.linalg._umath_linalg.__file__)  # pyright: ignore[reportAttributeAccessIssue]
    name = next((name for name in _NAMES if hasattr(library, name.format("set"))), None)
    if name is None:
        yield
        return
    get_threads, set_threads = library[name.format("get")], library[name.format("set")]
    before = int(get_threads())
    set_threads(1)
    try:
        yield
    finally:
        set_threads(before)
