"""The official MCP client against the server: both eras, HTTP and stdio."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from gtm.simulator.simulator import Simulator
from gtm.tools.load import load_toolset
from gtm.types import Tool, Toolset

Mode = Literal["auto", "legacy"]
Serving = Callable[..., str]
Simulate = Callable[..., Simulator]

SPECS = Path(__file__).parents[2] / "examples" / "specs"
BOTH = pytest.mark.parametrize("mode", ["auto", "legacy"])

OBJECT = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "title": {"type": "string"}, "done": {"type": "boolean"}},
    "required": ["id", "title", "done"],
}
ID = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
TITLE = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}

NOTES = Toolset(
    name="notes",
    kind="mcp",
    tools=(
        Tool(name="create_note", description="Create a note.", parameters=TITLE, output_schema=OBJECT),
        Tool(
            name="get_note",
            title="Get a note",
            parameters=ID,
            output_schema=OBJECT,
            annotations={"read_only_hint": True},
        ),
        Tool(
            name="count_words",
            description="Count the words of a text.",
            parameters={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
            output_schema={"type": "array", "items": {"$ref": "#/$defs/N"}, "$defs": {"N": {"type": "integer"}}},
        ),
        Tool(name="say", description="Say something.", parameters={"type": "object", "properties": {}}),
    ),
)


@BOTH
async def test_tools_are_listed_as_defined(serving: Serving, simulator: Simulate, mode: Mode) -> None:
    async with Client(serving(simulator(NOTES)) + "/mcp", mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == ["create_note", "get_note", "count_words", "say"]
    assert tools["create_note"].description == "Create a note."
    assert tools["create_note"].input_schema == TITLE
    assert tools["create_note"].output_schema == OBJECT
    assert tools["get_note"].title == "Get a note"
    hints = tools["get_note"].annotations
    assert hints is not None and hints.read_only_hint is True
    assert tools["say"].output_schema is None
    listed = tools["count_words"].output_schema
    assert listed is not None and listed["type"] == ("object" if mode == "legacy" else "array")


@BOTH
async def test_a_created_thing_is_read_back(serving: Serving, simulator: Simulate, mode: Mode) -> None:
    async with Client(serving(simulator(NOTES), seed=5) + "/mcp", mode=mode) as client:
        created = await client.call_tool("create_note", {"title": "Buy milk"})
        key = created.structured_content["id"]
        read = await client.call_tool("get_note", {"id": key})
    assert created.structured_content["title"] == "Buy milk"
    assert read.structured_content == created.structured_content
    assert '"Buy milk"' in read.content[0].text  # type: ignore[union-attr]
    assert read.meta is not None
    assert read.meta["gtm/simulated"] is True
    assert read.meta["gtm/seed"] == 5


@BOTH
async def test_other_than_objects_are_wrapped_for_older_peers(
    serving: Serving, simulator: Simulate, mode: Mode
) -> None:
    async with Client(serving(simulator(NOTES)) + "/mcp", mode=mode) as client:
        answer = await client.call_tool("count_words", {"text": "a b"})
    assert not answer.is_error
    numbers = answer.structured_content["result"] if mode == "legacy" else answer.structured_content
    assert all(isinstance(number, int) for number in numbers)


@BOTH
async def test_a_refused_call_is_an_error_result_with_text_alone(
    serving: Serving, simulator: Simulate, mode: Mode
) -> None:
    async with Client(serving(simulator(NOTES)) + "/mcp", mode=mode) as client:
        refused = await client.call_tool("create_note", {"title": 7})
    assert refused.is_error
    assert refused.structured_content is None
    assert "'title' must be a string" in refused.content[0].text  # type: ignore[union-attr]


@BOTH
async def test_an_unknown_tool_is_a_protocol_error(serving: Serving, simulator: Simulate, mode: Mode) -> None:
    async with Client(serving(simulator(NOTES)) + "/mcp", mode=mode) as client:
        with pytest.raises(MCPError, match="did you mean 'create_note'") as caught:
            await client.call_tool("create_notes", {})
    assert caught.value.error.code == -32602


@BOTH
async def test_http_tools_carry_their_status_beside_the_payload(
    serving: Serving, simulator: Simulate, mode: Mode
) -> None:
    async with Client(serving(simulator(SPECS / "petstore.yaml", world="closed")) + "/mcp", mode=mode) as client:
        tools = (await client.list_tools()).tools
        missing = await client.call_tool("getPetById", {"petId": 7})
    assert len(tools) == 20
    assert missing.is_error
    assert missing.meta is not None and missing.meta["gtm/status"] == 404


async def _create(client: Client, meta: Any = None) -> None:
    assert not (await client.call_tool("create_note", {"title": "x"}, meta=meta)).is_error


async def _calls(url: str, session: str) -> int:
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"{url}/_gtm/sessions/{session}/calls")
        return len(answer.json()["calls"]) if answer.status_code == 200 else 0


@BOTH
async def test_the_session_is_named_in_the_path_query_header_or_meta(
    serving: Serving, simulator: Simulate, mode: Mode
) -> None:
    url = serving(simulator(NOTES))
    async with Client(f"{url}/s/by-path/mcp", mode=mode) as client:
        await _create(client, {"gtm/session": "by-meta"})
    async with Client(f"{url}/mcp?session=by-query", mode=mode) as client:
        await _create(client)
    async with (
        httpx2.AsyncClient(headers={"X-GTM-Session": "by-header"}) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        await _create(client)
        await _create(client, {"gtm/session": "by-meta"})
    async with Client(f"{url}/mcp", mode=mode) as client:
        await _create(client, {"gtm/session": "by-meta"})
    found = {name: await _calls(url, name) for name in ("by-path", "by-query", "by-header", "by-meta", "default")}
    assert found == {"by-path": 1, "by-query": 1, "by-header": 2, "by-meta": 1, "default": 0}


async def test_older_connections_have_a_session_each_and_newer_ones_share_the_default(
    serving: Serving, simulator: Simulate
) -> None:
    url = serving(simulator(NOTES))
    for mode in ("legacy", "legacy", "auto", "auto"):
        async with Client(f"{url}/mcp", mode=mode) as client:
            await _create(client)
    async with httpx2.AsyncClient() as http:
        sessions = (await http.get(f"{url}/_gtm/sessions")).json()["sessions"]
    assert sorted(session["calls"]["notes"] for session in sessions) == [1, 1, 2]
    assert [session["id"] for session in sessions if session["calls"]["notes"] == 2] == ["default"]


@BOTH
async def test_a_session_name_of_other_characters_is_refused(
    serving: Serving, simulator: Simulate, mode: Mode
) -> None:
    async with Client(serving(simulator(NOTES)) + "/mcp", mode=mode) as client:
        with pytest.raises(MCPError, match="cannot name a session"):
            await _create(client, {"gtm/session": "no/slash"})


async def test_clashing_names_say_whose_they_are(serving: Serving, simulator: Simulate) -> None:
    other = NOTES.model_copy(update={"name": "memo", "tools": NOTES.tools[:1]})
    async with Client(serving(simulator(NOTES), simulator(other)) + "/mcp") as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        first = await client.call_tool("notes.create_note", {"title": "a"})
        second = await client.call_tool("memo.create_note", {"title": "b"})
    assert names == {"notes.create_note", "memo.create_note", "get_note", "count_words", "say"}
    assert (first.structured_content["title"], second.structured_content["title"]) == ("a", "b")


@BOTH
async def test_a_bomb_of_arguments_is_an_error(serving: Serving, simulator: Simulate, mode: Mode) -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    async with Client(serving(simulator(NOTES)) + "/mcp", mode=mode) as client:
        with pytest.raises(MCPError, match=r"levels|recursion limit"):
            await client.call_tool("say", {"a": deep})
        assert not (await client.call_tool("create_note", {"title": "still here"})).is_error


_STDIO = """
import sys
from gtm import Simulator, load_toolset
from gtm.serve.mcp import serve_stdio
from gtm.serve.options import ServeOptions
serve_stdio([Simulator(load_toolset(sys.argv[1]), model="scripted", cache=False)], ServeOptions(seed=3))
"""


@BOTH
async def test_stdio_serves_the_same_tools_and_keeps_one_session(mode: Mode) -> None:
    spec = SPECS / "petstore.yaml"
    server = StdioServerParameters(command=sys.executable, args=["-c", _STDIO, str(spec)])
    async with Client(server, mode=mode) as client:
        tools = (await client.list_tools()).tools
        missing = await client.call_tool("getPetById", {"petId": "seven"})
    assert [tool.name for tool in tools] == [tool.name for tool in load_toolset(spec).tools]
    assert missing.is_error
    assert missing.meta is not None and missing.meta["gtm/seed"] == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_stdio_server_that_waits_for_input(number: signal.Signals) -> None:
    command = [sys.executable, "-c", _STDIO, str(SPECS / "petstore.yaml")]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    try:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write('{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.flush()
        assert '"id":1' in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(5) == -number
    finally:
        process.kill()
        _, err = process.communicate()
    assert err == ""
