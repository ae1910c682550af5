"""The official MCP client, through `gtm record`, to a real MCP server; then the same calls without the server."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError

from gtm.simulator.cassette import CassetteMiss, read_turns
from gtm.simulator.config import Config
from gtm.simulator.recorder import Recorder
from gtm.simulator.scrub import Scrubber
from gtm.simulator.simulator import Simulator
from gtm.simulator.upstream import UpstreamError
from gtm.tools.load import load_toolset
from gtm.types import Result

SERVER = str(Path(__file__).parents[1] / "data" / "notes_server.py")
COMMAND = f"{sys.executable} {SERVER}"


def recorder(*words: str) -> StdioServerParameters:
    return StdioServerParameters(command=sys.executable, args=["-m", "gtm", "record", *words])


@pytest.fixture
def mcp_url() -> Iterator[str]:
    """The real server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, SERVER, str(port)])
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_session_over_stdio_is_passed_on_recorded_and_replayed(
    tmp_path: Path, mode: Literal["auto", "legacy"]
) -> None:
    tape, tools = tmp_path / "tape.jsonl", tmp_path / "tools.json"
    words = ["--out", str(tape), "--tools", str(tools), COMMAND]
    async with Client(stdio_client(recorder(*words)), mode=mode) as client:
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == ["create_note", "get_note", "broken"]
        made = await client.call_tool("create_note", {"title": "Milk", "api_key": "sk-very-secret-indeed-1"})
        assert made.structured_content == {"id": "n1", "title": "Milk"}
        read = await client.call_tool("get_note", {"id": "n1"})
        missing = await client.call_tool("get_note", {"id": "n7"})
        assert missing.is_error
        with pytest.raises(MCPError, match="broken is not available"):
            await client.call_tool("broken", {})
    assert "very-secret" not in tape.read_text()
    assert all(turn.observed and turn.latency_ms for _, turn in read_turns(tape))

    config = Config.parse({"cassette": {"file": str(tape)}})
    with Simulator(load_toolset(str(tools)), model="scripted", config=config, cache=False) as sim:
        session = sim.session()
        played = await session.acall("create_note", {"title": "Milk", "api_key": "another"})
        assert played.content == {"id": "n1", "title": "Milk"}
        [block] = read.content
        assert block.type == "text" and (await session.acall("get_note", {"id": "n1"})).text == block.text
        refused = await session.acall("get_note", {"id": "n7"})
        assert refused.is_error and refused.text == "no such note"
        assert (await session.acall("broken")).text == "broken is not available"
        with pytest.raises(CassetteMiss):
            await session.acall("get_note", {"id": "n8"})


async def test_a_served_cassette_answers_as_the_server_did(tmp_path: Path, serving: Callable[..., str]) -> None:
    tape, toolset = tmp_path / "tape.jsonl", load_toolset(COMMAND)
    with Recorder(tape, toolset, Scrubber()) as recorder:
        note = {"id": "n1", "title": "Milk"}
        made = Result(content=note, text=json.dumps(note))
        recorder.keep(toolset.by_name["create_note"], {"title": "Milk", "api_key": "k"}, made)
    config = Config.parse({"cassette": {"file": str(tape)}})
    async with Client(serving(Simulator(toolset, model="scripted", config=config, cache=False)) + "/mcp") as client:
        played = await client.call_tool("create_note", {"title": "Milk", "api_key": "other"})
        assert played.structured_content == note
        with pytest.raises(MCPError, match='title: recorded "Milk", given "Tea"'):
            await client.call_tool("create_note", {"title": "Tea", "api_key": "k"})


async def test_a_server_at_a_url_is_recorded_at_a_port(tmp_path: Path, mcp_url: str) -> None:
    tape = tmp_path / "tape.jsonl"
    command = [sys.executable, "-m", "gtm", "record", "--out", str(tape), "--mcp", "http", "--port", "0", "--json"]
    process = subprocess.Popen([*command, mcp_url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        url = json.loads(process.stdout.readline())["url"]
        async with Client(url) as client:
            made = await client.call_tool("create_note", {"title": "Tea", "api_key": "k"})
            assert made.structured_content is not None and made.structured_content["title"] == "Tea"
        second = subprocess.run([*command, mcp_url], capture_output=True, text=True, check=False)
        assert second.returncode == 2 and "being recorded to by another process" in second.stderr
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        process.stdout.close()
    assert [turn.call.tool for _, turn in read_turns(tape)] == ["create_note"]


def test_a_tool_of_mode_real_is_asked_once_and_replayed_later(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    toolset = load_toolset(COMMAND)

    def run(mode: str) -> list[object]:
        raw = {
            "cassette": {"file": str(tape), "mode": mode},
            "real": COMMAND,
            "tools": {"create_note": {"mode": "real"}},
        }
        with Simulator(toolset, model="scripted", config=Config.parse(raw), cache=False) as sim, sim.session() as s:
            made = s.call("create_note", {"title": "Milk", "api_key": "k"})
            assert made.provenance == {"": "cassette"}
            return [made.content, json.loads(s.call("get_note", {"id": "n1"}).text)["title"]]

    first = run("once")
    assert first == [{"id": "n1", "title": "Milk"}, "Milk"]
    assert [turn.observed for _, turn in read_turns(tape)] == [True, False]
    assert run("once") == first


def test_calls_from_several_loops_share_one_connection() -> None:
    raw = {"real": COMMAND, "mode": "real"}
    with Simulator(load_toolset(COMMAND), model="scripted", config=Config.parse(raw), cache=False) as sim:

        async def run(title: str) -> object:
            return (await sim.session().acall("create_note", {"title": title, "api_key": "k"})).content

        ids = [
            asyncio.run(run("a")),
            sim.run(run, "b"),
            sim.session().call("create_note", {"title": "c", "api_key": "k"}),
        ]
        assert [ids[0], ids[1]] == [{"id": "n1", "title": "a"}, {"id": "n2", "title": "b"}]


def test_a_server_that_is_not_there_is_an_error_with_its_name(tmp_path: Path) -> None:
    raw = {"real": f"{sys.executable} -c pass", "mode": "real"}
    with (
        Simulator(load_toolset(COMMAND), model="scripted", config=Config.parse(raw), cache=False) as sim,
        pytest.raises(UpstreamError, match="gave no answer"),
    ):
        sim.session().call("get_note", {"id": "n1"})
    words = [sys.executable, "-m", "gtm", "record", "--out", str(tmp_path / "t.jsonl"), f"{sys.executable} -c pass"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "gave no answer" in done.stderr
    assert not (tmp_path / "t.jsonl").exists()
