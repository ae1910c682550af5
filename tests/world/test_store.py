"""Stores: what goes in comes out, who is second is told, what is not ours is refused; on SQLite and PostgreSQL."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gtm.errors import SessionError, StoreError
from gtm.types import Call, Json, Result, Turn
from gtm.world.journal import FOREVER, Base, Point, Terms, dump_changes, dump_turn, load_changes, load_turn
from gtm.world.state import Change, Delete, Mark, Pin, Place, Put, State, Wrap
from gtm.world.store import Store, open_store

TERMS = Terms("digest", 7, "auto", [])
HERE = Place("pet", ("7",))


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    url = str(tmp_path / "s.sqlite")
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").url
    with Store(url) as opened:
        for known in opened.known():
            opened.delete(known.name)
        yield opened


def turn(number: int) -> Turn:
    return Turn(call=Call(tool="t", arguments={"n": number}), result=Result(content=number), time="now")


def put(key: Json, name: str = "x") -> Put:
    return Put(HERE, key, {"id": key, "name": name}, "created")


async def add(store: Store, point: Point, number: int, *changes: Change) -> bool:
    return await store.append("a", point, turn(number), changes)


def opened(store: Store, session: str = "a") -> str:
    return store.open_world(session, "w", TERMS)[0]


def state_at(store: Store, branch: str, count: int = FOREVER) -> State:
    state = State()
    for step in store.read(Point(branch, count)).steps:
        state = (step.state or state).apply(step.changes) if isinstance(step, Base) else state.apply(step[1])
    return state


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
places = st.builds(Place, st.text(), st.lists(st.text(), max_size=2).map(tuple))
objects = st.dictionaries(st.text(), json_values, max_size=3)
changes = st.lists(
    st.builds(Put, places, json_values, objects, st.sampled_from(["created", "imagined", "observed"]))
    | st.builds(Delete, places, json_values)
    | st.builds(Pin, places, st.text(), st.lists(st.text(), max_size=3).map(tuple))
    | st.builds(Wrap, places, st.text(), objects)
    | st.builds(Mark, st.text(), json_values),
    max_size=4,
)


@given(changes)
def test_changes_come_back_as_they_were(given: list[Change]) -> None:
    assert load_changes(dump_changes(given)) == tuple(given)


@given(st.recursive(json_values | st.just("\ud800"), lambda inner: st.lists(inner, max_size=2), max_leaves=4))
def test_turns_come_back_as_they_were(content: Json) -> None:
    whole = Turn(call=Call(tool="t"), result=Result(content=content), time="now", latency_ms=1.5)
    assert load_turn(dump_turn(whole)) == whole


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '["put"]',
        "[[]]",
        '[["drop", []]]',
        '[["put", ["pet"], 1, {}]]',
        '[["put", ["pet"], 1, [], "created"]]',
        '[["put", [7], 1, {}, "created"]]',
        '[["put", ["pet"], 1, {}, "found"]]',
        '[["pin", ["pet"], "s", [1]]]',
        '[[["put"], ["pet"], "s", [1], 1]]',
        "[" * 100_000,
    ],
)
def test_damaged_changes_are_refused(text: str) -> None:
    with pytest.raises(SessionError, match="damaged"):
        load_changes(text)
    with pytest.raises(SessionError, match="damaged"):
        load_turn(text)


async def test_the_world_is_the_fold_of_the_turns(store: Store) -> None:
    branch = opened(store)
    assert await add(store, Point(branch, 0), 1, put(1), Mark("clock", 5))
    assert await add(store, Point(branch, 1), 2, put(2))
    assert await add(store, Point(branch, 2), 3, Delete(HERE, 1))
    state = state_at(store, branch)
    assert (state.get(HERE, 1), state.is_deleted(HERE, 1), state.ahead) == (None, True, 5)
    assert state_at(store, branch, 2).get(HERE, 1) is not None
    [known] = store.known()
    assert (known.name, known.counts, known.seeds) == ("a", {"w": 3}, {"w": 7})


async def test_who_comes_second_is_told(store: Store) -> None:
    branch = opened(store)
    first, second = await asyncio.gather(
        add(store, Point(branch, 0), 1, put(1)), add(store, Point(branch, 0), 2, put(2))
    )
    assert (first, second) == (True, False)
    assert [step[0].call.arguments["n"] for step in store.read(Point(branch, 9)).steps if not isinstance(step, Base)]
    assert state_at(store, branch).documents == 1
    many = await asyncio.gather(*(add(store, Point(branch, 1), number) for number in range(50)))
    assert sum(many) == 1


async def test_nobody_appends_to_a_branch_that_was_left(store: Store) -> None:
    branch = opened(store)
    await add(store, Point(branch, 0), 1, put(1))
    moved = store.move_world("a", "w", TERMS, parent=Point(branch, 1))
    assert moved is not None
    assert not await add(store, Point(branch, 1), 2)
    assert await add(store, Point(moved, 1), 2, put(2))
    assert state_at(store, moved).documents == 2
    assert store.move_world("a", "w", TERMS, parent=Point(branch, 1), only_at=Point(moved, 1)) is None
    fresh = store.move_world("a", "w", TERMS)
    assert fresh is not None and store.known()[0].counts == {"w": 0}
    assert not await add(store, Point(moved, 2), 3)
    assert store.move_world("a", "w", TERMS, parent=Point(moved, 1)) is None, "nothing led there any more"


async def test_forks_share_and_outlive_their_parent(store: Store) -> None:
    branch = opened(store)
    await add(store, Point(branch, 0), 1, put(1))
    await add(store, Point(branch, 1), 2, put(2))
    forked = store.fork("b", {}, {"w": (TERMS, Point(branch, 1))})
    assert forked is not None
    assert store.fork("b", {}, {}) is None
    child = forked["w"]
    assert store.head("b", "w") == child
    await store.append("b", Point(child, 1), turn(9), [put(9)])
    assert [d.key for d in state_at(store, child).at(HERE).ordered] == [1, 9]
    assert store.delete("a")
    assert not store.delete("a")
    assert [d.key for d in state_at(store, child).at(HERE).ordered] == [1, 9]
    store.delete("b")
    with pytest.raises(SessionError, match="deleted"):
        store.read(Point(child, 1))
    with pytest.raises(SessionError, match="deleted"):
        store.read(Point(branch, 1))


async def test_an_append_to_a_deleted_session_is_not_acknowledged(store: Store) -> None:
    branch = opened(store)
    store.delete("a")
    assert not await add(store, Point(branch, 0), 1)


async def test_snapshots_are_kept_and_hold_what_they_need(store: Store) -> None:
    branch = opened(store)
    await add(store, Point(branch, 0), 1, put(1))
    assert store.keep("a", {"w": Point(branch, 1)}) == "s1"
    assert store.keep("a", {}) == "s2"
    store.move_world("a", "w", TERMS)
    assert store.kept("a", "s1") == {"w": Point(branch, 1)}
    assert store.kept("a", "s2") == {}
    assert state_at(store, branch, 1).documents == 1
    for unknown in ("s3", "s-1", "x", "s" + "9" * 30, "s²"):
        assert store.kept("a", unknown) is None
    assert store.known()[0].snapshots == ("s1", "s2")


def test_old_sessions_are_pruned(store: Store) -> None:
    for name in ("a", "b"):
        store.create(name, {})
    assert store.prune(1) == 0
    assert store.prune(-1) == 2
    assert store.known() == []


def test_a_file_is_for_one_process(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    code = f"from gtm.world.store import Store; Store({str(path)!r})"
    with Store(str(path)):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "in use by another process; use PostgreSQL" in done.stderr
        with pytest.raises(StoreError, match="in use"):
            Store(f"sqlite:///{path}")
    Store(str(path)).close()


def test_what_is_not_ours_is_refused_and_left_alone(tmp_path: Path) -> None:
    text, other, newer = tmp_path / "a.json", tmp_path / "b.sqlite", tmp_path / "c.sqlite"
    text.write_text('{"format": "gtm-session-1"}' * 100)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE things (id)")
    connection.close()
    Store(str(newer)).close()
    with sqlite3.connect(newer) as connection:
        connection.execute("UPDATE gtm_meta SET format = 'gtm-store-9'")
    connection.close()
    before = text.read_bytes(), other.read_bytes()
    for path, says in ((text, "no store"), (other, "something else"), (newer, "'gtm-store-9', not 'gtm-store-1'")):
        with pytest.raises(StoreError, match=says):
            Store(str(path))
    assert before == (text.read_bytes(), other.read_bytes())
    with pytest.raises(StoreError, match="cannot be locked"):
        Store("/nowhere/s.sqlite")


@pytest.mark.parametrize(
    "url", ["mysql://u:secret-word@h/d", "sqlite://", "postgresql://u:secret-word@127.0.0.1:1/d"]
)
def test_a_wrong_url_is_named_without_its_password(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(url)
    assert "secret-word" not in str(caught.value)
    assert open_store("memory") is None


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "s.sqlite"))
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.create("a", {})


def test_importing_gtm_loads_no_database() -> None:
    code = "import sys, gtm; from gtm import Simulator; print({'sqlalchemy', 'psycopg'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
