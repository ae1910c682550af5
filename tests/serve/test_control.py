"""The control plane, tokens, Host and Origin, limits: over real connections."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gtm.errors import ConfigError
from gtm.serve.app import build_app, serve
from gtm.serve.options import ServeOptions
from gtm.simulator.simulator import Simulator
from gtm.types import Episode, Tool, Toolset

Serving = Callable[..., str]
Simulate = Callable[..., Simulator]

NOTE = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "title": {"type": "string"}},
    "required": ["id", "title"],
}
TITLE = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
ID = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
NOTES = Toolset(
    name="notes",
    kind="mcp",
    tools=(
        Tool(name="create_note", description="Create a note.", parameters=TITLE, output_schema=NOTE),
        Tool(name="get_note", description="Get a note.", parameters=ID, output_schema=NOTE),
    ),
)


class Plane:
    """The control plane of a server."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=f"{url}/_gtm")

    def post(self, path: str, body: Any = None) -> Any:
        return self.http.post(path, json=body).raise_for_status().json()

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def create(self, session: str, title: str) -> str:
        made = self.post(f"/sessions/{session}/call", {"tool": "create_note", "arguments": {"title": title}})
        return str(made["content"]["id"])

    def title(self, session: str, key: str) -> str | None:
        read = self.post(f"/sessions/{session}/call", {"tool": "get_note", "arguments": {"id": key}})
        return None if read["is_error"] else str(read["content"]["title"])


@pytest.fixture
def plane_of() -> Iterator[Callable[[str], Plane]]:
    """`plane_of(url)` -> the control plane there, closed at the end."""
    planes: list[Plane] = []

    def make(url: str) -> Plane:
        planes.append(Plane(url))
        return planes[-1]

    yield make
    for plane in planes:
        plane.http.close()


@pytest.fixture
def plane(serving: Serving, simulator: Simulate, plane_of: Callable[[str], Plane]) -> Plane:
    return plane_of(serving(simulator(NOTES, world="closed")))


def test_health_says_what_is_served(plane: Plane) -> None:
    health = plane.get("/health")
    assert health["status"] == "ok"
    assert health["specs"] == [{"name": "notes", "tools": 2, "model": health["specs"][0]["model"]}]


def test_a_call_answers_the_whole_result(plane: Plane) -> None:
    result = plane.post("/sessions/a/call", {"tool": "create_note", "arguments": {"title": "x"}})
    assert result["content"]["title"] == "x"
    assert result["provenance"]["/title"] == "argument"
    assert result["simulated"] is True
    unknown = plane.post("/sessions/a/call", {"tool": "make_note"})
    assert unknown["error"]["kind"] == "unknown_tool"
    assert plane.post("/sessions/a/call", {"tool": "create_note", "arguments": [1]})["is_error"]


def test_a_session_is_made_with_seed_world_and_faults_and_found_again(plane: Plane) -> None:
    fault = {"kind": "rate_limit", "on_call": [2]}
    made = plane.http.post("/sessions", json={"id": "s", "seed": 9, "world": "open", "faults": [fault]})
    assert made.status_code == 201
    assert made.headers["location"] == "/_gtm/sessions/s"
    assert plane.get("/sessions/s")["seed"] == 9
    assert plane.title("s", "anything") is not None
    assert plane.title("s", "anything") is None
    assert plane.http.post("/sessions", json={"id": "s"}).status_code == 409
    assert plane.http.post("/sessions", json={"id": "a b"}).status_code == 400
    named = plane.post("/sessions")["id"]
    assert {session["id"] for session in plane.get("/sessions")["sessions"]} == {"s", named}


def test_equal_seeds_give_equal_sessions_and_other_seeds_others(plane: Plane) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        plane.post("/sessions", {"id": name, "seed": seed})
    keys = {name: plane.create(name, "x") for name in "abc"}
    assert keys["a"] == keys["b"] != keys["c"]


def test_snapshots_are_gone_back_to_and_forks_go_their_own_way(plane: Plane) -> None:
    first = plane.create("s", "first")
    snapshot = plane.post("/sessions/s/snapshot")["snapshot"]
    second = plane.create("s", "second")
    plane.post("/sessions/s/fork", {"id": "t"})
    plane.post("/sessions/s/restore", {"snapshot": snapshot})
    assert (plane.title("s", first), plane.title("s", second)) == ("first", None)
    assert plane.title("t", second) == "second"
    assert plane.http.post("/sessions/s/restore", json={"snapshot": "s99"}).status_code == 404
    plane.post("/sessions/s/reset", {"seed": 4})
    assert plane.title("s", first) is None
    assert plane.get("/sessions/s")["seed"] == 4


def test_a_saved_session_goes_over_to_another(plane: Plane) -> None:
    key = plane.create("s", "kept")
    saved = plane.get("/sessions/s/state?full=1")
    plane.post("/sessions", {"id": "t"})
    plane.http.put("/sessions/t/state", json=saved).raise_for_status()
    assert plane.title("t", key) == "kept"
    assert "kept" in json.dumps(plane.get("/sessions/t/state"))
    damaged = plane.http.put("/sessions/t/state", json={**saved, "turns": 7})
    assert (damaged.status_code, plane.title("t", key)) == (400, "kept")


def test_the_journal_and_the_episode_have_every_call(plane: Plane) -> None:
    plane.create("s", "one")
    plane.title("s", "none")
    calls = plane.get("/sessions/s/calls")["calls"]
    assert [call["call"]["tool"] for call in calls] == ["create_note", "get_note"]
    [episode] = Episode.read(plane.http.get("/sessions/s/episode").text.splitlines())
    assert [turn.result.is_error for turn in episode.turns] == [False, True]
    why = plane.get("/sessions/s/calls/1/explain")
    assert (why["call"], why["tool"]) == (1, "create_note")
    assert {field["source"] for field in why["fields"]} <= {"argument", "computed", "model", "default"}
    assert plane.http.get("/sessions/s/calls/3/explain").status_code == 400
    assert plane.http.delete("/sessions/s").status_code == 204
    assert plane.http.get("/sessions/s/calls").status_code == 404


def test_metrics_count_calls_by_outcome(plane: Plane) -> None:
    plane.create("s", "one")
    plane.title("s", "none")
    text = plane.http.get("/metrics").text
    assert 'gtm_calls_total{door="control",outcome="ok"} 1' in text
    assert 'gtm_calls_total{door="control",outcome="error"} 1' in text
    assert "gtm_sessions 1" in text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b'{"tool": "x", "more": 1}', "'more'"),
        (b'{"arguments": {}}', "'tool'"),
        (b'{"tool": "x", "arguments": ' + b"[" * 200 + b"]" * 200 + b"}", "levels"),
        (b'{"tool": "x", "arguments": {"a": NaN}}', "NaN"),
        (b'{"tool": "x", "spec": "other"}', "no spec"),
    ],
)
def test_a_wrong_body_is_named(plane: Plane, body: bytes, says: str) -> None:
    answer = plane.http.post("/sessions/s/call", content=body)
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


def test_several_specs_have_a_world_each(
    serving: Serving, simulator: Simulate, plane_of: Callable[[str], Plane]
) -> None:
    other = NOTES.model_copy(update={"name": "memos"})
    plane = plane_of(serving(simulator(NOTES), simulator(other, world="closed")))
    made = plane.post("/sessions/s/call", {"tool": "notes.create_note", "arguments": {"title": "x"}})
    found = plane.post("/sessions/s/call", {"tool": "get_note", "arguments": made["content"], "spec": "memos"})
    assert found["is_error"]
    assert plane.get("/sessions/s")["calls"] == {"notes": 1, "memos": 1}
    assert "'memos'" in plane.http.get("/sessions/s/state").json()["detail"]
    assert "x" in json.dumps(plane.get("/sessions/s/state?spec=notes"))


def test_the_tools_token_never_opens_the_control_plane(serving: Serving, simulator: Simulate) -> None:
    tools = {"Authorization": "Bearer tools"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    closed = serving(simulator(NOTES), token="tools")
    assert httpx2.post(f"{closed}/mcp", json=call).status_code == 401
    wrong = httpx2.post(f"{closed}/mcp", json=call, headers={"Authorization": "Bearer other"})
    assert wrong.headers["www-authenticate"] == "Bearer"
    assert httpx2.post(f"{closed}/mcp", json=call, headers=tools).status_code != 401
    assert httpx2.get(f"{closed}/_gtm/sessions", headers=tools).status_code == 403
    assert httpx2.get(f"{closed}/_gtm/health").status_code == 200
    opened = serving(simulator(NOTES), token="tools", admin_token="admin")
    assert httpx2.get(f"{opened}/_gtm/sessions", headers=tools).status_code == 401
    assert httpx2.get(f"{opened}/_gtm/sessions", headers={"Authorization": "Bearer admin"}).status_code == 200
    assert httpx2.post(f"{opened}/mcp", json=call, headers={"Authorization": "Bearer admin"}).status_code == 401


@pytest.mark.parametrize("path", ["/mcp", "/_gtm/health", "/pet/1", "/s/a/mcp"])
def test_pages_and_names_of_elsewhere_are_refused_everywhere(
    serving: Serving, simulator: Simulate, path: str
) -> None:
    url = serving(simulator(NOTES))
    assert httpx2.get(url + path, headers={"Host": "evil.example"}).status_code == 421
    assert httpx2.get(url + path, headers={"Host": "127.0.0.1.evil.example:80"}).status_code == 421
    assert httpx2.get(url + path, headers={"Origin": "https://evil.example"}).status_code == 403
    assert httpx2.get(url + path, headers={"Origin": "null"}).status_code == 403
    here = {"Host": "localhost:1", "Origin": "http://localhost:6274"}
    assert httpx2.get(url + path, headers=here).status_code not in (403, 421)


def test_other_names_are_let_in_when_told(serving: Serving, simulator: Simulate) -> None:
    url = serving(simulator(NOTES), allowed_hosts=("sim.example",))
    assert httpx2.get(f"{url}/_gtm/health", headers={"Host": "sim.example:443"}).status_code == 200


@pytest.mark.parametrize("path", ["/mcp", "/_gtm/sessions", "/pet"])
@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_a_body_is_413(serving: Serving, simulator: Simulate, path: str, chunked: bool) -> None:
    spec = Path(__file__).parents[2] / "examples" / "specs" / "petstore.yaml"
    url = serving(simulator(spec), max_body_bytes=10_000)
    content: Any = (b"x" * 1000 for _ in range(20)) if chunked else b"x" * 20_000
    answer = httpx2.post(url + path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert httpx2.get(f"{url}/_gtm/health").status_code == 200


def test_the_least_recently_used_session_goes_and_who_comes_back_is_told(
    serving: Serving, simulator: Simulate, plane_of: Callable[[str], Plane]
) -> None:
    plane = plane_of(serving(simulator(NOTES), max_sessions=2))
    for name in ("a", "b", "a", "c"):
        plane.create(name, name)
    assert {session["id"] for session in plane.get("/sessions")["sessions"]} == {"a", "c"}
    back = plane.http.post("/sessions/b/call", json={"tool": "get_note", "arguments": {"id": "1"}})
    assert back.status_code == 410
    assert "dropped" in back.json()["detail"]
    assert plane.post("/sessions", {"id": "b"})["calls"] == {}


def test_every_session_leaves_its_episodes(
    serving: Serving, simulator: Simulate, plane_of: Callable[[str], Plane], tmp_path: Path
) -> None:
    plane = plane_of(serving(simulator(NOTES), episodes_dir=tmp_path / "out"))
    plane.create("s", "one")
    plane.create("s", "two")
    plane.post("/sessions/s/reset")
    plane.create("s", "three")
    episodes = Episode.read((tmp_path / "out" / "notes.s.jsonl").read_text().splitlines())
    titles = [[turn.call.arguments["title"] for turn in episode.turns] for episode in episodes]
    assert titles == [["one", "two"], ["three"]]


def test_what_cannot_be_served_says_so(simulator: Simulate) -> None:
    for options, says in (
        ({"prefix": "api"}, "prefix"),
        ({"port": 70_000}, "no port"),
        ({"port": 80, "admin_port": 80}, "alone"),
        ({"token": "a", "admin_token": "a"}, "another token"),
    ):
        with pytest.raises(ConfigError, match=says):
            ServeOptions(**options)
    with pytest.raises(ConfigError, match="nothing to serve"):
        build_app([], options=ServeOptions())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match="choose another --port"):
            serve([simulator(NOTES)], ServeOptions(port=port))


_SERVE = """
import sys
from gtm import Simulator, load_toolset
from gtm.serve.app import serve
from gtm.serve.options import ServeOptions
simulator = Simulator(load_toolset(sys.argv[1]), model="scripted", cache=False)
options = ServeOptions(port=0, admin_port=int(sys.argv[2]), admin_token="admin")
serve([simulator], options, lambda port: print(port, flush=True))
print("stopped", flush=True)
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_serves_two_ports_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    spec = tmp_path / "notes.json"
    tools = [{"name": t.name, "inputSchema": t.parameters, "outputSchema": t.output_schema} for t in NOTES.tools]
    spec.write_text(json.dumps({"tools": tools}))
    admin = _free_port()
    command = [sys.executable, "-c", _SERVE, str(spec), str(admin)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        token = {"Authorization": "Bearer admin"}
        assert _get_when_up(f"http://127.0.0.1:{admin}/_gtm/health", {}) == 200
        assert _get_when_up(f"http://127.0.0.1:{admin}/_gtm/sessions", {}) == 401
        assert _get_when_up(f"http://127.0.0.1:{port}/_gtm/sessions", token) == 404
        os.kill(process.pid, number)
        out, err = process.communicate(timeout=10)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, out, err) == (0, "stopped\n", "")


def _get_when_up(url: str, headers: dict[str, str]) -> int:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            return httpx2.get(url, headers=headers).status_code
        except httpx2.ConnectError:
            time.sleep(0.02)
    return 0


async def test_a_reset_waits_for_the_calls_before_it(serving: Serving, simulator: Simulate) -> None:
    url = serving(simulator(NOTES))
    body = {"tool": "create_note", "arguments": {"title": "x"}}
    async with httpx2.AsyncClient(base_url=f"{url}/_gtm/sessions/s") as http:
        await asyncio.gather(*(http.post("/call", json=body) for _ in range(10)), http.post("/snapshot"))
        await http.post("/reset", json={})
        calls = (await http.get("/calls")).json()["calls"]
    assert calls == []
