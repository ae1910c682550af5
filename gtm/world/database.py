"""The database under a store: its tables, and how an SQLite file or a PostgreSQL database is opened.

One SQLite file belongs to one process at a time, held by a lock beside it. What is not ours, or of another format, is
refused and left as it is. No password of a URL is ever shown.
"""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from gtm.errors import StoreError

FORMAT = "gtm-store-1"

LOCK_NUMBER = 0x67746D
"""Of the advisory lock under which PostgreSQL's tables are made: two servers may start at once."""

_PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A PostgreSQL whose machine is gone is noticed within some ten seconds; the URL may say otherwise."""

metadata = sa.MetaData()

meta = sa.Table("gtm_meta", metadata, sa.Column("format", sa.Text, nullable=False))

sessions = sa.Table(
    "gtm_sessions",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("start", sa.Text, nullable=False),
    sa.Column("used", sa.Float, nullable=False, index=True),
    sa.Column("taken", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)

branches = sa.Table(
    "gtm_branches",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("parent", sa.Text, sa.ForeignKey("gtm_branches.id"), index=True),
    sa.Column("parent_n", sa.Integer, nullable=False),
    sa.Column("toolset", sa.Text, nullable=False),
    sa.Column("seed", sa.Text, nullable=False),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("faults", sa.Text, nullable=False),
    sa.Column("base", sa.Text),
    sqlite_with_rowid=False,
)

turns = sa.Table(
    "gtm_turns",
    metadata,
    sa.Column("branch", sa.Text, sa.ForeignKey("gtm_branches.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("turn", sa.Text, nullable=False),
    sa.Column("changes", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
"""`n` counts from the session's very first turn. An empty `turn` ends the branch: nobody can append any more."""

worlds = sa.Table(
    "gtm_worlds",
    metadata,
    sa.Column("session", sa.Text, sa.ForeignKey("gtm_sessions.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("world", sa.Text, primary_key=True),
    sa.Column("branch", sa.Text, sa.ForeignKey("gtm_branches.id"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

snapshots = sa.Table(
    "gtm_snapshots",
    metadata,
    sa.Column("session", sa.Text, sa.ForeignKey("gtm_sessions.name", ondelete="CASCADE"), primary_key=True),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

points = sa.Table(
    "gtm_points",
    metadata,
    sa.Column("session", sa.Text, primary_key=True),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("world", sa.Text, primary_key=True),
    sa.Column("branch", sa.Text, sa.ForeignKey("gtm_branches.id"), nullable=False, index=True),
    sa.Column("n", sa.Integer, nullable=False),
    sa.ForeignKeyConstraint(["session", "id"], ["gtm_snapshots.session", "gtm_snapshots.id"], ondelete="CASCADE"),
    sqlite_with_rowid=False,
)


def url_of(given: str) -> URL:
    """The URL of a path or URL. Raises StoreError where it is neither."""
    if "://" not in given:
        return URL.create("sqlite", database=given)
    try:
        url = make_url(given)
    except ArgumentError:
        raise StoreError("the store's URL cannot be read; write postgresql://USER@HOST/DATABASE") from None
    kind = url.drivername.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind != "sqlite" or not url.database or url.database == ":memory:":
        raise StoreError(
            f"{shown(url)!r} is no store; use 'memory', a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"
        )
    return url


def shown(url: URL) -> str:
    """A URL or path as people may see it."""
    return str(url.database) if url.drivername == "sqlite" else url.render_as_string(hide_password=True)


def connect(url: URL) -> sa.Engine:
    """The engine for a URL; nothing is opened yet."""
    if url.drivername == "sqlite":
        engine = sa.create_engine(url)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        return engine
    options = {name: value for name, value in _PATIENCE.items() if name not in url.query}
    try:
        return sa.create_engine(url, connect_args=options)
    except ImportError:
        raise StoreError("PostgreSQL needs a driver; install 'gtm-sim[postgres]'") from None


def _prepare_sqlite(connection: Any, record: Any) -> None:
    # Survives the end of the process, whatever its cause; a machine that loses power may lose the last turns.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")


def prepare(engine: sa.Engine) -> None:
    """Make the tables, or see that they are ours. Raises StoreError."""
    try:
        with guarded(engine.url):
            _check(engine)
            with engine.begin() as connection:
                _make(connection)
    except StoreError:
        engine.dispose()
        raise


def _check(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        tables = sa.inspect(connection).get_table_names()
        found = connection.execute(sa.select(meta.c.format)).scalar() if meta.name in tables else None
        if found not in (None, FORMAT):
            raise StoreError(
                f"the store {shown(engine.url)!r} has the format {found!r}, not {FORMAT!r}; "
                "open it with the version of gtm that made it, or name another store"
            )
        if engine.dialect.name == "sqlite":
            if tables and meta.name not in tables:
                raise StoreError(f"{shown(engine.url)!r} is a database of something else; name another file")
            # The file is ours from here on. Readers and the writer do not wait for each other.
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")


def _make(connection: sa.Connection) -> None:
    """Whatever is missing: a process may have ended between two tables."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_NUMBER)))
    meta.create(connection, checkfirst=True)
    metadata.create_all(connection)
    if connection.execute(sa.select(meta.c.format)).first() is None:
        connection.execute(sa.insert(meta).values(format=FORMAT))


@contextlib.contextmanager
def guarded(url: URL) -> Iterator[None]:
    """What the database raises, as StoreError."""
    try:
        yield
    except SQLAlchemyError as error:
        raise failure(url, error) from error


def failure(url: URL, error: SQLAlchemyError) -> StoreError:
    """What happened, in a line, without the statement and its values."""
    cause = str(error.orig if isinstance(error, DBAPIError) else error).strip().partition("\n")[0]
    if "not a database" in cause:
        return StoreError(f"{shown(url)!r} is no store of sessions ({cause}); name another file")
    next_step = "see that it runs and can be reached" if url.drivername != "sqlite" else "see that it can be written"
    return StoreError(f"the store {shown(url)!r} failed: {cause}; {next_step}, then try again")


def lock(url: URL, on_wait: Callable[[], None] | None) -> IO[str]:
    """Hold an SQLite file against other processes; with `on_wait`, called once, wait for them. Raises StoreError."""
    path = shown(url)
    try:
        held = open(f"{path}.lock", "a")  # noqa: SIM115 - closed by the store
    except OSError as error:
        raise StoreError(f"the store {path!r} cannot be locked: {error.strerror}; name another file") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if on_wait is None:
            held.close()
            raise StoreError(
                f"the store {path!r} is in use by another process; use PostgreSQL to share sessions"
            ) from None
        on_wait()
        fcntl.flock(held, fcntl.LOCK_EX)
    except OSError as error:
        held.close()
        raise StoreError(f"the store {path!r} cannot be locked: {os.strerror(error.errno or 0)}") from None
    return held
