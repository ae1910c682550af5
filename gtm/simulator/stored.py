"""A session that lasts: every turn is in a store before its result is told.

The store decides who was first; who comes second reads what happened and answers the call again. Snapshots, restores
and forks are branches there and copy nothing. After an error of the store the session is read anew, so that nothing
of a call that failed half-way is left.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

from gtm.errors import ConfigError, SessionError, ToolsetChanged
from gtm.simulator.faults import FaultRule, rules_of
from gtm.simulator.session import Session, Snapshot, empty
from gtm.types import Json, Turn
from gtm.world.journal import FOREVER, Base, Point, Terms
from gtm.world.outcome import WorldMode
from gtm.world.state import Change, State

if TYPE_CHECKING:
    from gtm.simulator.simulator import Simulator
    from gtm.world.store import Store

TRIES = 50
"""How often a call is answered anew because another process was first each time: with eight at once, one call in
eight hundred needs more."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
_MISNAMED = "{!r} cannot name a session; use 1 to 128 letters, digits, dots, underscores or hyphens"


class StoredSession(Session):
    """A named session of a store. Made by `open`; as it is, for a branch that is known to be new.

    Args:
        simulator: what answers.
        store: where the turns are.
        name: of the session.
        label: which of the session's worlds it is.
        now: the session, on its branch.
        record: an Episode file to append to.
    """

    def __init__(
        self, simulator: "Simulator", store: "Store", name: str, label: str, now: Snapshot, record: Path | None = None
    ) -> None:
        super().__init__(simulator, now, record)
        self.name = name
        self.label = label
        self._store = store
        self._tries = TRIES
        self._stale = False

    @classmethod
    def open(
        cls,
        simulator: "Simulator",
        store: "Store",
        name: str,
        first: Snapshot,
        *,
        label: str | None = None,
        start: Json = None,
        record: Path | None = None,
    ) -> Self:
        """The session of a name; begun with `first` where the store has none, and kept there with `start`.

        Raises:
            SessionError: the name cannot be used, or the stored session is damaged.
            StoreError: the store failed.
            ToolsetChanged: the session was made with other definitions.
        """
        if not _NAME.fullmatch(name):
            raise SessionError(_MISNAMED.format(name[:140]))
        label = simulator.toolset.name if label is None else label
        branch, begun = store.head(name, label), False
        if branch is None:
            base = None if is_empty(first) else Base(first.state, first.before)
            branch, begun = store.open_world(name, label, terms_of(first), start=start, base=base)
        session = cls(simulator, store, name, label, replace(first, branch=branch), record)
        session._initial = first.state
        if not begun:
            session._now = session._read(Point(branch, FOREVER))
        return session

    def forked(self, name: str, branch: str) -> "StoredSession":
        """This session under another name, on a branch that the store began where it is."""
        now = replace(self._now, branch=branch)
        fork = StoredSession(self._simulator, self._store, name, self.label, now)
        fork._initial = self._initial
        return fork

    def see_that_fits(self, seed: int | None, world: WorldMode | None, faults: tuple[FaultRule, ...] | None) -> None:
        """Raise SessionError where the session was begun with something else than what is given."""
        now = self._now
        begun = {"seed": (seed, now.seed), "world": (world, now.mode), "faults": (faults, now.faults)}
        for what, (given, first) in begun.items():
            if given is not None and given != first:
                told = "other faults" if what == "faults" else f"{what} {first}, not {given}"
                raise SessionError(
                    f"the session {self.name!r} was begun with {told}; leave the {what} out or name another session"
                )

    def refresh(self) -> None:
        """Take in what other processes did. Raises SessionGone, StoreError."""
        now = self._now
        assert now.branch is not None
        branch, entries = self._store.news(self.name, self.label, Point(now.branch, now.count))
        if branch != now.branch:
            read = self._read(Point(branch, FOREVER))
        else:
            read = now
            for turn, changes in entries:
                read = self._after(read, turn, read.state.apply(changes), branch)
        self._stale = False
        if self._now is now:
            self._now = read

    def at(self, point: Point) -> Snapshot:
        """The session as it was at a point of the store."""
        return self._read(point)

    @property
    def point(self) -> Point:
        """Where the session is."""
        assert self._now.branch is not None
        return Point(self._now.branch, self._now.count)

    @property
    def terms(self) -> Terms:
        """What holds for its next turns."""
        return terms_of(self._now)

    def fork(self, name: str | None = None) -> Session:
        """A session that goes on from here, in memory or, with a name, in the store."""
        if name is None:
            return super().fork()
        if not _NAME.fullmatch(name):
            raise SessionError(_MISNAMED.format(name[:140]))
        branches = self._store.fork(name, {}, {self.label: (self.terms, self.point)})
        if branches is None:
            raise SessionError(f"the store has a session {name!r} already; use another name")
        return self.forked(name, branches[self.label])

    async def _current(self) -> Snapshot:
        if self._stale or self._store.shared:
            await asyncio.to_thread(self.refresh)
        return self._now

    async def _commit(self, now: Snapshot, turn: Turn, changes: Sequence[Change]) -> bool:
        self._see_that(now)
        following = self._after(now, turn, now.state.apply(changes), now.branch)
        assert now.branch is not None
        try:
            written = await self._store.append(self.name, Point(now.branch, now.count), turn, changes)
        except BaseException:
            # Cancelled or failed: whether the turn was written is for the store to say.
            self._stale = True
            raise
        self._see_that(now)
        if not written:
            self._stale = True
            return False
        self._now = following
        self._note(turn)
        return True

    def _move(self, snapshot: Snapshot) -> None:
        branch, terms = None, terms_of(snapshot)
        if is_empty(snapshot):
            branch = self._store.move_world(self.name, self.label, terms)
        elif snapshot.branch is not None:
            point = Point(snapshot.branch, snapshot.count)
            branch = self._store.move_world(self.name, self.label, terms, parent=point)
        if branch is None:
            turns = tuple(reversed(tuple(snapshot.turns)))
            base = Base(snapshot.state, snapshot.before, turns)
            branch = self._store.move_world(self.name, self.label, terms, base=base)
        self._now = replace(snapshot, branch=branch)

    def _amend(self, changes: Sequence[Change], faults: tuple[FaultRule, ...]) -> None:
        now, here = self._now, self.point
        amended = replace(now, state=now.state.apply(changes), faults=faults)
        base = Base(changes=tuple(changes)) if changes else None
        terms = terms_of(amended)
        branch = self._store.move_world(self.name, self.label, terms, parent=here, base=base, only_at=here)
        if branch is None:
            self._stale = True
            raise SessionError("another call of the session came first; try again")
        self._now = replace(amended, branch=branch)

    def _read(self, point: Point) -> Snapshot:
        log = self._store.read(point)
        toolset = self._simulator.toolset
        if log.terms.toolset != toolset.digest:
            raise ToolsetChanged(
                f"the session {self.name!r} was made with other definitions of {toolset.name!r}: the specs changed "
                "since; serve the former ones, or use another session"
            )
        try:
            faults = rules_of(log.terms.faults, toolset)
        except ConfigError as error:
            raise SessionError(f"the stored session {self.name!r} is damaged: {error}") from None
        start = replace(self._now, mode=cast(WorldMode, log.terms.mode), faults=faults)
        now = replace(empty(start, log.terms.seed), branch=log.branch)
        for step in log.steps:
            if isinstance(step, Base):
                state = (step.state or now.state).apply(step.changes)
                now = replace(now, state=state, before=step.before or now.before)
            else:
                turn, changes = step
                now = self._after(now, turn, now.state.apply(changes), log.branch)
        return now


def is_empty(now: Snapshot) -> bool:
    """Whether nothing has to be written down to begin here."""
    return now.count == 0 and now.state == State()


def terms_of(now: Snapshot) -> Terms:
    """What is fixed for the turns that follow a moment."""
    faults = [rule.model_dump(mode="json", exclude_defaults=True) for rule in now.faults]
    return Terms(now.toolset_digest, now.seed, now.mode, faults)
