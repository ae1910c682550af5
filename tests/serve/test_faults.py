"""Faults over the wire: statuses, bodies and headers, MCP errors, and the control plane that sets them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from gtm.simulator.simulator import Simulator
from gtm.types import Toolset
from tests.samples import notes, pets

Serving = Callable[..., str]
Simulate = Callable[..., Simulator]


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    with httpx2.Client(headers={"X-GTM-Session": "a"}) as client:
        yield client


@pytest.fixture
def url(serving: Serving, simulator: Simulate, client: httpx2.Client) -> str:
    url = serving(simulator(pets()))
    client.post(f"{url}/_gtm/sessions", json={"id": "a"})
    return url


def put(client: httpx2.Client, url: str, faults: Any, **more: Any) -> httpx2.Response:
    return client.put(f"{url}/_gtm/sessions/a/faults", json={"faults": faults, **more})


def test_a_rate_limit_is_set_met_waited_out_and_seen_in_the_journal(client: httpx2.Client, url: str) -> None:
    assert client.get(f"{url}/pets").status_code == 200
    assert put(client, url, [{"kind": "rate_limit", "retry_after": 90}]).status_code == 200
    limited = client.get(f"{url}/pets")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "90")
    assert client.get(f"{url}/pets").headers["retry-after"] == "83"
    moved = client.post(f"{url}/_gtm/sessions/a/advance", json={"seconds": 76})
    assert moved.status_code == 200
    assert client.get(f"{url}/pets").status_code == 200
    turns = client.get(f"{url}/_gtm/sessions/a/calls").json()["calls"]
    assert [turn["result"]["status"] for turn in turns] == [200, 429, 429, 200]
    assert turns[1]["result"]["fault"]["kind"] == "rate_limit"
    assert "fault" not in turns[0]["result"]


@pytest.mark.parametrize(
    ("rule", "status"),
    [({"kind": "timeout"}, 504), ({"kind": "server_error", "status": 502}, 502), ({"kind": "unauthorized"}, 401)],
)
def test_an_error_has_its_status(client: httpx2.Client, url: str, rule: dict[str, Any], status: int) -> None:
    put(client, url, [rule])
    answer = client.get(f"{url}/pets")
    assert answer.status_code == status
    assert answer.json()["status"] == status


def test_a_truncated_body_ends_in_the_middle(client: httpx2.Client, url: str) -> None:
    whole = client.get(f"{url}/pets/5")
    put(client, url, [{"kind": "truncated"}])
    cut = client.get(f"{url}/pets/5")
    assert whole.json()["id"] == 5
    assert (cut.status_code, cut.headers["content-type"]) == (200, "application/json")
    assert cut.text.startswith('{"') and len(cut.text) < len(whole.text)
    with pytest.raises(json.JSONDecodeError):
        cut.json()


def test_a_policy_is_shown_and_named_and_survives_snapshot_and_fork(client: httpx2.Client, url: str) -> None:
    control = f"{url}/_gtm/sessions"
    rule = {"kind": "rate_limit", "tools": ["list*"], "retry_after": 90.0}
    put(client, url, [rule])
    assert client.get(f"{control}/a/faults").json() == {"faults": [rule]}
    client.get(f"{url}/pets")
    snapshot = client.post(f"{control}/a/snapshot").json()["snapshot"]
    client.post(f"{control}/a/fork", json={"id": "b"})
    assert put(client, url, "calm").status_code == 200
    assert {rule["kind"] for rule in client.get(f"{control}/a/faults").json()["faults"]} == {"latency", "timeout"}
    assert client.get(f"{url}/pets").status_code == 200
    client.post(f"{control}/a/restore", json={"snapshot": snapshot})
    again = [client.get(f"{url}/pets"), client.get(f"{url}/pets", headers={"X-GTM-Session": "b"})]
    assert [(answer.status_code, answer.headers["retry-after"]) for answer in again] == [(429, "83")] * 2
    made = client.post(control, json={"id": "c", "faults": "hostile"})
    assert made.status_code == 201
    assert len(client.get(f"{control}/c/faults").json()["faults"]) > 8


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ([{"kind": "timeout", "tools": ["listPet"]}], "did you mean 'listPets'"),
        ([{"kind": "timeout", "probability": 2}], "faults.0.probability"),
        ([{"kind": "timeout", "when": "args.x >"}], "args.x >"),
        ([{"kind": "timeout"}] * 101, "100"),
        ("pyproject.toml", "'calm'"),
        (None, "faults"),
    ],
)
def test_a_wrong_policy_is_refused_and_the_old_one_stays(
    client: httpx2.Client, url: str, faults: Any, says: str
) -> None:
    refused = put(client, url, faults)
    assert refused.status_code == 400
    assert says in refused.json()["detail"]
    assert client.get(f"{url}/_gtm/sessions/a/faults").json() == {"faults": []}


def test_a_wrong_time_or_session_is_refused(client: httpx2.Client, url: str) -> None:
    for seconds in (-1, 1e300, "x", None):
        answer = client.post(f"{url}/_gtm/sessions/a/advance", json={"seconds": seconds})
        assert answer.status_code == 400, seconds
    assert client.post(f"{url}/_gtm/sessions/zz/advance", json={"seconds": 1}).status_code == 404
    assert client.put(f"{url}/_gtm/sessions/zz/faults", json={"faults": []}).status_code == 404


def test_several_specs_take_the_name_of_the_one_meant(
    client: httpx2.Client, serving: Serving, simulator: Simulate
) -> None:
    url = serving(simulator(pets()), simulator(notes()))
    client.post(f"{url}/_gtm/sessions", json={"id": "a"})
    assert put(client, url, []).status_code == 400
    assert put(client, url, [{"kind": "timeout"}], spec="notes").status_code == 200
    assert client.get(f"{url}/pets").status_code == 200
    called = client.post(f"{url}/_gtm/sessions/a/call", json={"tool": "list_notes"}).json()
    assert called["error"]["kind"] == "timeout"


async def test_over_mcp_a_fault_is_an_error_of_the_tool(serving: Serving, simulator: Simulate) -> None:
    toolset: Toolset = pets().model_copy(update={"kind": "mcp"})
    faults = [{"kind": "rate_limit", "on_call": [1], "retry_after": 1}, {"kind": "truncated", "on_call": [2]}]
    url = serving(simulator(toolset, faults=faults))
    async with streamable_http_client(f"{url}/mcp") as streams, ClientSession(*streams[:2]) as session:
        await session.initialize()
        answers = [await session.call_tool("createPet", {"name": "Rex"}) for _ in range(3)]
    assert [answer.is_error for answer in answers] == [True, True, False]
    texts = [answer.content[0].text for answer in answers]  # type: ignore[union-attr]
    assert texts[0] == "Rate limit exceeded, retry after 1 seconds"
    assert texts[1].startswith("the simulated answer does not fit the tool's output schema: {")
