"""Two folders change places in one step, where the system can do that."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

AT_FDCWD = -100
RENAME_EXCHANGE = 2
"""Linux, ``linux/fs.h``."""
RENAME_SWAP = 2
"""macOS, ``sys/stdio.h``."""

_CANNOT = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM})
"""What file systems that do not know the exchange answer."""


def exchange(first: Path, second: Path) -> bool:
    """Let two folders of one file system change places, so that nobody meets a moment without either.

    Returns:
        Whether it was done: ``False`` where the system or the file system has no such step.

    Raises:
        FileNotFoundError: one of them is gone.
        OSError: it is refused.
    """
    swap = _swap()
    if swap is None:
        return False
    if swap(os.fsencode(first), os.fsencode(second)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(first), None, str(second))


@cache
def _swap() -> Callable[[bytes, bytes], int] | None:
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform.startswith("linux"):
            call = library.renameat2
            call.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
            return lambda one, other: call(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)
        if sys.platform == "darwin":
            call = library.renamex_np
            call.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
            return lambda one, other: call(one, other, RENAME_SWAP)
    except (OSError, AttributeError, TypeError):
        # No C library of this name, or one that is older than the call.
        return None
    return None
