"""Servers whose sessions last: restarted, killed, two on one PostgreSQL, with other specs, beside each other."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gtm.simulator.simulator import Simulator
from gtm.world.store import Store
from tests.postgres import Postgres
from tests.samples import pets

Serving = Callable[..., str]
Simulate = Callable[..., Simulator]

GALAXY = str(Path(__file__).parents[2] / "examples" / "specs" / "galaxy.yaml")
NO_KEY = {"fault": "none"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(str(tmp_path / "s.sqlite")) as opened:
        yield opened


class Plane:
    """The control plane of a server, and one tool."""

    def __init__(self, url: str) -> None:
        self.url = f"{url}/_gtm"

    def ask(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        return httpx2.request(method, self.url + path, json=body, timeout=30, trust_env=False)

    def json(self, method: str, path: str, body: Any = None) -> Any:
        return self.ask(method, path, body).raise_for_status().json()

    def create(self, session: str, name: str) -> Any:
        body = {"tool": "createPet", "arguments": {"name": name}}
        return self.json("POST", f"/sessions/{session}/call", body)["content"]

    def name(self, session: str, key: int) -> str | None:
        body = {"tool": "getPet", "arguments": {"petId": key}}
        read = self.json("POST", f"/sessions/{session}/call", body)
        return None if read["is_error"] else str(read["content"]["name"])


def test_a_restarted_server_has_its_sessions(serving: Serving, simulator: Simulate, store: Store) -> None:
    first = Plane(serving(simulator(pets(), world="closed"), store=store))
    first.json("POST", "/sessions", {"id": "a", "seed": 5, "faults": [{"kind": "timeout", "on_call": [9]}]})
    key = first.create("a", "Rex")["id"]
    first.json("POST", "/sessions/a/snapshot")
    gone = first.create("a", "gone")["id"]
    first.json("POST", "/sessions/a/fork", {"id": "b"})
    told, calls = first.json("GET", "/sessions"), first.json("GET", "/sessions/a/calls")
    second = Plane(serving(simulator(pets(), world="closed"), store=store))
    assert second.json("GET", "/sessions") == told
    assert second.json("GET", "/sessions/a/calls") == calls
    assert second.json("GET", "/sessions/a") == {"id": "a", "seed": 5, "calls": {"pets": 2}, "snapshots": ["s1"]}
    assert len(second.json("GET", "/sessions/a/faults")["faults"]) == 1
    second.json("POST", "/sessions/a/restore", {"snapshot": "s1"})
    assert (second.name("a", key), second.name("a", gone), second.name("b", gone)) == ("Rex", None, "gone")
    assert second.ask("POST", "/sessions", {"id": "a"}).status_code == 409
    assert second.ask("POST", "/sessions/a/restore", {"snapshot": "s7"}).status_code == 404
    second.json("POST", "/sessions/a/advance", {"seconds": 60})
    second.json("POST", "/sessions/a/reset", {"seed": 6})
    assert second.json("GET", "/sessions/a") == {"id": "a", "seed": 6, "calls": {"pets": 0}, "snapshots": ["s1"]}
    assert second.ask("DELETE", "/sessions/a").status_code == 204
    assert second.ask("GET", "/sessions/a").status_code == 404
    assert second.name("b", key) == "Rex"
    named = second.json("POST", "/sessions")["id"]
    assert second.ask("GET", f"/sessions/{named}").status_code == 200


def test_a_session_that_another_server_deleted_begins_anew(
    serving: Serving, simulator: Simulate, store: Store
) -> None:
    one, other = (Plane(serving(simulator(pets(), world="closed"), store=store)) for _ in range(2))
    key = one.create("a", "Rex")["id"]
    store.delete("a")
    other.create("a", "other")
    assert other.ask("GET", "/sessions/a/state").status_code == 200
    assert one.json("GET", "/sessions/a/calls")["calls"][0]["call"]["arguments"] == {"name": "other"}
    assert one.name("a", key) in (None, "other")


def test_saved_sessions_go_over_to_a_store(serving: Serving, simulator: Simulate, store: Store) -> None:
    memory = Plane(serving(simulator(pets(), world="closed")))
    lasting = Plane(serving(simulator(pets(), world="closed"), store=store))
    key = memory.create("a", "Rex")["id"]
    saved = memory.json("GET", "/sessions/a/state?full=1")
    lasting.json("POST", "/sessions", {"id": "b"})
    lasting.json("PUT", "/sessions/b/state", saved)
    assert lasting.name("b", key) == "Rex"
    again = Plane(serving(simulator(pets(), world="closed"), store=store))
    assert [c["call"]["tool"] for c in again.json("GET", "/sessions/b/calls")["calls"]] == ["createPet", "getPet"]


def test_a_session_that_was_dropped_comes_back(serving: Serving, simulator: Simulate, store: Store) -> None:
    plane = Plane(serving(simulator(pets(), world="closed"), store=store, max_sessions=2))
    keys = {name: plane.create(name, name)["id"] for name in "abcd"}
    assert plane.json("GET", "/health")["sessions"] == 2
    metrics = plane.ask("GET", "/metrics").text
    assert 'gtm_store_turns_total{outcome="written"} 4' in metrics
    assert {name: plane.name(name, key) for name, key in keys.items()} == {name: name for name in "abcd"}


def test_changed_specs_are_a_conflict_and_nothing_is_lost(
    serving: Serving, simulator: Simulate, store: Store
) -> None:
    plane = Plane(serving(simulator(pets(), world="closed"), store=store))
    key = plane.create("a", "Rex")["id"]
    changed = Plane(serving(simulator(pets().model_copy(update={"notes": "new"})), store=store))
    answer = changed.ask("POST", "/sessions/a/call", {"tool": "getPet", "arguments": {"petId": key}})
    assert (answer.status_code, "the specs changed since" in answer.json()["detail"]) == (409, True)
    assert changed.ask("GET", "/sessions/a/state").status_code == 409
    assert plane.name("a", key) == "Rex"


def test_episodes_are_whole_after_a_restart(
    serving: Serving, simulator: Simulate, store: Store, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        Plane(serving(simulator(pets()), store=store, episodes_dir=tmp_path)).create("a", name)
    lines = (tmp_path / "pets.a.jsonl").read_text().splitlines()
    assert [json.loads(line).get("call", {}).get("arguments", {}).get("name") for line in lines] == [
        *(None, "one"),
        *(None, "one", "two"),
    ]


@contextmanager
def process(store: str, *more: str, home: Path | None = None) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A real `gtm serve`, its URL, and what it said before it was ready."""
    command = [sys.executable, "-m", "gtm", "serve", GALAXY, "--model", "scripted", "--port", "0", "--json", *more]
    command += ["--store", store] if store else []
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home or "/nonexistent")}
    if home is not None:
        environment["GTM_HOME"] = str(home)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        try:
            line = running.stdout.readline()
            said = "" if line else running.stderr.read()
            yield running, json.loads(line)["url"] if line else "", said
        finally:
            running.kill()


@pytest.mark.timeout(120)
def test_a_killed_server_leaves_every_acknowledged_turn(tmp_path: Path) -> None:
    path = str(tmp_path / "s.sqlite")
    made: list[Any] = []
    with process(path) as (running, url, _):
        for number in range(20):
            made.append(httpx2.post(f"{url}/s/a/planets", json={"name": f"p{number}"}, timeout=30).json())
        with process(path) as (_, refused, said):
            assert refused == ""
            assert "in use by another process; use PostgreSQL" in said
        running.send_signal(signal.SIGKILL)
        running.wait()
    with process(path) as (_, url, _):
        calls = httpx2.get(f"{url}/_gtm/sessions/a/calls", timeout=30).json()["calls"]
        assert [call["result"]["content"] for call in calls] == made
        assert httpx2.get(f"{url}/s/a/planets/{made[7]['id']}", timeout=30).json() == made[7]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_busy_server_may_be_killed_at_any_time(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "postgres":
        request.getfixturevalue("postgres")
    recipe = str(Path(__file__).parents[2] / "recipes" / "check_kill.py")
    command = [sys.executable, recipe, "--store", kind, "--rounds", "3", "--sessions", "40", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"0 losses in 3 kills ({kind}" in done.stdout


@pytest.mark.timeout(120)
def test_without_a_store_named_sessions_last_under_the_home(tmp_path: Path) -> None:
    with process("", home=tmp_path) as (_, url, _):
        made = httpx2.post(f"{url}/s/a/planets", json={"name": "kept"}, timeout=30).json()
        with process("", home=tmp_path) as (_, second, _):
            assert httpx2.get(f"{second}/_gtm/sessions", timeout=30).json() == {"sessions": []}
    [_] = (tmp_path / "sessions").glob("*.sqlite")
    with process("", "--retention", "30", home=tmp_path) as (_, url, _):
        assert httpx2.get(f"{url}/s/a/planets/{made['id']}", timeout=30).json() == made


@pytest.mark.timeout(180)
async def test_two_servers_share_the_sessions_of_one_postgres(postgres: Postgres) -> None:
    with process(postgres.url) as (_, first, _), process(postgres.url) as (_, second, said):
        assert "secret-word" not in said
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as http:

            async def create(number: int) -> Any:
                url = (first, second)[number % 2]
                return (await http.post(f"{url}/s/both/planets", json={"name": f"p{number}"})).json()

            alternate = [await create(number) for number in range(10)]
            together = await asyncio.gather(*(create(number) for number in range(10, 30)))
            ids = {planet["id"] for planet in (*alternate, *together)}
            assert len(ids) == 30
            logs = [(await http.get(f"{url}/_gtm/sessions/both/calls")).json() for url in (first, second)]
            assert logs[0] == logs[1]
            assert {call["result"]["content"]["id"] for call in logs[0]["calls"]} == ids
            for url, number in ((first, 9), (second, 10), (first, 3)):
                planet = (*alternate, *together)[number]
                assert (await http.get(f"{url}/s/both/planets/{planet['id']}")).json() == planet
            await http.post(f"{first}/_gtm/sessions/both/reset", json={})
            assert (await http.get(f"{second}/_gtm/sessions/both/calls")).json() == {"calls": []}


@pytest.mark.timeout(180)
def test_a_server_goes_on_when_its_database_is_back(postgres: Postgres) -> None:
    with process(postgres.url) as (_, url, _):
        made = httpx2.post(f"{url}/s/down/planets", json={"name": "kept"}, timeout=30).json()
        postgres.stop()
        failed = httpx2.post(f"{url}/s/down/planets", json={"name": "lost"}, timeout=30)
        assert failed.status_code == 503
        assert "see that it runs" in failed.json()["detail"]
        assert "secret-word" not in failed.text
        postgres.start()
        until = time.monotonic() + 20
        while (again := httpx2.get(f"{url}/s/down/planets/{made['id']}", timeout=30)).status_code == 503:
            assert time.monotonic() < until
        assert again.json() == made
