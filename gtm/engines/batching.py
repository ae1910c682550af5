"""One thread that steps a continuous-batching backend for callers on any event loop.

Requests of all callers join the running batch at the next step. Invariant: every accepted request ends exactly once,
with a completion or an `EngineError`; a request that cannot be added fails alone; a failed step fails what was
running, throws the backend away, and the next request builds a new one. Knows nothing of models or prompts.
"""

import asyncio
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from gtm.engines.base import Completion, Request
from gtm.errors import EngineError

YIELD_SECONDS = 0.0005
"""A native step may hold the interpreter's lock; this pause after each lets event loops take results and submit the
next requests, which would otherwise wait for whole steps."""

JOIN_SECONDS = 30.0
"""Longest wait for the thread at the end: a load or one step, which cannot be interrupted."""


class Running(Protocol):
    """A request inside a backend."""

    def poll(self) -> Completion | None:
        """The completion, or None while it is being written. Raises EngineError where it was given up."""

    def cancel(self) -> None:
        """Free its place at the next step."""


class Backend(Protocol):
    """What is stepped. All methods are called from one thread."""

    def add(self, request: Request) -> Running:
        """Take a request into the batch. Raises EngineError where this request cannot be generated."""

    def step(self) -> None:
        """Advance every running request."""


@dataclass(eq=False, slots=True)
class _Job:
    request: Request
    future: Future[Completion]


@dataclass(eq=False)
class _Shared:
    """What the thread and its owner share; the thread does not know the owner, so that it can be collected."""

    name: str
    load: Callable[[], Backend]
    max_in_flight: int
    waiting: deque[_Job] = field(default_factory=deque)
    changed: threading.Condition = field(default_factory=threading.Condition)
    closed: bool = False
    wanted: bool = False
    """Load now, though nothing is waiting yet."""


class BatchLoop:
    """The thread's owner. Build it anywhere; close it, drop it or leave the program: the thread ends."""

    def __init__(self, name: str, load: Callable[[], Backend], *, max_in_flight: int) -> None:
        self._shared = _Shared(name, load, max_in_flight)
        self._thread: threading.Thread | None = None
        self._end: weakref.finalize[..., BatchLoop] | None = None

    def start(self) -> None:
        """Load the backend in the background, ahead of the first request."""
        self._submit([], wanted=True)

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order; cancelling the caller frees its requests."""
        jobs = [_Job(request, Future()) for request in requests]
        self._submit(jobs)
        try:
            return list(await asyncio.gather(*(asyncio.wrap_future(job.future) for job in jobs)))
        finally:
            for job in jobs:
                job.future.cancel()

    def close(self) -> None:
        """End the thread; what is running or waiting fails."""
        with self._shared.changed:
            self._shared.closed = True
        if self._end is not None:
            self._end()

    def _submit(self, jobs: Sequence[_Job], *, wanted: bool = False) -> None:
        shared = self._shared
        with shared.changed:
            if shared.closed:
                raise EngineError(f"the engine {shared.name!r} is closed; open a new one")
            if self._thread is None:
                self._thread = threading.Thread(target=_run, args=(shared,), name=f"gtm {shared.name}", daemon=True)
                self._end = weakref.finalize(self, _end, shared, self._thread)
                self._thread.start()
            shared.waiting.extend(jobs)
            shared.wanted = shared.wanted or wanted
            shared.changed.notify()


def _end(shared: _Shared, thread: threading.Thread) -> None:
    """Also runs at exit: native code must be left before the interpreter is taken down."""
    with shared.changed:
        shared.closed = True
        shared.changed.notify()
    if thread is not threading.current_thread():
        thread.join(JOIN_SECONDS)


def _run(shared: _Shared) -> None:
    worker = _Worker(shared)
    while worker.turn():
        pass


class _Worker:
    """The thread's own state: the backend and what runs in it."""

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._backend: Backend | None = None
        self._running: dict[_Job, Running] = {}

    def turn(self) -> bool:
        """Wait for work, admit it, step once. False at the end."""
        shared = self._shared
        with shared.changed:
            shared.changed.wait_for(lambda: shared.closed or shared.waiting or shared.wanted or self._running)
            room = shared.max_in_flight - len(self._running)
            admitted = [shared.waiting.popleft() for _ in range(min(room, len(shared.waiting)))]
            shared.wanted = False
            closed = shared.closed
        if closed:
            self._stop(admitted)
            return False
        try:
            backend = self._backend = self._backend or shared.load()
            self._admit(backend, admitted)
            if self._running:
                backend.step()
                if self._collect() and not self._running:
                    backend.step()
        except Exception as error:  # native code raises what it likes; every caller is told
            self._fail(error, admitted)
        if self._running:
            time.sleep(YIELD_SECONDS)
        return True

    def _admit(self, backend: Backend, jobs: Sequence[_Job]) -> None:
        for job in jobs:
            if job.future.cancelled():
                continue
            try:
                self._running[job] = backend.add(job.request)
            except EngineError as error:
                _settle(job, error)

    def _collect(self) -> bool:
        """Hand out what is finished. Whether something was cancelled, which the backend frees at its next step."""
        cancelled = False
        for job, running in list(self._running.items()):
            if job.future.cancelled():
                running.cancel()
                del self._running[job]
                cancelled = True
                continue
            try:
                outcome: Completion | EngineError | None = running.poll()
            except EngineError as error:
                outcome = error
            if outcome is not None:
                del self._running[job]
                _settle(job, outcome)
        return cancelled

    def _fail(self, error: Exception, admitted: Sequence[_Job]) -> None:
        """Give up the backend: after a failed step its state is unknown."""
        jobs = dict.fromkeys([*self._running, *admitted])
        self._running.clear()
        self._backend = None
        lines = str(error).strip().splitlines() or [type(error).__name__]
        for job in jobs:
            _settle(job, EngineError(
                f"the engine {self._shared.name!r} failed: {lines[-1].strip()[:300]}; "
                "it restarts with the next request, so try again"
            ))  # fmt: skip

    def _stop(self, admitted: Sequence[_Job]) -> None:
        """Empty the backend before it is freed."""
        for running in self._running.values():
            running.cancel()
        if self._running and self._backend is not None:
            try:
                self._backend.step()
            except RuntimeError:
                self._backend = None
        with self._shared.changed:
            left = [*self._running, *admitted, *self._shared.waiting]
            self._shared.waiting.clear()
        self._running.clear()
        for job in left:
            _settle(job, EngineError(f"the engine {self._shared.name!r} was closed while it was writing"))


def _settle(job: _Job, outcome: Completion | EngineError) -> None:
    """End a job; one that was cancelled meanwhile stays so."""
    if not job.future.done() and job.future.set_running_or_notify_cancel():
        if isinstance(outcome, Completion):
            job.future.set_result(outcome)
        else:
            job.future.set_exception(outcome)
