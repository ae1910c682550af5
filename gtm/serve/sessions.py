"""The sessions of a server that keeps them in memory: by name, each with one world per toolset, made at first use.

Calls and changes of one session run one after the other. Those that a store keeps are `gtm.serve.lasting`.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gtm.errors import LimitError
from gtm.serve.directory import Directory
from gtm.serve.problems import Refused
from gtm.simulator.faults import FaultRule
from gtm.simulator.session import Session, Snapshot
from gtm.types import Json, Result
from gtm.world.outcome import WorldMode

MAX_SNAPSHOTS = 1_000
"""Kept for one session: each is a reference, but it holds on to a whole world."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")


def check_name(name: str) -> str:
    """The name, if it may name a session. Raises Refused (400)."""
    if not _NAME.fullmatch(name):
        raise Refused(
            400, f"{name[:140]!r} cannot name a session; use 1 to 128 letters, digits, dots, underscores or hyphens"
        )
    return name


@dataclass(frozen=True, slots=True)
class Start:
    """How the worlds of a session begin; None: what the server or the configuration says."""

    seed: int | None = None
    mode: WorldMode | None = None
    faults: tuple[FaultRule, ...] | None = None
    only: int | None = None
    """The one simulator that `mode` and `faults` are for; None: all."""


class ServedSession:
    """One session: a world for each simulator that was used."""

    def __init__(self, name: str, directory: Directory, start: Start, episodes_dir: Path | None) -> None:
        self.name = name
        self.directory = directory
        self.start = start
        self.worlds: dict[int, Session] = {}
        self.lock = asyncio.Lock()
        self.users = 0
        """Calls that run or wait."""
        self._episodes_dir = episodes_dir
        self._snapshots: OrderedDict[str, dict[int, Snapshot]] = OrderedDict()
        self._taken = 0
        self._noted: dict[int, int] = {}
        """Turns of a world that its Episode file leads up to."""

    def world(self, index: int) -> Session:
        """The world of a simulator."""
        if index not in self.worlds:
            self.worlds[index] = self._begun(index, self.start)
        return self.worlds[index]

    async def seen(self, index: int) -> Session:
        """The world of a simulator, to look at."""
        return self.world(index)

    async def told(self) -> dict[str, Json]:
        """What the control plane tells of the session."""
        worlds = {self.directory.labels[index]: world for index, world in sorted(self.worlds.items())}
        return {
            "id": self.name,
            "seed": self.world(0).seed if self.start.seed is None else self.start.seed,
            "calls": {label: world.snapshot().count for label, world in worlds.items()},
            "snapshots": list(self._snapshots),
        }

    async def call(self, world: int, tool: str, arguments: Json) -> Result:
        """Call a tool; after what came before it."""
        self.users += 1
        try:
            async with self.lock:
                result = await self._call(world, tool, arguments)
                if self._episodes_dir is not None:
                    self._record(world, self.worlds[world], self._episodes_dir)
                return result
        finally:
            self.users -= 1

    async def reset(self, seed: int | None) -> None:
        """Empty worlds again, with the same or another seed."""
        async with self.lock:
            for world in self.worlds.values():
                world.reset(seed)
            if seed is not None:
                self.start = replace(self.start, seed=seed)
            self._noted.clear()

    async def set_faults(self, index: int, rules: tuple[FaultRule, ...]) -> None:
        """Another fault policy for one world. Raises ConfigError where a rule fits no tool of it."""
        async with self.lock:
            self.world(index).set_faults(rules)

    async def advance(self, seconds: float) -> None:
        """Move the simulated clock of every world on."""
        async with self.lock:
            for index in range(len(self.directory.simulators)):
                self.world(index).advance(seconds)

    async def snapshot(self) -> str:
        """Keep the worlds as they are now; the id to come back by."""
        async with self.lock:
            if len(self._snapshots) >= MAX_SNAPSHOTS:
                raise LimitError(f"session {self.name!r} has {MAX_SNAPSHOTS} snapshots; fork it or delete it")
            self._taken += 1
            identity = f"s{self._taken}"
            self._snapshots[identity] = {index: world.snapshot() for index, world in self.worlds.items()}
            return identity

    async def restore(self, identity: str) -> None:
        """Go back to a snapshot."""
        kept = self._snapshots.get(identity)
        if kept is None:
            raise Refused(404, f"session {self.name!r} has no snapshot {identity[:64]!r}")
        async with self.lock:
            self.worlds = {}
            self._adopt(kept)

    async def load(self, index: int, dump: Json) -> None:
        """Replace one world by a saved one. Raises SessionError where it is damaged or of another toolset."""
        world = self.directory.simulators[index].load_session(dump)
        async with self.lock:
            self.worlds[index] = world
            self._noted.pop(index, None)

    async def fork(self, other: "ServedSession") -> None:
        """Let `other`, a new session, go on from here."""
        async with self.lock:
            other._adopt({index: world.snapshot() for index, world in self.worlds.items()})

    def _begun(self, index: int, start: Start) -> Session:
        """A new session of a simulator."""
        concerned = start.only in (None, index)
        return self.directory.simulators[index].session(
            seed=start.seed,
            world=start.mode if concerned else None,
            faults=start.faults if concerned else None,
        )

    async def _call(self, world: int, tool: str, arguments: Json) -> Result:
        return await self.world(world).acall(tool, arguments)

    def _adopt(self, snapshots: dict[int, Snapshot]) -> None:
        for index, snapshot in snapshots.items():
            self.world(index).restore(snapshot)
        self._noted.clear()

    def _record(self, index: int, session: Session, folder: Path) -> None:
        """Append the last turn; the whole Episode so far where the file does not lead up to it."""
        label = re.sub(r"[^A-Za-z0-9._-]+", "_", self.directory.labels[index])
        now = session.snapshot()
        lines: Iterable[str] = [next(iter(now.turns)).model_dump_json()]
        if self._noted.get(index) != now.count - 1:
            lines = session.episode.lines()
        with (folder / f"{label}.{self.name}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        self._noted[index] = now.count
