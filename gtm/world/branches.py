"""Branches in the database: how one is begun, read, ended and forgotten.

A branch is an append-only list of turns that goes on from a point of its parent; a world is the fold of the changes
from its root on. So a fork, a snapshot and a restore copy nothing. Every function works inside a transaction that its
caller began.
"""

import json
import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from gtm.errors import SessionGone
from gtm.types import Turn
from gtm.world.database import branches, points, turns, worlds
from gtm.world.journal import Base, Log, Point, Terms, dump_turn, load_changes, load_turn

END = ""
"""The turn that ends a branch."""

APPEND = "INSERT INTO gtm_turns (branch, n, turn, changes) VALUES ({}, {}, {}, {})"


def begin(connection: Connection, terms: Terms, parent: Point | None = None, base: Base | None = None) -> str:
    """A new branch, from a point of another or from nothing. Raises IntegrityError where the parent is gone."""
    identity = uuid.uuid4().hex
    if parent is not None:
        parent = _shortened(connection, parent)
    before = parent.count if parent else 0
    row = {
        "id": identity,
        "parent": parent.branch if parent else None,
        "parent_n": before,
        "toolset": terms.toolset,
        "seed": str(terms.seed),
        "mode": terms.mode,
        "faults": json.dumps(terms.faults),
        "base": base.dump() if base is not None else None,
    }
    connection.execute(sa.insert(branches), row)
    if base is not None and base.turns:
        connection.execute(sa.insert(turns), _rows(identity, before, base.turns))
    return identity


def exists(connection: Connection, branch: str) -> bool:
    """Whether a branch is there."""
    return connection.execute(sa.select(branches.c.id).where(branches.c.id == branch)).scalar() is not None


def count_of(branch: "sa.ColumnElement[str]") -> "sa.ColumnElement[int]":
    """The number of a branch's last turn, as a part of a query."""
    last = sa.select(sa.func.max(turns.c.n)).where(turns.c.branch == branch, turns.c.turn != END).scalar_subquery()
    own = branches.alias()
    before = sa.select(own.c.parent_n).where(own.c.id == branch).scalar_subquery()
    return sa.func.coalesce(last, before)


def end(connection: Connection, branch: str) -> int:
    """Let nobody append any more; the number of the last turn. Raises IntegrityError where an append was quicker."""
    last = int(connection.execute(sa.select(count_of(sa.literal(branch)))).scalar_one())
    connection.execute(sa.insert(turns), {"branch": branch, "n": last + 1, "turn": END, "changes": END})
    return last


def read(connection: Connection, point: Point) -> Log:
    """A branch up to a point. Raises SessionGone where there is none, SessionError where it is damaged."""
    chain = _chain(point)
    links = connection.execute(sa.select(chain).order_by(chain.c.depth)).all()
    if not links:
        raise SessionGone("the session was deleted meanwhile; begin it anew")
    leaf = links[0]
    log = Log(point.branch, Terms(leaf.toolset, int(leaf.seed), leaf.mode, json.loads(leaf.faults)), [])
    bases = [(link.parent_n, link.base) for link in links if link.base is not None]
    rows = connection.execute(
        sa.select(turns.c.n, turns.c.turn, turns.c.changes)
        .join(chain, turns.c.branch == chain.c.id)
        .where(turns.c.n <= chain.c.upto, turns.c.turn != END)
        .order_by(turns.c.n)
    )
    for n, turn, changes in rows:
        while bases and bases[-1][0] < n:
            log.steps.append(Base.load(bases.pop()[1]))
        log.steps.append((load_turn(turn), load_changes(changes)))
    log.steps.extend(Base.load(base) for _, base in reversed(bases))
    return log


def after(connection: Connection, session: str, world: str, point: Point) -> list[tuple[str, str, str]]:
    """The branch a world is on, with each turn and its changes, as text, that came after the point there.

    One row with an empty turn where nothing did; no row where the world is gone.
    """
    newer = sa.and_(
        turns.c.branch == worlds.c.branch,
        worlds.c.branch == point.branch,
        turns.c.n > point.count,
        turns.c.turn != END,
    )
    query = sa.select(worlds.c.branch, turns.c.turn, turns.c.changes)
    query = query.select_from(worlds.outerjoin(turns, newer)).order_by(turns.c.n)
    found = connection.execute(query.where(worlds.c.session == session, worlds.c.world == world))
    return [(branch, turn or END, changes or END) for branch, turn, changes in found]


def release(connection: Connection, branch: str | None) -> None:
    """Forget a branch that nothing leads to, and its parents as far as that is true of them."""
    while branch is not None:
        parent = connection.execute(sa.select(branches.c.parent).where(branches.c.id == branch)).scalar()
        child = branches.alias()
        used = [
            sa.exists().where(worlds.c.branch == branch),
            sa.exists().where(points.c.branch == branch),
            sa.exists().where(child.c.parent == branch),
        ]
        gone = connection.execute(sa.delete(branches).where(branches.c.id == branch, *(~known for known in used)))
        branch = parent if gone.rowcount else None


def _chain(point: Point) -> sa.CTE:
    """The branch and its ancestors, nearest first, with the last turn of each that counts."""
    columns = (*branches.c,)
    start = sa.select(*columns, sa.literal(point.count).label("upto"), sa.literal(0).label("depth"))
    chain = start.where(branches.c.id == point.branch).cte("chain", recursive=True)
    parents = sa.select(*columns, chain.c.parent_n.label("upto"), (chain.c.depth + 1).label("depth"))
    return chain.union_all(parents.join(chain, branches.c.id == chain.c.parent))


def _shortened(connection: Connection, point: Point) -> Point:
    """The same moment by the branch that has its last turn, so that forks of forks stay close to their root."""
    query = sa.select(branches.c.parent, branches.c.parent_n, branches.c.base).where(branches.c.id == point.branch)
    row = connection.execute(query).first()
    while row is not None and row.parent is not None and row.base is None and row.parent_n >= point.count:
        point = Point(row.parent, row.parent_n)
        row = connection.execute(query.where(branches.c.id == point.branch)).first()
    return point


def _rows(branch: str, before: int, history: Sequence[Turn]) -> list[dict[str, object]]:
    return [
        {"branch": branch, "n": before + number, "turn": dump_turn(turn), "changes": "[]"}
        for number, turn in enumerate(history, 1)
    ]
