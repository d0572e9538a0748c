"""What sessions share: loaded once, and kept for a while after its last use."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Shared = TypeVar("Shared")


class SharedCache(Generic[Shared]):
    """Safe to use from several threads, which wait for nothing but what they want themselves.

    Args:
        most_bytes: what is kept beside that which somebody uses; the last one used always is.
        size: of a value in bytes.
    """

    def __init__(self, most_bytes: int, size: Callable[[Shared], int]) -> None:
        self._most_bytes = most_bytes
        self._size = size
        self._lock = threading.Lock()
        self._loading: dict[Hashable, Future[Shared]] = {}
        self._kept: OrderedDict[Hashable, Shared] = OrderedDict()
        # What was let go of is found again as long as a session shows it.
        self._alive: weakref.WeakValueDictionary[Hashable, Shared] = weakref.WeakValueDictionary()

    def get(self, key: Hashable, load: Callable[[], Shared]) -> Shared:
        """The value of a key, loaded if nobody has it; raises what ``load`` raises, and then forgets it."""
        with self._lock:
            found = self._alive.get(key)
            if found is not None:
                self._keep(key, found)
                return found
            loading = self._loading.get(key)
            first = loading is None
            if loading is None:
                loading = self._loading[key] = Future()
        if not first:
            return loading.result()
        try:
            value = load()
        except BaseException as error:
            with self._lock:
                del self._loading[key]
            loading.set_exception(error)
            raise
        with self._lock:
            del self._loading[key]
            self._keep(key, value)
        loading.set_result(value)
        return value

    def _keep(self, key: Hashable, value: Shared) -> None:
        self._alive[key] = self._kept[key] = value
        self._kept.move_to_end(key)
        total = sum(self._size(kept) for kept in self._kept.values())
        while total > self._most_bytes and len(self._kept) > 1:
            total -= self._size(self._kept.popitem(last=False)[1])
