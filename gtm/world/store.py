"""Sessions that last: an SQLite file for one process, a PostgreSQL database for several.

A session has a branch (`gtm.world.branches`) for each world it touched. Inserting the next turn is the
compare-and-swap: who comes second is told so and reads again; ending a branch takes its next number, so nobody can
append to what was left. No lock is held between two calls of this module, so a killed process leaves nothing behind.
A turn is acknowledged after its commit. Import this module only where a store is used: SQLAlchemy takes 0.2 s.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from gtm.errors import LimitError, SessionGone, StoreError
from gtm.types import Json, Turn
from gtm.world import branches
from gtm.world.database import branches as table
from gtm.world.database import (
    connect,
    failure,
    lock,
    points,
    prepare,
    sessions,
    shown,
    snapshots,
    url_of,
    worlds,
)
from gtm.world.journal import Base, Entry, Known, Log, Point, Terms, dump_changes, dump_turn, load_changes, load_turn
from gtm.world.state import Change
from gtm.world.writer import Outcome, Row, Writer

T = TypeVar("T")

MEMORY = "memory"

MAX_SNAPSHOTS = 1_000
"""Kept for one session: what they lead to cannot be forgotten."""

MAX_ATTEMPTS = 20
"""Of a change of branches that concurrent appends come before."""

MAX_TOUCHED = 100_000
"""Sessions whose last use is remembered in this process."""

TOUCH_SECONDS = 3600.0
"""A session's last use is written down this often: retention counts days."""


def open_store(given: str, *, on_wait: Callable[[], None] | None = None) -> "Store | None":
    """The store at a path or URL; None for `memory`.

    Args:
        given: `memory`, a path, `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`.
        on_wait: called once before waiting for another process that holds the SQLite file; None: do not wait.

    Raises:
        StoreError: it cannot be opened, is held by another process, or is no store of ours.
    """
    return None if given == MEMORY else Store(given, on_wait=on_wait)


class Store:
    """Sessions in a database; see `open_store`. Safe to use from any thread."""

    def __init__(self, given: str, *, on_wait: Callable[[], None] | None = None) -> None:
        url = url_of(given)
        self.shared = url.drivername != "sqlite"
        """Whether other processes may write too."""
        self.name = shown(url)
        self._lock = None if self.shared else lock(url, on_wait)
        self._touched: dict[str, float] = {}
        self._insert = postgresql.insert if self.shared else sqlite.insert
        # As the driver takes it: building the statement anew takes as long as SQLite does.
        self._append = branches.APPEND.format(*(["%s" if self.shared else "?"] * 4))
        try:
            self._engine = connect(url)
            prepare(self._engine)
        except BaseException:
            if self._lock is not None:
                self._lock.close()
            raise
        self.writer = Writer(self._commit)

    def close(self) -> None:
        """Write what waits and let go of the database."""
        self.writer.close()
        self._engine.dispose()
        if self._lock is not None:
            self._lock.close()

    # -- turns --------------------------------------------------------------------------------------------------

    def append(self, session: str, point: Point, turn: Turn, changes: Sequence[Change]) -> "asyncio.Future[bool]":
        """Write the turn that follows a point; False where somebody else wrote one or ended the branch.

        From a coroutine. Where it is cancelled or raises StoreError, the turn may have been written or not.
        """
        row = (point.branch, point.count + 1, dump_turn(turn), dump_changes(changes))
        self._touch(session)
        return self.writer.append(row)

    def read(self, point: Point) -> Log:
        """All that leads to a point. Raises SessionGone, SessionError and StoreError."""
        return self._read(branches.read, point)

    def news(self, session: str, world: str, point: Point) -> tuple[str, list[Entry]]:
        """The branch a world is on, and, where that is the point's, what came after it. Raises SessionGone."""
        rows = self._read(branches.after, session, world, point)
        if not rows:
            raise SessionGone(f"the session {session!r} was deleted meanwhile; begin it anew")
        return rows[0][0], [(load_turn(turn), load_changes(changes)) for _, turn, changes in rows if turn]

    def head(self, session: str, world: str) -> str | None:
        """The branch a world is on; None where the session has none."""
        query = sa.select(worlds.c.branch).where(worlds.c.session == session, worlds.c.world == world)
        found: str | None = self._read(lambda connection: connection.execute(query).scalar())
        return found

    # -- worlds -------------------------------------------------------------------------------------------------

    def open_world(
        self, session: str, world: str, terms: Terms, *, start: Json = None, base: Base | None = None
    ) -> tuple[str, bool]:
        """The branch of a world, and whether it was begun here; so is the session where there is none."""

        def change(connection: sa.Connection) -> tuple[str, bool]:
            self._add_session(connection, session, start or {})
            query = sa.select(worlds.c.branch).where(worlds.c.session == session, worlds.c.world == world)
            found = connection.execute(query).scalar()
            if found is not None:
                return str(found), False
            branch = branches.begin(connection, terms, base=base)
            connection.execute(sa.insert(worlds), {"session": session, "world": world, "branch": branch})
            return branch, True

        return self._write(change)

    def move_world(
        self,
        session: str,
        world: str,
        terms: Terms,
        *,
        parent: Point | None = None,
        base: Base | None = None,
        only_at: Point | None = None,
    ) -> str | None:
        """Put a world on a new branch and end the one it leaves; the new one.

        None where the parent is gone, or the world is not at `only_at` (any more). Raises SessionGone.
        """

        def change(connection: sa.Connection) -> tuple[str, str]:
            held = (worlds.c.session == session) & (worlds.c.world == world)
            left = connection.execute(sa.select(worlds.c.branch).where(held).with_for_update()).scalar()
            if left is None:
                raise SessionGone(f"the session {session!r} was deleted meanwhile; begin it anew")
            if parent is not None and not branches.exists(connection, parent.branch):
                raise _Elsewhere
            last = branches.end(connection, left)
            if only_at not in (None, Point(left, last)):
                raise _Elsewhere
            branch = branches.begin(connection, terms, parent, base)
            connection.execute(sa.update(worlds).where(held).values(branch=branch))
            return branch, left

        try:
            branch, left = self._write(change)
        except _Elsewhere:
            return None
        self._forget(left)
        return branch

    def _forget(self, *left: str) -> None:
        """Let branches go that nothing leads to any more; who just forked from one keeps it."""
        for branch in left:
            try:
                self.writer.run(self._transact, lambda connection, gone=branch: branches.release(connection, gone))
            except SQLAlchemyError:
                continue

    # -- sessions -----------------------------------------------------------------------------------------------

    def create(self, session: str, start: Json) -> bool:
        """A new session; False where there is one of the name."""
        return self._write(self._add_session, session, start)

    def fork(self, session: str, start: Json, origins: Mapping[str, tuple[Terms, Point]]) -> dict[str, str] | None:
        """A new session whose worlds go on from points of others; their branches.

        None where a session of the name has worlds already.
        """

        def change(connection: sa.Connection) -> dict[str, str] | None:
            self._add_session(connection, session, start)
            if connection.execute(sa.select(worlds.c.world).where(worlds.c.session == session)).first():
                return None
            begun = {}
            for world, (terms, point) in sorted(origins.items()):
                begun[world] = branches.begin(connection, terms, point)
                row = {"session": session, "world": world, "branch": begun[world]}
                connection.execute(sa.insert(worlds), row)
            return begun

        return self._write(change)

    def start(self, session: str) -> Json:
        """How the session was begun; None where there is none."""
        query = sa.select(sessions.c.start).where(sessions.c.name == session)
        found = self._read(lambda connection: connection.execute(query).scalar())
        return None if found is None else json.loads(found)

    def restart(self, session: str, start: Json) -> None:
        """Change how worlds that the session has not touched will begin."""
        query = sa.update(sessions).where(sessions.c.name == session).values(start=json.dumps(start))
        self._write(lambda connection: connection.execute(query))

    def known(self, session: str | None = None) -> list[Known]:
        """All sessions, least recently used first; or the one of a name, if there is one."""
        return self._read(_listed, session)

    def delete(self, session: str) -> bool:
        """Forget a session; what others forked from it stays. False where there is none."""

        def change(connection: sa.Connection) -> tuple[bool, list[str]]:
            held = [
                *connection.execute(sa.select(worlds.c.branch).where(worlds.c.session == session)).scalars(),
                *connection.execute(sa.select(points.c.branch).where(points.c.session == session)).scalars(),
            ]
            gone = connection.execute(sa.delete(sessions).where(sessions.c.name == session))
            return bool(gone.rowcount), sorted(set(held))

        found, left = self._write(change)
        self._forget(*left)
        self._touched.pop(session, None)
        return found

    def prune(self, days: float) -> int:
        """Delete the sessions that nobody used for so many days; how many."""
        before = time.time() - days * 86_400
        query = sa.select(sessions.c.name).where(sessions.c.used < before)
        names = self._read(lambda connection: connection.execute(query).scalars().all())
        return sum(self.delete(name) for name in names)

    # -- snapshots ----------------------------------------------------------------------------------------------

    def keep(self, session: str, moment: Mapping[str, Point]) -> str:
        """Keep a moment of the session's worlds; its id. Raises LimitError, SessionGone."""

        def change(connection: sa.Connection) -> str:
            counted = sa.select(sa.func.count()).where(snapshots.c.session == session)
            if (connection.execute(counted).scalar() or 0) >= MAX_SNAPSHOTS:
                raise LimitError(f"session {session!r} has {MAX_SNAPSHOTS} snapshots; fork it or delete it")
            taken = sa.update(sessions).where(sessions.c.name == session).values(taken=sessions.c.taken + 1)
            number = connection.execute(taken.returning(sessions.c.taken)).scalar()
            if number is None:
                raise SessionGone(f"the session {session!r} was deleted meanwhile; begin it anew")
            connection.execute(sa.insert(snapshots), {"session": session, "id": number})
            for world, point in sorted(moment.items()):
                row = {"session": session, "id": number, "world": world, "branch": point.branch, "n": point.count}
                connection.execute(sa.insert(points), row)
            return f"s{number}"

        return self._write(change)

    def kept(self, session: str, identity: str) -> dict[str, Point] | None:
        """The moment of an id; None where there is none."""
        if not (identity[:1] == "s" and identity[1:].isdecimal() and identity.isascii() and len(identity) < 10):
            return None
        number = int(identity[1:])

        def look(connection: sa.Connection) -> dict[str, Point] | None:
            there = sa.select(snapshots.c.id).where(snapshots.c.session == session, snapshots.c.id == number)
            if connection.execute(there).scalar() is None:
                return None
            rows = connection.execute(sa.select(points).where(points.c.session == session, points.c.id == number))
            return {row.world: Point(row.branch, row.n) for row in rows}

        return self._read(look)

    # -- the database -------------------------------------------------------------------------------------------

    def _add_session(self, connection: sa.Connection, session: str, start: Json) -> bool:
        row = {"name": session, "start": json.dumps(start), "used": time.time(), "taken": 0}
        added = connection.execute(self._insert(sessions).values(row).on_conflict_do_nothing())
        return bool(added.rowcount)

    def _touch(self, session: str) -> None:
        """Write down that the session is used, now and then; nobody waits for it."""
        now = time.time()
        if now - self._touched.get(session, 0.0) > TOUCH_SECONDS:
            if len(self._touched) >= MAX_TOUCHED:
                self._touched.clear()
            self._touched[session] = now
            query = sa.update(sessions).where(sessions.c.name == session).values(used=now)
            self.writer.post(self._transact, lambda connection: connection.execute(query))

    def _commit(self, rows: Sequence[Row]) -> Sequence[Outcome]:
        """Write rows in one transaction; one by one where one of them comes second."""
        order = sorted(range(len(rows)), key=lambda index: rows[index][:2])
        outcomes: list[Outcome] = [True] * len(rows)
        try:
            # Sorted: two processes that wait for each other's rows wait in the same direction.
            with self._engine.begin() as connection:
                connection.exec_driver_sql(self._append, [rows[index] for index in order])
        except IntegrityError as error:
            if len(rows) == 1:
                return [False]
            del error
            for index in order:
                outcomes[index] = self._commit([rows[index]])[0]
        except SQLAlchemyError as error:
            return [failure(self._engine.url, error)] * len(rows)
        return outcomes

    def _read(self, function: Callable[..., T], *arguments: Any) -> T:
        try:
            return self._look(function, *arguments)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise failure(self._engine.url, error) from error
        # The connection was from before the database was restarted; the next one is new.
        try:
            return self._look(function, *arguments)
        except SQLAlchemyError as error:
            raise failure(self._engine.url, error) from error

    def _look(self, function: Callable[..., T], *arguments: Any) -> T:
        with self._engine.connect() as connection:
            return function(connection.execution_options(isolation_level="AUTOCOMMIT"), *arguments)

    def _write(self, function: Callable[..., T], *arguments: Any) -> T:
        """Run a change in a transaction, again where an append or another process came before it."""
        if self.shared:
            self._read(lambda connection: connection.execute(sa.select(1)).scalar())
        for _ in range(MAX_ATTEMPTS):
            try:
                written: T = self.writer.run(self._transact, function, *arguments)
                return written
            except IntegrityError:
                continue
            except SQLAlchemyError as error:
                raise failure(self._engine.url, error) from error
        raise StoreError(f"the store {self.name!r} is too busy with this session; try again")

    def _transact(self, function: Callable[..., T], *arguments: Any) -> T:
        with self._engine.begin() as connection:
            return function(connection, *arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Elsewhere(Exception):
    """The world is not where a change was meant for."""


def _listed(connection: sa.Connection, session: str | None) -> list[Known]:
    named = sa.true() if session is None else sessions.c.name == session
    count = branches.count_of(worlds.c.branch).label("turns")
    of_world = sa.select(worlds.c.session, worlds.c.world, table.c.seed, count).join(table)
    of_snapshot = sa.select(snapshots).order_by(snapshots.c.id)
    if session is not None:
        of_world, of_snapshot = (
            of_world.where(worlds.c.session == session),
            of_snapshot.where(snapshots.c.session == session),
        )
    counts: dict[str, dict[str, int]] = {}
    seeds: dict[str, dict[str, int]] = {}
    for row in connection.execute(of_world):
        counts.setdefault(row.session, {})[row.world] = row.turns
        seeds.setdefault(row.session, {})[row.world] = int(row.seed)
    taken: dict[str, list[str]] = {}
    for row in connection.execute(of_snapshot):
        taken.setdefault(row.session, []).append(f"s{row.id}")
    rows = connection.execute(sa.select(sessions).where(named).order_by(sessions.c.used, sessions.c.name))
    return [
        Known(
            name=row.name,
            start=json.loads(row.start),
            counts=counts.get(row.name, {}),
            seeds=seeds.get(row.name, {}),
            snapshots=tuple(taken.get(row.name, ())),
        )
        for row in rows
    ]
