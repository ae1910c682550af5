"""Which candidate rows stay: an index of all of them on disk, and the decisions in it, in a fixed order.

Whole sessions go where there are too many of a kind, drawn by a hash of their names, so that what stays can be
replayed. Memory does not grow with the number of rows: groups are counted by the database.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import Field
from pydantic_core import from_json

from gtm.carg.folder import RunFolder
from gtm.carg.near import near_duplicates
from gtm.carg.stage import Progress
from gtm.errors import RunError
from gtm.tools.catalog import split
from gtm.types import Frozen, Json
from gtm.world.services import seed_of

Label = Literal["tool", "family", "domain", "source", "kind", "origin", "length", "split"]

LENGTHS = (50, 200, 800, 3200)
"""Characters of an answer that part one class of length from the next."""

LABELS = ("split", "source", "kind", "origin", "length", "domain", "outcome", "refusal", "error", "effect")
"""What rows are counted by."""

MARGIN = 0.005
"""How far inside its limits the share of errors is brought."""


class Cap(Frozen):
    """At most so many rows of each group."""

    by: tuple[Label, ...]
    most: int = Field(gt=0)
    real: bool | None = False
    """Only planned rows (false), only real ones (true), all (null)."""
    only: dict[Label, str] = Field(default_factory=dict)
    """Only rows with these labels."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of a candidate row."""

    dropped: str
    step: int
    steps: int
    repeat: bool
    changed: bool
    """Whether the row must be written anew."""
    labels: dict[str, str]

    @property
    def origin(self) -> str:
        """Who said what the row's answer says."""
        return self.labels["origin"]


_TABLES = """
CREATE TABLE session (n INTEGER PRIMARY KEY, draw INTEGER, real INTEGER, rows INTEGER, errors INTEGER, dropped TEXT);
CREATE TABLE row (
    n INTEGER PRIMARY KEY, session INTEGER, step INTEGER, steps INTEGER, hash BLOB, family TEXT, tool TEXT,
    split TEXT, source TEXT, kind TEXT, origin TEXT, length TEXT, domain TEXT, outcome TEXT, refusal TEXT,
    error TEXT, effect TEXT, dropped TEXT, new_step INTEGER, new_steps INTEGER, repeat INTEGER DEFAULT 0
);
"""
_INDICES = """
CREATE INDEX row_session ON row (session);
CREATE INDEX row_family ON row (family);
CREATE INDEX row_hash ON row (hash);
"""


class Index:
    """The decisions, for reading."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)

    def decided(self, family: str) -> list[Decided]:
        """For each candidate row of a family, in order."""
        columns = ", ".join(LABELS)
        query = (
            f"SELECT dropped, step, steps, new_step, new_steps, repeat, {columns} FROM row"
            " WHERE family = ? ORDER BY n"
        )
        found = []
        for dropped, step, steps, new_step, new_steps, repeat, *labels in self._database.execute(query, (family,)):
            named = {name: value for name, value in zip(LABELS, labels, strict=True) if value}
            changed = bool(repeat) or (step, steps) != (new_step, new_steps)
            found.append(Decided(dropped or "", new_step or 0, new_steps or 0, bool(repeat), changed, named))
        return found

    def summary(self) -> dict[str, Json]:
        """What the decisions come to."""
        query = (
            "SELECT count(*), coalesce(sum(outcome = 'error'), 0), coalesce(sum(real), 0) FROM row JOIN session"
            " ON row.session = session.n WHERE row.dropped IS NULL AND NOT repeat"
        )
        rows, errors, real = self._database.execute(query).fetchone()
        return {"rows": rows, "real_rows": real, "error_share": round(errors / rows, 4) if rows else 0.0}

    def close(self) -> None:
        """Free the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def select(folder: RunFolder, path: Path, tell: Progress) -> None:
    """Index the candidate rows and decide; the file appears when all is decided."""
    scratch = path.with_name(f"{path.name}.new")
    scratch.unlink(missing_ok=True)
    config = folder.recipe.curate
    try:
        with closing(sqlite3.connect(scratch)) as database:
            database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
            _fill(database, folder, tell)
            database.executescript(_INDICES)
            if config.near:
                _drop_near(database, folder, config.near)
            for cap in config.caps:
                _cap(database, cap)
            _drop_repeated_sessions(database)
            _meet(database, config.errors)
            _finish(database)
            database.commit()
        scratch.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise RunError(
            f"the stage 'curate' cannot write its index to {str(path)!r} ({error}); free some room and run it again"
        ) from error


def _fill(database: sqlite3.Connection, folder: RunFolder, tell: Progress) -> None:
    units = [unit for unit in folder.units_of("check", "checked") if unit.spans]
    seed = folder.recipe.seed
    session, last, row_number = -1, "", 0
    for at, unit in enumerate(units):
        rows, sessions = [], []
        for line in folder.read("checked", unit.spans["checked"]).splitlines():
            row = from_json(line)
            if row["session"] != last:
                session, last = session + 1, row["session"]
                real = row["call"]["kind"] in ("recorded", "documented")
                sessions.append((session, seed_of(seed, "balance", last), real))
            rows.append(_as_record(row_number, session, row))
            row_number += 1
        database.executemany("INSERT INTO session (n, draw, real) VALUES (?, ?, ?)", sessions)
        database.executemany(
            "INSERT INTO row (n, session, step, steps, hash, family, tool, split, source, kind, origin, length,"
            " domain, outcome, refusal, error, effect) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        tell(at + 1, len(units))


def _as_record(number: int, session: int, row: dict[str, Json]) -> tuple[Json, ...]:
    call, result = row["call"], row["call"]["result"]
    size = len(result.get("text", ""))
    length = next((f"{most}" for most in LENGTHS if size < most), "more")
    error = (result.get("error") or {}).get("kind")
    return (
        number,
        session,
        row["step"],
        row["steps"],
        bytes.fromhex(row["hash"])[:16],
        row["family"],
        row["tool_id"] or f"{row['family']}/{call['tool']}",
        split(row["family"]),
        row["source"],
        call["kind"],
        call["origin"],
        length,
        row["domain"],
        "error" if result.get("is_error") else "success",
        call.get("refusal"),
        error,
        call["effect"],
    )


def _drop_near(database: sqlite3.Connection, folder: RunFolder, threshold: float) -> None:
    """A row too near to one of another split; what follows it in a planned session goes with it."""
    query = "SELECT family, min(n) FROM row GROUP BY family"
    firsts = {str(family): int(number) for family, number in database.execute(query)}
    found = ((number,) for number in near_duplicates(folder, threshold, firsts))
    database.executemany("UPDATE row SET dropped = 'near' WHERE n = ?", found)
    database.execute(
        "UPDATE row SET dropped = 'follows' WHERE dropped IS NULL"
        " AND session IN (SELECT n FROM session WHERE NOT real)"
        " AND step > (SELECT min(step) FROM row AS other WHERE other.session = row.session AND dropped = 'near')"
    )


def _cap(database: sqlite3.Connection, cap: Cap) -> None:
    """Sessions at least half of whose rows are beyond the cap."""
    where = ["row.dropped IS NULL", *(f"row.{label} = :{label}" for label in cap.only)]
    if cap.real is not None:
        where.append("session.real" if cap.real else "NOT session.real")
    given: dict[str, Json] = {"most": cap.most, **{str(label): value for label, value in cap.only.items()}}
    groups = ", ".join(f"row.{label}" for label in cap.by) or "1"
    database.execute(
        "UPDATE row SET dropped = 'balance' WHERE dropped IS NULL AND session IN (SELECT session FROM (SELECT"
        f" row.session, row_number() OVER (PARTITION BY {groups} ORDER BY session.draw, row.n) AS place"
        f" FROM row JOIN session ON row.session = session.n WHERE {' AND '.join(where)})"
        " GROUP BY session HAVING 2 * sum(place > :most) >= count(*))",
        given,
    )


def _drop_repeated_sessions(database: sqlite3.Connection) -> None:
    """Sessions that say nothing new; the others keep what they repeat, for what comes after it."""
    _mark_repeats(database)
    database.execute(
        "UPDATE row SET dropped = 'duplicate' WHERE dropped IS NULL AND session IN"
        " (SELECT session FROM row WHERE dropped IS NULL GROUP BY session HAVING min(repeat) = 1)"
    )


def _mark_repeats(database: sqlite3.Connection) -> None:
    database.execute(
        "UPDATE row SET repeat = row.dropped IS NULL AND row.n > first.number FROM"
        " (SELECT hash, min(n) AS number FROM row WHERE dropped IS NULL GROUP BY hash) AS first"
        " WHERE row.hash = first.hash"
    )


def _meet(database: sqlite3.Connection, limits: tuple[float, float]) -> None:
    """Bring the share of errors within its limits: planned sessions of one outcome go, in the order drawn."""
    low, high = limits
    rows, errors = database.execute(
        "SELECT count(*), coalesce(sum(outcome = 'error'), 0) FROM row WHERE dropped IS NULL AND NOT repeat"
    ).fetchone()
    if not rows:
        return
    outcome = "error" if errors > rows * high else "success" if errors < rows * low else None
    if outcome is None:
        return
    going = []
    for session, count in _of_one_outcome(database, outcome):
        share = errors / rows if rows else 0.0
        if rows <= count or (share <= high - MARGIN if outcome == "error" else share >= low + MARGIN):
            break
        going.append((session,))
        rows -= count
        errors -= count if outcome == "error" else 0
    database.executemany("UPDATE row SET dropped = 'error_share' WHERE dropped IS NULL AND session = ?", going)


def _of_one_outcome(database: sqlite3.Connection, outcome: str) -> Iterator[tuple[int, int]]:
    """Planned sessions with no other outcome, none of whose rows another session repeats; the shortest first."""
    yield from database.execute(
        "SELECT row.session, count(*) FROM row JOIN session ON row.session = session.n"
        " WHERE row.dropped IS NULL AND NOT session.real GROUP BY row.session"
        " HAVING min(outcome) = ? AND max(outcome) = ? AND NOT max(repeat)"
        " AND NOT max(EXISTS (SELECT 1 FROM row AS other WHERE other.hash = row.hash AND other.repeat))"
        " ORDER BY count(*), session.draw, row.session",
        (outcome, outcome),
    )


def _finish(database: sqlite3.Connection) -> None:
    """Mark what is repeated among what is left, and number it anew."""
    _mark_repeats(database)
    database.execute(
        "UPDATE row SET new_step = place.step, new_steps = place.steps FROM (SELECT n, row_number() OVER"
        " (PARTITION BY session ORDER BY n) - 1 AS step, count(*) OVER (PARTITION BY session) AS steps"
        " FROM row WHERE dropped IS NULL) AS place WHERE row.n = place.n"
    )
