"""The one thread that everything on the card runs on.

CUDA graphs want their capture undisturbed and one card computes one thing at a time anyway: so a single
thread makes a step of this model, then one of that, as :mod:`streaming.gpu.schedule` says. It runs as long as
there is something to do, and rests until somebody calls :meth:`ComputeThread.look`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import structlog

from streaming.clock import Clock, SystemClock
from streaming.errors import EngineFailed
from streaming.gpu.roster import Roster
from streaming.gpu.work import Work

log = structlog.get_logger(__name__)

T = TypeVar("T")


class ComputeThread:
    """Steps the work of all models of a process. Its methods may be called on any thread.

    Args:
        clock: of the process.
        name: of the thread.
    """

    def __init__(self, clock: Clock | None = None, name: str = "compute") -> None:
        self.clock: Clock = clock or SystemClock()
        self._roster = Roster(self.clock)
        # Of one thread: it begins with the first task, and what is asked for meanwhile queues up.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._lock = threading.Lock()
        self._running = self._news = self._closed = False

    def add(self, work: Work) -> None:
        """Step this from now on."""
        self.call(lambda: self._roster.add(work))

    def remove(self, work: Work) -> None:
        """Step this no more."""
        self.call(lambda: self._roster.remove(work))

    def look(self) -> None:
        """Make the thread look around: something has changed."""
        with self._lock:
            self._news = True
            if self._running or self._closed:
                return
            self._running = True
            self._executor.submit(self._run)

    def call(self, function: Callable[[], T]) -> Future[T]:
        """Have a function run on the thread, before the next step: loading, capture, measuring.

        Never wait for the result on the thread itself.

        Raises:
            EngineFailed: the thread is closed.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise EngineFailed("The models are being shut down.")
            self._calls.append((future, function))
        self.look()
        return future

    def settled(self) -> Future[None]:
        """Done once the thread has run out of work."""
        return self._executor.submit(lambda: None)

    def close(self) -> None:
        """Finish the step that runs, and stop; calls that have not begun are cancelled.

        Idempotent; not to be called on the thread itself.
        """
        with self._lock:
            self._closed = True
            calls, self._calls = self._calls, deque()
        for future, _ in calls:
            future.cancel()
        self._executor.shutdown(wait=True)

    def _run(self) -> None:
        try:
            self._work_off()
        except BaseException:
            # Nobody asks for the result of this; the next who calls finds the thread at rest.
            log.exception("compute thread stumbled")
            with self._lock:
                self._running = False
                left = bool(self._calls)
            if left:
                self.look()

    def _work_off(self) -> None:
        while True:
            with self._lock:
                self._news = False
                closed, call = self._closed, self._calls.popleft() if self._calls else None
            if call is not None:
                _answer(*call)
                continue
            busy = not closed and self._roster.turn()
            with self._lock:
                if self._closed or (not busy and not self._news and not self._calls):
                    self._running = False
                    return


def _answer(future: Future[Any], function: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(function())
    except BaseException as error:
        # Whoever asked for it is told, the thread goes on.
        future.set_exception(error)
