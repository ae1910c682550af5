"""One agent's world: its state, its history, its seed. All changes of it go through here, one call at a time.

A session holds immutable values only (`State`, a persistent list of turns), so a snapshot and a fork are references.
The sync door is thin: it runs the async method on the simulator's own loop.
"""

import asyncio
import hashlib
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rpds import List

from gtm.errors import LimitError, SessionError
from gtm.prompt import VERSION
from gtm.simulator.faults import FaultRule
from gtm.simulator.redact import readable
from gtm.types import Call, Episode, Json, Result, Turn, canonical
from gtm.world.outcome import WorldMode
from gtm.world.services import clock_text
from gtm.world.state import State

if TYPE_CHECKING:
    from gtm.simulator.simulator import Simulator

MAX_TURNS = 10_000
"""Turns of one session: beyond it something loops."""

FORMAT = "gtm-session-1"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A session at a moment; opaque, cheap, valid for sessions of the same toolset."""

    toolset_digest: str
    seed: int
    mode: WorldMode
    faults: tuple[FaultRule, ...]
    state: State
    before: State
    """The world before its last change: what a stale read still shows."""
    turns: "List[Turn]"
    count: int
    history: str
    """Rolling digest of all turns."""


class Session:
    """Made by `Simulator.session`; used as a context manager, sync or async."""

    def __init__(self, simulator: "Simulator", start: Snapshot, record: Path | None = None) -> None:
        self._simulator = simulator
        self._now = start
        self._lock = asyncio.Lock()
        self._record = record
        self._written = 0

    @property
    def seed(self) -> int:
        """The session's seed."""
        return self._now.seed

    async def acall(self, name: str, arguments: Mapping[str, Json] | Json = None) -> Result:
        """Call a tool. Calls of one session run one after the other; a cancelled or failed one changes nothing.

        Raises:
            EngineError: the engine failed; nothing was committed.
            LimitError: the session is too long or its world too large.
            SessionError: the session was reset or restored meanwhile; the call left no trace.
        """
        async with self._lock:
            began = time.perf_counter()
            now = self._now
            if now.count >= MAX_TURNS:
                raise LimitError(f"the session has {MAX_TURNS} turns, the most there may be; reset or fork it")
            if not isinstance(name, str):
                raise SessionError(f"a tool is called by its name, a text; got {name!r}")
            given = {} if arguments is None else arguments
            answer = await self._simulator.answer(now, name, given)
            if self._now is not now:
                raise SessionError("the session was reset or restored while the call ran; its result is dropped")
            turn = Turn(
                call=Call(tool=readable(name), arguments=self._simulator.recordable(name, given)),
                result=answer.result,
                time=clock_text(now.count, now.state.ahead),
                latency_ms=round((time.perf_counter() - began) * 1000, 3),
            )
            self._append(turn, now.state.apply(answer.changes))
            return answer.result

    def call(self, name: str, arguments: Mapping[str, Json] | Json = None) -> Result:
        """`acall`, from sync code."""
        return self._simulator.run(self.acall, name, arguments)

    async def aobserve(
        self, name: str, arguments: Mapping[str, Json], content: Json, *, is_error: bool = False
    ) -> None:
        """Tell the session of a turn that really happened: history and world learn from it."""
        async with self._lock:
            now = self._now
            changes, text = self._simulator.learn(now, name, dict(arguments), content, is_error)
            result = Result(content=content, text=text, is_error=is_error, provenance={"": "cassette"})
            call = Call(tool=name, arguments=self._simulator.recordable(name, arguments))
            turn = Turn(call=call, result=result, time=clock_text(now.count, now.state.ahead), observed=True)
            self._append(turn, now.state.apply(changes))

    def observe(self, name: str, arguments: Mapping[str, Json], content: Json, *, is_error: bool = False) -> None:
        """`aobserve`, from sync code."""

        async def run() -> None:
            await self.aobserve(name, arguments, content, is_error=is_error)

        self._simulator.run(run)

    def snapshot(self) -> Snapshot:
        """The session as it is now."""
        return self._now

    def restore(self, snapshot: Snapshot) -> None:
        """Go back (or over) to a snapshot. Raises SessionError where it is of another toolset."""
        if snapshot.toolset_digest != self._now.toolset_digest:
            raise SessionError(f"the snapshot is of another toolset than {self._simulator.toolset.name!r}")
        self._now = snapshot

    def fork(self) -> "Session":
        """A new session that starts as this one is now; neither sees what the other does next."""
        return Session(self._simulator, self._now)

    def reset(self, seed: int | None = None) -> None:
        """An empty world again, with the same or another seed."""
        self._now = replace(
            self._now,
            seed=self.seed if seed is None else seed,
            state=State(),
            before=State(),
            turns=List(),
            count=0,
            history="",
        )

    def resume(self, state: State, turns: Sequence[Turn]) -> None:
        """Go on from a saved world and history."""
        self._now = replace(self._now, state=state, before=state, turns=List(), count=0, history="")
        for turn in turns:
            self._append(turn, state)

    def state(self) -> Json:
        """The world's documents by collection, as JSON."""
        return self._now.state.dump()["collections"]

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns, oldest first."""
        return tuple(reversed(tuple(self._now.turns)))

    @property
    def episode(self) -> Episode:
        """The session's record."""
        return self._header().model_copy(update={"turns": self.turns})

    def dump(self) -> Json:
        """The session as JSON, for `Simulator.load_session`."""
        now = self._now
        return {
            "format": FORMAT,
            "toolset_digest": now.toolset_digest,
            "seed": now.seed,
            "world": now.mode,
            "faults": [rule.model_dump(mode="json") for rule in now.faults],
            "state": now.state.dump(),
            "turns": [turn.model_dump(mode="json") for turn in self.turns],
        }

    def save(self, path: Path | str) -> None:
        """Write `dump()` to a file, whole or not at all."""
        temporary = Path(f"{path}.{os.getpid()}-{threading.get_ident()}.tmp")
        try:
            temporary.write_bytes(canonical(self.dump()))
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise SessionError(f"the session cannot be saved to {str(path)!r}: {error.strerror}") from None

    def close(self) -> None:
        """Nothing to free today; sessions are values."""

    def _header(self) -> Episode:
        simulator = self._simulator
        return Episode(
            toolset=simulator.toolset.name,
            toolset_digest=simulator.toolset.digest,
            seed=self.seed,
            model=simulator.model,
            prompt_version=VERSION,
        )

    def _append(self, turn: Turn, state: State) -> None:
        now = self._now
        told = [now.history, turn.call.tool, turn.result.text, str(turn.result.is_error)]
        seen = canonical(turn.call.arguments) + "\0".join(told).encode("utf-8", "surrogatepass")
        self._now = Snapshot(
            toolset_digest=now.toolset_digest,
            seed=now.seed,
            mode=now.mode,
            faults=now.faults,
            state=state,
            before=now.before if state is now.state else now.state,
            turns=now.turns.push_front(turn),
            count=now.count + 1,
            history=hashlib.sha256(seen).hexdigest(),
        )
        if self._record is not None:
            self._write(self._record, turn)

    def _write(self, path: Path, turn: Turn) -> None:
        try:
            with path.open("a", encoding="utf-8") as file:
                if self._written == 0:
                    file.write(next(self._header().lines()) + "\n")
                file.write(turn.model_dump_json() + "\n")
        except OSError as error:
            raise SessionError(f"the Episode cannot be written to {str(path)!r}: {error.strerror}") from None
        self._written += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


async def gather_by_session(
    calls: Sequence[tuple[Session, str, Mapping[str, Json]]],
) -> list[Result]:
    """All calls at once, in order within one session."""
    chains: dict[int, list[int]] = {}
    for index, (session, _, _) in enumerate(calls):
        chains.setdefault(id(session), []).append(index)
    results: dict[int, Result] = {}

    async def run(indices: list[int]) -> None:
        for index in indices:
            session, name, arguments = calls[index]
            results[index] = await session.acall(name, arguments)

    await asyncio.gather(*(run(indices) for indices in chains.values()))
    return [results[index] for index in range(len(calls))]
