"""A session of a server that a store keeps: what is here is a cache, and may be dropped or be behind at any time.

Another process may call, restore or delete the session between any two requests; each request looks first. Whatever
waits for the database does so in a thread.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from gtm.errors import SessionGone
from gtm.serve.problems import Refused
from gtm.serve.sessions import ServedSession, Start
from gtm.simulator.faults import FaultRule
from gtm.simulator.session import Session
from gtm.simulator.stored import StoredSession
from gtm.types import Json, Result
from gtm.world.journal import Known

if TYPE_CHECKING:
    from gtm.world.store import Store

T = TypeVar("T")


class LastingSession(ServedSession):
    """One session of a store."""

    def __init__(self, store: "Store", *arguments: Any) -> None:
        super().__init__(*arguments)
        self._store = store

    def world(self, index: int) -> StoredSession:
        """The world of a simulator; begun in the store where it is not there."""
        world = self.worlds.get(index)
        if world is None:
            labels, known = self.directory.labels, self._store.start(self.name)
            self.start = self.start if known is None else start_of(known, labels)
            world = StoredSession.open(
                self.directory.simulators[index],
                self._store,
                self.name,
                self._begun(index, self.start).snapshot(),
                label=labels[index],
                start=start_value(self.start, labels),
            )
            self.worlds[index] = world
        assert isinstance(world, StoredSession)
        return world

    async def seen(self, index: int) -> Session:
        """The world of a simulator, to look at."""
        if self.users:
            # A call runs here: what it started from is the newest that is sure.
            return await _thread(self.world, index)
        async with self.lock:
            return await _thread(self._fresh, index)

    async def told(self) -> dict[str, Json]:
        """What the control plane tells of the session."""
        [known] = await _thread(self._store.known, self.name) or [Known(self.name, {}, {}, {}, ())]
        return self.of(known)

    def of(self, known: Known) -> dict[str, Json]:
        """The same of what the store told."""
        ours = [label for label in self.directory.labels if label in known.counts]
        seed = known.start.get("seed")
        if seed is None:
            seed = known.seeds[ours[0]] if ours else self.directory.simulators[0].config.seed
        return {
            "id": known.name,
            "seed": seed,
            "calls": {label: known.counts[label] for label in ours},
            "snapshots": list(known.snapshots),
        }

    async def reset(self, seed: int | None) -> None:
        """Empty worlds again, with the same or another seed."""

        def run() -> None:
            for world in self._all():
                world.reset(seed)
            if seed is not None:
                self.start = replace(self.start, seed=seed)
                self._store.restart(self.name, start_value(self.start, self.directory.labels))

        await self._alone(run)

    async def set_faults(self, index: int, rules: tuple[FaultRule, ...]) -> None:
        """Another fault policy for one world. Raises ConfigError where a rule fits no tool of it."""
        await self._alone(lambda: self.world(index).set_faults(rules))

    async def advance(self, seconds: float) -> None:
        """Move the simulated clock of every world on."""

        def run() -> None:
            for index in range(len(self.directory.simulators)):
                self.world(index).advance(seconds)

        await self._alone(run)

    async def snapshot(self) -> str:
        """Keep the worlds as they are now; the id to come back by."""

        def run() -> str:
            worlds = self._all()
            if not worlds:
                self._store.create(self.name, start_value(self.start, self.directory.labels))
            return self._store.keep(self.name, {world.label: world.point for world in worlds})

        return await self._alone(run)

    async def restore(self, identity: str) -> None:
        """Go back to a snapshot."""

        def run() -> None:
            kept = self._store.kept(self.name, identity)
            if kept is None:
                raise Refused(404, f"session {self.name!r} has no snapshot {identity[:64]!r}")
            for world in self._all():
                if world.label in kept:
                    world.restore(world.at(kept[world.label]))
                else:
                    world.reset()

        await self._alone(run)

    async def load(self, index: int, dump: Json) -> None:
        """Replace one world by a saved one. Raises SessionError where it is damaged or of another toolset."""
        saved = self.directory.simulators[index].load_session(dump).snapshot()
        await self._alone(lambda: self.world(index).restore(saved))

    async def fork(self, other: ServedSession) -> None:
        """Let `other`, a new session, go on from here. Raises Refused (409) where the store has one of its name."""

        def run() -> None:
            labels, worlds = self.directory.labels, self._all()
            origins = {world.label: (world.terms, world.point) for world in worlds}
            branches = self._store.fork(other.name, start_value(other.start, labels), origins)
            if branches is None:
                raise Refused(409, f"session {other.name!r} exists; reset or delete it, or use another name")
            for world in worlds:
                branch = branches[world.label]
                other.worlds[labels.index(world.label)] = world.forked(other.name, branch)

        await self._alone(run)

    async def _call(self, world: int, tool: str, arguments: Json) -> Result:
        session = self.worlds.get(world)
        try:
            if session is None:
                session = await _thread(self.world, world)
            return await session.acall(tool, arguments)
        except SessionGone:
            self.worlds.clear()
            session = await _thread(self.world, world)
            return await session.acall(tool, arguments)

    async def _alone(self, function: Callable[[], T]) -> T:
        """Run a change between two calls; once more where the session was deleted meanwhile."""
        async with self.lock:
            self._noted.clear()
            try:
                return await _thread(function)
            except SessionGone:
                self.worlds.clear()
                return await _thread(function)

    def _all(self) -> list[StoredSession]:
        """All worlds that the store has of the session, as they are now."""
        counts = next((known.counts for known in self._store.known(self.name)), {})
        labels = self.directory.labels
        return [self._fresh(index) for index in range(len(labels)) if labels[index] in counts]

    def _fresh(self, index: int) -> StoredSession:
        try:
            self.world(index).refresh()
        except SessionGone:
            del self.worlds[index]
        return self.world(index)


def start_value(start: Start, labels: tuple[str, ...]) -> Json:
    """How a session begins, as the store keeps it."""
    faults = None if start.faults is None else [rule.model_dump(mode="json") for rule in start.faults]
    only = None if start.only is None else labels[start.only]
    return {"seed": start.seed, "mode": start.mode, "faults": faults, "only": only}


def start_of(value: Json, labels: tuple[str, ...]) -> Start:
    """The same, read."""
    value = value or {}
    faults = value.get("faults")
    rules = None if faults is None else tuple(FaultRule.model_validate(rule) for rule in faults)
    only = value.get("only")
    return Start(value.get("seed"), value.get("mode"), rules, labels.index(only) if only in labels else None)


async def _thread(function: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.to_thread(function, *arguments)
