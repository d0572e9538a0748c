import gc
import threading

import pytest

from streaming.compositor.cache import SharedCache


class Value:
    def __init__(self, size=1):
        self.size = size


def _cache(most=10) -> SharedCache[Value]:
    return SharedCache(most, lambda value: value.size)


def test_many_threads_load_once():
    loads, opened = [], []
    cache = _cache()
    begin = threading.Barrier(6)

    def load():
        loads.append(1)
        return Value()

    def use():
        begin.wait()
        opened.append(cache.get("a", load))

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1 and len({id(value) for value in opened}) == 1


def test_a_long_load_holds_up_nobody_else():
    cache = _cache()
    began, go_on = threading.Event(), threading.Event()

    def slow():
        began.set()
        assert go_on.wait(10)
        return Value()

    thread = threading.Thread(target=lambda: cache.get("slow", slow))
    thread.start()
    assert began.wait(10)
    assert isinstance(cache.get("quick", Value), Value)
    go_on.set()
    thread.join()


def test_the_least_used_is_let_go_of_when_the_memory_is_full():
    cache = _cache(most=10)
    for key in "ab":
        cache.get(key, lambda: Value(5))
    cache.get("a", Value)
    cache.get("c", lambda: Value(5))
    gc.collect()
    loaded = []
    for key in "acb":
        cache.get(key, lambda key=key: loaded.append(key) or Value(0))
    assert loaded == ["b"]


def test_what_is_in_use_is_never_loaded_twice():
    cache = _cache(most=10)
    used = cache.get("used", lambda: Value(8))
    cache.get("other", lambda: Value(20))
    assert cache.get("used", Value) is used


def test_a_failure_is_told_and_forgotten():
    cache = _cache()

    def fail():
        raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        cache.get("a", fail)
    assert isinstance(cache.get("a", Value), Value)
