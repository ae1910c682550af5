"""Which tools are duplicates of which, and what belongs to which family: decided once, in SQLite on disk.

Built in one pass over the keys that `read` wrote: tools that recordings refer to first, then the others, each in the
order they were read. The first of equal tools is kept; the others' ids become its aliases. What was built is a
function of the files of `read` and the threshold. Memory: SQLite's page cache and nothing else.
"""

import base64
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gtm.carg.folder import RunFolder
from gtm.carg.minhash import Near
from gtm.carg.stage import Span
from gtm.errors import RunError
from gtm.types import Json
from gtm.world.words import flat

_SCHEMA = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; PRAGMA temp_store=FILE;
CREATE TABLE tool(number INTEGER PRIMARY KEY, id TEXT UNIQUE, family INTEGER, name TEXT, digest BLOB,
                  signature BLOB, start INTEGER, end INTEGER, referred INTEGER);
CREATE TABLE verdict(number INTEGER PRIMARY KEY, kept INTEGER, why TEXT);
CREATE TABLE family(number INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE referred(id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE first(digest BLOB, family INTEGER, number INTEGER, PRIMARY KEY(digest, family)) WITHOUT ROWID;
CREATE TABLE session(number INTEGER, family INTEGER, start INTEGER, end INTEGER, PRIMARY KEY(family, number))
    WITHOUT ROWID;
CREATE TABLE count(what TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
BEGIN;
"""


@dataclass(slots=True)
class Holding:
    """What a family has: parts of the files `read` and `recorded`, and who is an alias of whom."""

    family: str
    tools: list[Span] = field(default_factory=list)
    sessions: list[Span] = field(default_factory=list)
    aliases: dict[str, list[str]] = field(default_factory=dict)
    """Id of a kept tool -> the ids of those dropped for it."""
    dropped: dict[str, int] = field(default_factory=dict)


def build(folder: RunFolder, threshold: float) -> None:
    """Make the index, unless it is there."""
    path = _path(folder)
    if path.exists():
        return
    scratch = path.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    near = Near(path.with_suffix(".near"), threshold) if threshold else None
    base = sqlite3.connect(scratch, isolation_level=None)
    try:
        base.executescript(_SCHEMA)
        _refer(base, folder)
        _list_tools(base, folder)
        _decide(base, near)
        _list_sessions(base, folder)
        base.execute("CREATE INDEX by_family ON tool(family, number)")
        base.execute("CREATE INDEX by_kept ON verdict(kept)")
        base.execute("COMMIT")
    except sqlite3.Error as error:
        raise RunError(f"the index {str(scratch)!r} cannot be written ({error}); free some room") from error
    finally:
        base.close()
        if near is not None:
            near.close()
            path.with_suffix(".near").unlink(missing_ok=True)
    scratch.replace(path)


def holdings(folder: RunFolder) -> Iterator[Holding]:
    """Families in the order of their first tool, each with what it has; those of which nothing was kept are none."""
    base = sqlite3.connect(f"file:{_path(folder)}?mode=ro", uri=True)
    try:
        for number, name in base.execute("SELECT number, name FROM family ORDER BY number"):
            holding = _holding(base, number, name)
            if holding.tools:
                yield holding
    finally:
        base.close()


def unplaced(folder: RunFolder) -> dict[str, int]:
    """What no family's unit can count, by reason: what had no family, and families of which nothing was kept."""
    base = sqlite3.connect(f"file:{_path(folder)}?mode=ro", uri=True)
    try:
        counts = dict(base.execute("SELECT what, n FROM count ORDER BY what"))
        for why, number in base.execute(
            "SELECT why, COUNT(*) FROM tool JOIN verdict USING (number) WHERE family NOT IN "
            "(SELECT family FROM first) GROUP BY why ORDER BY why"
        ):
            counts[f"dropped/{why}"] = number
        return counts
    finally:
        base.close()


def _path(folder: RunFolder) -> Path:
    return folder.path / "sources.index.sqlite"


def _holding(base: sqlite3.Connection, number: int, name: str) -> Holding:
    holding = Holding(name)
    rows = base.execute(
        "SELECT number, id, start, end, kept, why FROM tool JOIN verdict USING (number) "
        "WHERE family = ? ORDER BY number",
        (number,),
    )
    for tool, id, start, end, kept, why in rows.fetchall():
        if kept == tool:
            holding.tools.append((start, end))
            others = base.execute(
                "SELECT id FROM verdict JOIN tool USING (number) WHERE kept = ? AND number != ? ORDER BY number",
                (tool, tool),
            )
            if aliases := [alias for (alias,) in others]:
                holding.aliases[id] = aliases
        else:
            holding.dropped[why] = holding.dropped.get(why, 0) + 1
    sessions = base.execute("SELECT start, end FROM session WHERE family = ? ORDER BY number", (number,))
    holding.sessions = [(start, end) for start, end in sessions]
    return holding


def _keys(folder: RunFolder, file: str) -> Iterator[dict[str, Json]]:
    with folder.rows(file).open("rb") as opened:
        for line in opened:
            yield json.loads(line)


def _refer(base: sqlite3.Connection, folder: RunFolder) -> None:
    ids = ((tool,) for key in _keys(folder, "recorded_keys") for tool in key["calls"])
    base.executemany("INSERT OR IGNORE INTO referred VALUES (?)", ids)


def _list_tools(base: sqlite3.Connection, folder: RunFolder) -> None:
    start, taken = 0, 0
    for key in _keys(folder, "read_keys"):
        span = (start, start := start + key["bytes"])
        base.execute("INSERT OR IGNORE INTO family(name) VALUES (?)", (key["family"],))
        added = base.execute(
            "INSERT OR IGNORE INTO tool(id, family, name, digest, signature, start, end, referred) VALUES "
            "(?, (SELECT number FROM family WHERE name = ?), ?, ?, ?, ?, ?, "
            "EXISTS(SELECT 1 FROM referred WHERE id = ?))",
            (
                key["id"],
                key["family"],
                flat(key["name"]),
                bytes.fromhex(key["digest"]),
                base64.b64decode(key.get("signature", "")),
                *span,
                key["id"],
            ),
        )
        taken += added.rowcount == 0
    _count(base, "dropped/id_taken", taken)


def _decide(base: sqlite3.Connection, near: Near | None) -> None:
    """Who is kept: a verdict's `kept` is the tool's own number, or that of the one it is a duplicate of.

    What recordings refer to is only ever dropped for a tool of its own family: its sessions need its siblings.
    """
    for referred in (True, False):
        rows = base.cursor().execute(
            "SELECT number, family, name, digest, signature FROM tool WHERE referred = ? ORDER BY number", (referred,)
        )
        for number, family, name, digest, signature in rows:
            within = family if referred else None
            kept, why = _equal(base, digest, within), "exact_duplicate"
            if kept is None and near is not None:
                kept, why = _alike(base, near, signature, name, within), "near_duplicate"
            if kept is None:
                kept, why = number, ""
                base.execute("INSERT OR IGNORE INTO first VALUES (?, ?, ?)", (digest, family, number))
                if near is not None:
                    near.put(str(number), signature)
            base.execute("INSERT INTO verdict VALUES (?, ?, ?)", (number, kept, why))


def _equal(base: sqlite3.Connection, digest: bytes, within: int | None) -> int | None:
    row = base.execute(
        "SELECT number FROM first WHERE digest = ?1 AND (?2 IS NULL OR family = ?2) ORDER BY number LIMIT 1",
        (digest, within),
    ).fetchone()
    return row[0] if row else None


def _alike(base: sqlite3.Connection, near: Near, signature: bytes, name: str, within: int | None) -> int | None:
    """The first kept tool that is near and has the same name: `listPets` and `deletePets` may share all else."""
    for number in near.find(signature):
        row = base.execute("SELECT name, family FROM tool WHERE number = ?", (int(number),)).fetchone()
        if row[0] == name and within in (None, row[1]):
            return int(number)
    return None


def _list_sessions(base: sqlite3.Connection, folder: RunFolder) -> None:
    start, unknown = 0, 0
    for number, key in enumerate(_keys(folder, "recorded_keys")):
        span = (start, start := start + key["bytes"])
        families: dict[int, None] = {}
        for tool, calls in key["calls"].items():
            row = base.execute(
                "SELECT kept.family FROM tool JOIN verdict USING (number) "
                "JOIN tool AS kept ON kept.number = verdict.kept WHERE tool.id = ?",
                (tool,),
            ).fetchone()
            if row:
                families[row[0]] = None
            else:
                unknown += calls
        rows = [(number, family, *span) for family in families]
        base.executemany("INSERT INTO session VALUES (?, ?, ?, ?)", rows)
    _count(base, "dropped/call_of_unknown_tool", unknown)


def _count(base: sqlite3.Connection, what: str, number: int) -> None:
    if number:
        base.execute("INSERT INTO count VALUES (?, ?)", (what, number))
