"""A response cache around any engine: what was written once for a request is what is answered for it ever after.

It, not the sampler, is what makes answers repeatable. Invariant: equal requests get equal bytes, also when they
run at the same time (one generates, the others wait for it) and in two processes that share a file (the first to
write wins, and both answer that). A failure is never kept. Limits: without a file, what leaves memory is forgotten.
"""

import asyncio
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from gtm.engines.base import Completion, Engine, Request
from gtm.engines.store import CompletionFile

ENTRY_OVERHEAD = 500
"""Bytes of memory an entry takes beside its text, about."""


@dataclass(eq=False, slots=True)
class _Flight:
    """A request that is being generated, and how many wait for it."""

    request: Request
    loop: asyncio.AbstractEventLoop
    outcome: Future[Completion | None] = field(default_factory=Future)
    """None: the event loop that generated it went away, so somebody else must."""
    waiters: int = 0
    task: asyncio.Task[None] | None = None


def request_key(engine: str, request: Request) -> bytes:
    """The identity of a request to an engine: everything that decides what is written."""
    messages = [(message.role, message.content) for message in request.messages]
    # The order of a shape's keys is the order of what is written, so it is kept, not sorted.
    parts = [engine, messages, request.schema, request.max_tokens, request.seed, request.stop]
    return sha256(json.dumps(parts, separators=(",", ":")).encode()).digest()


class CachedEngine:
    """An engine that remembers, in memory and (with a `path`) in a file that processes may share."""

    def __init__(
        self, engine: Engine, path: Path | None, *, memory_bytes: int = 64_000_000, file_bytes: int = 1_000_000_000
    ) -> None:
        self._engine = engine
        self._memory: OrderedDict[bytes, Completion] = OrderedDict()
        self._memory_bytes = memory_bytes
        self._used = 0
        self._flights: dict[bytes, _Flight] = {}
        self._lock = threading.Lock()
        self._file = None if path is None else CompletionFile(path, file_bytes)
        self.hits = 0
        """Requests answered from what was kept, or by joining one that ran."""
        self.misses = 0
        """Requests that reached the engine."""

    @property
    def name(self) -> str:
        """The wrapped engine's name."""
        return self._engine.name

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion a request, in order; only what was never asked before reaches the engine."""
        name = self._engine.name
        keys = [request_key(name, request) for request in requests]
        found = self._known(keys)
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in found}
        if missing:
            tasks = [asyncio.ensure_future(self._obtain(key, request)) for key, request in missing.items()]
            try:
                found.update(zip(missing, await asyncio.gather(*tasks), strict=True))
            finally:
                for task in tasks:
                    task.cancel()
        return [found[key] for key in keys]

    async def aclose(self) -> None:
        """Close the engine and the file."""
        self.close_file()
        await self._engine.aclose()

    def close_file(self) -> None:
        """Close the file only, where somebody else still uses the engine."""
        with self._lock:
            if self._file is not None:
                self._file.close()

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        found: dict[bytes, Completion] = {}
        with self._lock:
            for key in keys:
                known = self._recall(key)
                if known is not None:
                    found[key] = known
                    self.hits += 1
        return found

    async def _obtain(self, key: bytes, request: Request) -> Completion:
        """Join the generation of this request, or start it; again, where it ended with somebody else's loop."""
        while True:
            with self._lock:
                known = self._recall(key)
                if known is not None:
                    self.hits += 1
                    return known
                flight = self._flights.get(key)
                if flight is None:
                    flight = self._flights[key] = _Flight(request, asyncio.get_running_loop())
                    # A running future cannot be cancelled by one of those who wait for it.
                    flight.outcome.set_running_or_notify_cancel()
                    flight.task = asyncio.create_task(self._run(key, flight))
                    self.misses += 1
                else:
                    self.hits += 1
                flight.waiters += 1
            try:
                outcome = await asyncio.wrap_future(flight.outcome)
            finally:
                self._leave(flight)
            if outcome is not None:
                return outcome

    async def _run(self, key: bytes, flight: _Flight) -> None:
        """Generate, keep, tell. Runs as a task of its own: the caller who started it may leave."""
        result: Completion | None = None
        problem: Exception | None = None
        try:
            result = (await self._engine.generate([flight.request]))[0]
        except asyncio.CancelledError:
            raise
        except Exception as error:  # whatever an engine raises belongs to those who wait
            problem = error
        finally:
            with self._lock:
                if self._flights.get(key) is flight:
                    del self._flights[key]
                if result is not None:
                    result = self._keep(key, result)
            if problem is None:
                flight.outcome.set_result(result)
            else:
                flight.outcome.set_exception(problem)

    def _leave(self, flight: _Flight) -> None:
        with self._lock:
            flight.waiters -= 1
            abandoned = flight.waiters == 0 and not flight.outcome.done()
        if abandoned and flight.task is not None and not flight.loop.is_closed():
            flight.loop.call_soon_threadsafe(self._abandon, flight)

    def _abandon(self, flight: _Flight) -> None:
        """Nobody waits any more, unless somebody joined since."""
        with self._lock:
            if flight.waiters == 0 and flight.task is not None:
                flight.task.cancel()

    def _recall(self, key: bytes) -> Completion | None:
        known = self._memory.get(key)
        if known is not None:
            self._memory.move_to_end(key)
            return known
        kept = None if self._file is None else self._file.get(key)
        if kept is not None:
            self._remember(key, kept)
        return kept

    def _keep(self, key: bytes, completion: Completion) -> Completion:
        """Keep a new completion; what another process wrote first wins."""
        if self._file is not None:
            completion = self._file.put(key, completion)
        self._remember(key, completion)
        return completion

    def _remember(self, key: bytes, completion: Completion) -> None:
        self._memory[key] = completion
        self._used += _size(completion)
        while self._used > self._memory_bytes and len(self._memory) > 1:
            _, dropped = self._memory.popitem(last=False)
            self._used -= _size(dropped)


def _size(completion: Completion) -> int:
    return ENTRY_OVERHEAD + 2 * len(completion.text)
