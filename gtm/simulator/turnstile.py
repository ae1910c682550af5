"""A lock for coroutines of any event loop and thread: one passes at a time, in the order of arrival.

`asyncio.Lock` belongs to the first loop that had to wait for it; a session may be used from several.
"""

import asyncio
import threading
from collections import deque
from types import TracebackType


class Turnstile:
    """`async with turnstile:`."""

    __slots__ = ("_guard", "_taken", "_waiting")

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            with self._guard:
                waits = turn in self._waiting
                if waits:
                    self._waiting.remove(turn)
            if not waits and not turn.cancelled():
                self._pass_on()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        """Let the next one in; one whose loop is closed will never come."""
        while True:
            with self._guard:
                if not self._waiting:
                    self._taken = False
                    return
                turn = self._waiting.popleft()
            try:
                turn.get_loop().call_soon_threadsafe(self._let_in, turn)
                return
            except RuntimeError:
                continue

    def _let_in(self, turn: "asyncio.Future[None]") -> None:
        if turn.cancelled():
            self._pass_on()
        else:
            turn.set_result(None)
