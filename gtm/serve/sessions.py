"""The sessions of a server: by name, each with one world per toolset, made at first use.

Calls and changes of one session run one after the other. At `max_sessions` the least recently used idle session is
dropped; who comes back for it is told so (410) and never finds an empty world under an old name. `default` stays.
"""

import asyncio
import logging
import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gtm.errors import ConfigError, LimitError, SessionError
from gtm.serve.directory import Directory
from gtm.serve.options import ServeOptions
from gtm.serve.problems import Refused
from gtm.simulator.faults import FaultRule
from gtm.simulator.session import Session, Snapshot
from gtm.types import Json, Result
from gtm.world.outcome import WorldMode

DEFAULT = "default"
"""The session of callers who name none."""

MAX_SNAPSHOTS = 1_000
"""Kept for one session: each is a reference, but it holds on to a whole world."""

MAX_FORGOTTEN = 100_000
"""Names of dropped sessions that are remembered."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")

log = logging.getLogger(__name__)


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


@dataclass(slots=True)
class ServedSession:
    """One session: a world for each simulator that was used."""

    name: str
    directory: Directory
    start: Start
    episodes_dir: Path | None
    worlds: dict[int, Session] = field(default_factory=dict)
    snapshots: "OrderedDict[str, dict[int, Snapshot]]" = field(default_factory=OrderedDict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    """Calls that run or wait."""
    _taken: int = 0
    _begun: set[int] = field(default_factory=set)
    """Worlds whose Episode has its header in the file."""

    def world(self, index: int) -> Session:
        """The world of a simulator."""
        if index not in self.worlds:
            concerned = self.start.only in (None, index)
            self.worlds[index] = self.directory.simulators[index].session(
                seed=self.start.seed,
                world=self.start.mode if concerned else None,
                faults=self.start.faults if concerned else None,
            )
        return self.worlds[index]

    async def call(self, world: int, tool: str, arguments: Json) -> Result:
        """Call a tool; after what came before it."""
        self.users += 1
        try:
            async with self.lock:
                session = self.world(world)
                result = await session.acall(tool, arguments)
                if self.episodes_dir is not None:
                    self._record(world, session, self.episodes_dir)
                return result
        finally:
            self.users -= 1

    async def reset(self, seed: int | None) -> None:
        """Empty worlds again, with the same or another seed."""
        async with self.lock:
            for world in self.worlds.values():
                world.reset(seed)
            if seed is not None:
                self.start = Start(seed, self.start.mode, self.start.faults, self.start.only)
            self._begun.clear()

    async def snapshot(self) -> str:
        """Keep the worlds as they are now; the id to come back by."""
        async with self.lock:
            if len(self.snapshots) >= MAX_SNAPSHOTS:
                raise LimitError(f"session {self.name!r} has {MAX_SNAPSHOTS} snapshots; fork it or delete it")
            self._taken += 1
            identity = f"s{self._taken}"
            self.snapshots[identity] = {index: world.snapshot() for index, world in self.worlds.items()}
            return identity

    async def restore(self, identity: str) -> None:
        """Go back to a snapshot."""
        kept = self.snapshots.get(identity)
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
            self._begun.discard(index)

    async def fork(self, other: "ServedSession") -> None:
        """Let `other`, a new session, go on from here."""
        async with self.lock:
            other._adopt({index: world.snapshot() for index, world in self.worlds.items()})

    def _adopt(self, snapshots: dict[int, Snapshot]) -> None:
        for index, snapshot in snapshots.items():
            self.world(index).restore(snapshot)
        self._begun.clear()

    def _record(self, index: int, session: Session, folder: Path) -> None:
        """Append the last turn; the whole Episode so far where the file does not lead up to it."""
        label = re.sub(r"[^A-Za-z0-9._-]+", "_", self.directory.labels[index])
        lines: Iterable[str] = [next(iter(session.snapshot().turns)).model_dump_json()]
        if index not in self._begun:
            lines = session.episode.lines()
        with (folder / f"{label}.{self.name}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        self._begun.add(index)

    @property
    def seed(self) -> int:
        """The seed of its worlds."""
        if self.start.seed is not None:
            return self.start.seed
        return self.world(0).seed


class Registry:
    """All sessions of a server."""

    def __init__(self, directory: Directory, options: ServeOptions) -> None:
        self.directory = directory
        self._options = options
        self._sessions: OrderedDict[str, ServedSession] = OrderedDict()
        self._forgotten: OrderedDict[str, None] = OrderedDict()
        self._said_default = False
        if options.episodes_dir is not None:
            try:
                options.episodes_dir.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigError(
                    f"the folder {str(options.episodes_dir)!r} for Episodes cannot be made: {error.strerror}"
                ) from None

    def __len__(self) -> int:
        return len(self._sessions)

    def all(self) -> Sequence[ServedSession]:
        """Every session, least recently used first."""
        return tuple(self._sessions.values())

    def open(self, name: str) -> ServedSession:
        """The session, made where there is none yet. Raises Refused (400, 410) and LimitError."""
        session = self._sessions.get(name)
        if session is None:
            if name in self._forgotten:
                message = f"session {name!r} was dropped, the least recently used; create it anew or use another name"
                raise Refused(410, message)
            return self._add(check_name(name), Start(self._options.seed))
        self._sessions.move_to_end(name)
        return session

    def fallback(self) -> ServedSession:
        """The shared session of callers who name none."""
        if not self._said_default:
            self._said_default = True
            log.warning("a caller named no session: it shares the session %r with all such callers", DEFAULT)
        return self.open(DEFAULT)

    def get(self, name: str) -> ServedSession:
        """The session. Raises Refused (404) where there is none."""
        if check_name(name) not in self._sessions:
            raise Refused(404, f"there is no session {name!r}; POST it to /_gtm/sessions, or call a tool in it")
        return self.open(name)

    def create(self, name: str | None, start: Start) -> ServedSession:
        """A new session. Raises Refused (409) where it exists."""
        if name is None:
            number = len(self._sessions) + 1
            while f"session-{number}" in self._sessions:
                number += 1
            name = f"session-{number}"
        if check_name(name) in self._sessions:
            raise Refused(409, f"session {name!r} exists; reset or delete it, or use another name")
        if start.faults is not None:
            self._check_faults(start)
        if start.seed is None:
            start = Start(self._options.seed, start.mode, start.faults, start.only)
        self._forgotten.pop(name, None)
        return self._add(name, start)

    def drop(self, name: str) -> None:
        """Delete a session. Raises Refused (404) where there is none."""
        self.get(name)
        del self._sessions[name]

    def _add(self, name: str, start: Start) -> ServedSession:
        while len(self._sessions) >= self._options.max_sessions:
            self._evict()
        session = ServedSession(name, self.directory, start, self._options.episodes_dir)
        self._sessions[name] = session
        return session

    def _evict(self) -> None:
        for name, session in self._sessions.items():
            if session.users == 0 and name != DEFAULT:
                del self._sessions[name]
                self._forgotten[name] = None
                if len(self._forgotten) > MAX_FORGOTTEN:
                    self._forgotten.popitem(last=False)
                log.info("session %r was dropped: %d is the most there may be", name, self._options.max_sessions)
                return
        raise Refused(503, f"all {self._options.max_sessions} sessions are busy; try again later")

    def _check_faults(self, start: Start) -> None:
        """Every rule must fit a tool somewhere."""
        simulators = self.directory.simulators
        toolsets = [s.toolset for index, s in enumerate(simulators) if start.only in (None, index)]
        for rule in start.faults or ():
            errors = []
            for toolset in toolsets:
                try:
                    rule.check_tools(toolset)
                except ConfigError as error:
                    errors.append(error)
            if len(errors) == len(toolsets):
                raise SessionError(str(errors[0]))
