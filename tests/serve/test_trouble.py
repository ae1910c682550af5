"""Calls that go wrong in the engine or lose their client, and calls that meet in one session."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import httpx2
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from gtm.engines.base import Completion, Request
from gtm.errors import EngineError
from gtm.simulator.simulator import Simulator

Serving = Callable[..., str]
Simulate = Callable[..., Simulator]

SPECS = Path(__file__).parents[2] / "examples" / "specs"
PETSTORE = SPECS / "petstore.yaml"
GALAXY = SPECS / "galaxy.yaml"


class _Failing:
    """An engine that fails from the second request on."""

    name = "failing"

    def __init__(self) -> None:
        self.asked = 0

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        self.asked += 1
        if self.asked > 1:
            raise EngineError("the engine at 'http://gpu' does not answer; is it running?")
        return [Completion('{"name": "Ada"}') for _ in requests]

    async def aclose(self) -> None:
        pass


def test_a_failing_engine_is_a_503_and_leaves_sessions_as_they_were(serving: Serving, simulator: Simulate) -> None:
    url = serving(simulator(PETSTORE, _Failing()))
    first = httpx2.get(f"{url}/s/a/pet/1")
    failed = httpx2.get(f"{url}/s/b/pet/2")
    assert first.status_code == 200
    assert failed.status_code == 503
    assert failed.headers["content-type"] == "application/problem+json"
    assert failed.json()["detail"] == "the engine at 'http://gpu' does not answer; is it running?"
    assert httpx2.get(f"{url}/s/a/pet/1").json() == first.json()
    assert httpx2.get(f"{url}/_gtm/sessions/b/calls").json() == {"calls": []}


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_failing_engine_is_a_protocol_error_over_mcp(
    serving: Serving, simulator: Simulate, mode: Literal["auto", "legacy"]
) -> None:
    async with Client(serving(simulator(PETSTORE, _Failing())) + "/mcp", mode=mode) as client:
        first = await client.call_tool("getPetById", {"petId": 1})
        with pytest.raises(MCPError, match="is it running") as caught:
            await client.call_tool("getPetById", {"petId": 2})
        again = await client.call_tool("getPetById", {"petId": 1})
    assert caught.value.error.code == -32603
    assert again.structured_content == first.structured_content


class _Slow:
    """An engine that never ends unless it is cancelled."""

    name = "slow"

    def __init__(self) -> None:
        self.began = threading.Event()
        self.cancelled = threading.Event()

    async def generate(self, requests: Sequence[Request]) -> list[Completion]:
        self.began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return []

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize("door", ["http", "mcp", "control"])
def test_a_client_that_leaves_cancels_its_call_and_nothing_else(
    serving: Serving, simulator: Simulate, door: str
) -> None:
    engine = _Slow()
    url = serving(simulator(PETSTORE, engine))
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "getPetById", "arguments": {"petId": 1}, "_meta": meta}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    headers = {
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "getPetById",
        "Accept": "application/json, text/event-stream",
    }
    with pytest.raises(httpx2.TimeoutException):
        if door == "http":
            httpx2.get(f"{url}/s/x/pet/1", timeout=2)
        elif door == "mcp":
            httpx2.post(f"{url}/s/x/mcp", json=call, headers=headers, timeout=2)
        else:
            body = {"tool": "getPetById", "arguments": {"petId": 1}}
            httpx2.post(f"{url}/_gtm/sessions/x/call", json=body, timeout=2)
    assert engine.began.is_set()
    assert engine.cancelled.wait(3)
    assert httpx2.get(f"{url}/_gtm/sessions/x/calls").json() == {"calls": []}
    assert httpx2.get(f"{url}/s/x/pet/abc").status_code == 400


async def test_two_clients_in_one_session_are_serialised_and_nothing_is_lost(
    serving: Serving, simulator: Simulate
) -> None:
    url = serving(simulator(GALAXY))
    async with httpx2.AsyncClient() as first, httpx2.AsyncClient() as second:

        async def create(client: httpx2.AsyncClient, number: int) -> int:
            made = await client.post(f"{url}/s/both/planets", json={"name": f"planet {number}"})
            return int(made.json()["id"])

        keys = await asyncio.gather(*(create((first, second)[number % 2], number) for number in range(40)))
        names = [(await first.get(f"{url}/s/both/planets/{key}")).json()["name"] for key in keys]
    assert len(set(keys)) == 40
    assert names == [f"planet {number}" for number in range(40)]
    assert len(httpx2.get(f"{url}/_gtm/sessions/both/calls").json()["calls"]) == 80
