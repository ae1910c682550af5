"""One thread that writes for everybody: appends that wait at the same time share one transaction.

What is acknowledged was committed. Knows nothing of what is written.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from gtm.errors import StoreError

T = TypeVar("T")

Outcome = bool | Exception
"""Of an append: written, not written because somebody was first, or failed."""

MAX_BATCH = 500
"""Appends of one transaction: it takes a few milliseconds."""

WAIT_SECONDS = 60.0
"""Longest wait for the database before the caller is told."""


Row = tuple[str, int, str, str]
"""Branch, number, turn and changes."""


@dataclass(frozen=True, slots=True)
class _Append:
    row: Row
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[bool]"


@dataclass(frozen=True, slots=True)
class _Job:
    run: Callable[[], None]


class Writer:
    """The thread.

    Args:
        commit: writes rows in one transaction; what became of each.
    """

    def __init__(self, commit: Callable[[Sequence[Row]], Sequence[Outcome]]) -> None:
        self._commit = commit
        self._queue: SimpleQueue[_Append | _Job] = SimpleQueue()
        self._closed = False
        self._ending = False
        self.commits = 0
        """Transactions that held appends."""
        self.appended = 0
        """Rows they wrote."""
        self.conflicts = 0
        """Rows that somebody else had written."""
        self._thread = threading.Thread(target=self._run, name="gtm-store", daemon=True)
        self._thread.start()

    def append(self, row: Row) -> "asyncio.Future[bool]":
        """Write a row: whether it was written, or somebody was first. From a coroutine."""
        self._check()
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._queue.put(_Append(row, loop, future))
        return future

    def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a function in the thread and wait for it."""
        self._check()
        done: Future[T] = Future()

        def job() -> None:
            try:
                done.set_result(function(*arguments))
            except BaseException as error:
                done.set_exception(error)

        self._queue.put(_Job(job))
        try:
            return done.result(WAIT_SECONDS)
        except TimeoutError:
            raise StoreError(f"the store did not answer for {WAIT_SECONDS:g} s; see that it runs") from None

    def post(self, function: Callable[..., object], *arguments: Any) -> None:
        """Run a function in the thread; nobody is told how it went."""

        def job() -> None:
            with contextlib.suppress(Exception):
                function(*arguments)

        self._queue.put(_Job(job))

    def close(self) -> None:
        """Write what waits and end the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(_Job(self._end))
            self._thread.join()

    def _end(self) -> None:
        self._ending = True

    def _check(self) -> None:
        if self._closed:
            raise StoreError("the store is closed; open it again")

    def _run(self) -> None:
        item: _Append | _Job | None = self._queue.get()
        while item is not None:
            if isinstance(item, _Job):
                item.run()
                item = None
            else:
                item = self._write_all(item)
            if item is None and not self._ending:
                item = self._queue.get()

    def _write_all(self, first: _Append) -> "_Append | _Job | None":
        """Write all that waits; what came next and was left."""
        appends: list[_Append] = []
        item: _Append | _Job | None = first
        while isinstance(item, _Append) and len(appends) < MAX_BATCH:
            appends.append(item)
            try:
                item = self._queue.get_nowait()
            except Empty:
                item = None
        self._write(appends)
        return item

    def _write(self, appends: Sequence[_Append]) -> None:
        try:
            outcomes = self._commit([append.row for append in appends])
        except Exception as error:
            # Whatever it is, everybody who waits is told, and the next ones are written.
            outcomes = [error] * len(appends)
        self.commits += 1
        told: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[bool], Outcome]]] = {}
        for append, outcome in zip(appends, outcomes, strict=True):
            self.appended += outcome is True
            self.conflicts += outcome is False
            told.setdefault(append.loop, []).append((append.future, outcome))
        for loop, pairs in told.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_tell, pairs)


def _tell(pairs: Sequence[tuple["asyncio.Future[bool]", Outcome]]) -> None:
    for future, outcome in pairs:
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
