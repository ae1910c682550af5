"""One agent's world: its state, its history, its seed. All changes of it go through here, one call at a time.

A session holds immutable values only (`State`, a persistent list of turns), so a snapshot and a fork are references.
The sync door is thin: it runs the async method on the simulator's own loop. What is kept in memory only is here; a
session that lasts is `gtm.simulator.stored`.
"""

import asyncio
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rpds import List

from gtm.errors import LimitError, SessionError
from gtm.prompt import VERSION
from gtm.simulator.config import faults_for
from gtm.simulator.explain import Explanation, explain
from gtm.simulator.faults import MAX_SECONDS, FaultRule
from gtm.simulator.redact import readable
from gtm.simulator.turnstile import Turnstile
from gtm.types import Call, Episode, Json, Result, Turn, canonical
from gtm.world.outcome import WorldMode
from gtm.world.services import clock_text
from gtm.world.state import CLOCK, Change, Mark, State

if TYPE_CHECKING:
    from gtm.simulator.simulator import Simulator

MAX_TURNS = 10_000
"""Turns of one session: beyond it something loops."""

FORMAT = "gtm-session-1"

_TOO_BUSY = "other processes keep calling tools in this session; give each agent a session of its own, or try again"


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
    branch: str | None = None
    """Where a store keeps just these turns."""


class Session:
    """Made by `Simulator.session`; used as a context manager, sync or async."""

    def __init__(self, simulator: "Simulator", start: Snapshot, record: Path | None = None) -> None:
        self._simulator = simulator
        self._now = start
        self._lock = Turnstile()
        self._record = record
        self._noted = False
        self._tries = 1
        self._initial = State()

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
        if not isinstance(name, str):
            raise SessionError(f"a tool is called by its name, a text; got {name!r}")
        given = {} if arguments is None else arguments
        async with self._lock:
            for _ in range(self._tries):
                began = time.perf_counter()
                now = await self._current()
                if now.count >= MAX_TURNS:
                    raise LimitError(f"the session has {MAX_TURNS} turns, the most there may be; reset or fork it")
                answer = await self._simulator.answer(now, name, given)
                turn = Turn(
                    call=Call(tool=readable(name), arguments=self._simulator.recordable(name, given)),
                    result=answer.result,
                    time=clock_text(now.count, now.state.ahead),
                    latency_ms=round((time.perf_counter() - began) * 1000, 3),
                )
                if await self._commit(now, turn, answer.changes):
                    return answer.result
        raise SessionError(_TOO_BUSY)

    def call(self, name: str, arguments: Mapping[str, Json] | Json = None) -> Result:
        """`acall`, from sync code."""
        return self._simulator.run(self.acall, name, arguments)

    async def aobserve(
        self, name: str, arguments: Mapping[str, Json], content: Json, *, is_error: bool = False
    ) -> None:
        """Tell the session of a turn that really happened: history and world learn from it."""
        async with self._lock:
            for _ in range(self._tries):
                now = await self._current()
                changes, text = self._simulator.learn(now, name, dict(arguments), content, is_error)
                result = Result(content=content, text=text, is_error=is_error, provenance={"": "cassette"})
                call = Call(tool=name, arguments=self._simulator.recordable(name, arguments))
                turn = Turn(call=call, result=result, time=clock_text(now.count, now.state.ahead), observed=True)
                if await self._commit(now, turn, changes):
                    return
        raise SessionError(_TOO_BUSY)

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
        self._move(snapshot)

    def fork(self, name: str | None = None) -> "Session":
        """A new session that starts as this one is now; neither sees what the other does next.

        It is in memory; with a name in the store that this one is of.
        """
        if name is not None:
            raise SessionError("a session in memory cannot fork into a store; begin it there, or leave the name out")
        forked = Session(self._simulator, self._now)
        forked._initial = self._initial
        return forked

    def begin(self, initial: State) -> None:
        """Let a session without turns, and every reset of it, start from this world."""
        self._initial = initial
        now = self._now
        if now.count == 0 and len(initial.marks) and not len(now.state.marks) and not now.state.order:
            self._move(replace(now, state=initial, before=initial, branch=None))

    def reset(self, seed: int | None = None) -> None:
        """The world as it was at first, with the same or another seed."""
        now = empty(self._now, self.seed if seed is None else seed)
        self._move(replace(now, state=self._initial, before=self._initial))

    def advance(self, seconds: float) -> None:
        """Move the simulated clock on, between calls: limits lift, credentials come back, later times are later."""
        self.refresh()
        number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        ahead = self._now.state.ahead + seconds if number and seconds >= 0 else -1.0
        if not 0 <= ahead <= MAX_SECONDS:
            raise SessionError(f"the clock moves on by 0 to {MAX_SECONDS:g} seconds in all; got {seconds!r:.60}")
        self._amend((Mark(CLOCK, float(ahead)),), self._now.faults)

    def set_faults(self, faults: Path | str | Sequence[FaultRule | dict[str, Json]]) -> None:
        """Another fault policy from the next call on: rules, the name of a preset, or a file of rules."""
        self.refresh()
        self._amend((), faults_for(self._simulator.toolset, faults))

    def refresh(self) -> None:
        """Take in what other processes did; in memory there is nobody else."""

    def resume(self, state: State, turns: Sequence[Turn]) -> None:
        """Go on from a saved world and history."""
        now = replace(empty(self._now, self.seed), state=state, before=state)
        for turn in turns:
            now = self._after(now, turn, state)
        self._now = now

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

    def explain(self, call: int = -1) -> Explanation:
        """Why a call (1 is the first, -1 the last) was answered so. Raises SessionError where there is none."""
        return explain(self._simulator, self.turns, call)

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

    async def _current(self) -> Snapshot:
        """The session as the next call finds it."""
        return self._now

    async def _commit(self, now: Snapshot, turn: Turn, changes: Sequence[Change]) -> bool:
        """Add a turn that was answered at `now`; False where it has to be answered again."""
        self._see_that(now)
        self._now = self._after(now, turn, now.state.apply(changes))
        self._note(turn)
        return True

    def _see_that(self, now: Snapshot) -> None:
        if self._now is not now:
            raise SessionError("the session was reset or restored while the call ran; its result is dropped")

    def _move(self, snapshot: Snapshot) -> None:
        self._now = snapshot

    def _amend(self, changes: Sequence[Change], faults: tuple[FaultRule, ...]) -> None:
        """Change the world or the policy between two turns."""
        self._now = replace(self._now, state=self._now.state.apply(changes), faults=faults, branch=None)

    def _only_shown(self, now: Snapshot, turn: Turn, state: State) -> bool:
        """Whether a turn left the world as it was, but for what a read imagined."""
        same = state.collections is now.state.collections
        return same or (not turn.observed and self._simulator.reads(turn.call.tool))

    def _after(self, now: Snapshot, turn: Turn, state: State, branch: str | None = None) -> Snapshot:
        told = [now.history, turn.call.tool, turn.result.text, str(turn.result.is_error)]
        seen = canonical(turn.call.arguments) + "\0".join(told).encode("utf-8", "surrogatepass")
        return Snapshot(
            toolset_digest=now.toolset_digest,
            seed=now.seed,
            mode=now.mode,
            faults=now.faults,
            state=state,
            before=now.before if self._only_shown(now, turn, state) else now.state,
            turns=now.turns.push_front(turn),
            count=now.count + 1,
            history=hashlib.sha256(seen).hexdigest(),
            branch=branch,
        )

    def _note(self, turn: Turn) -> None:
        """Append the turn to the Episode file; all that led to it where nothing was written yet."""
        if self._record is None:
            return
        lines = [turn.model_dump_json()] if self._noted else self.episode.lines()
        try:
            with self._record.open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            raise SessionError(f"the Episode cannot be written to {str(self._record)!r}: {error.strerror}") from None
        self._noted = True

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


def empty(now: Snapshot, seed: int) -> Snapshot:
    """The same session before its first turn."""
    return replace(now, seed=seed, state=State(), before=State(), turns=List(), count=0, history="", branch=None)


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
