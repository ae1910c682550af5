"""Live MCP servers are asked over stdio and HTTP, page by page, and nothing stays behind."""

import asyncio
import http.server
import json
import pathlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gtm.errors import SpecError
from gtm.tools.live import StdioServer, list_tools, list_tools_live
from gtm.tools.load import load_toolset

SERVER = str(pathlib.Path(__file__).parents[1] / "data" / "mcp_server.py")
COMMAND = f"{sys.executable} {SERVER}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mcp_url() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, SERVER, str(port)])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def files_url(tmp_path: pathlib.Path) -> Iterator[str]:
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_command_line_is_asked_for_all_pages() -> None:
    toolset = load_toolset(COMMAND)
    assert (toolset.name, toolset.kind) == ("calculator", "mcp")
    assert [tool.name for tool in toolset.tools] == ["add", "env", "sub"]
    assert toolset.tools[0].parameters["required"] == ["a"]
    assert toolset.tools[0].annotations == {"read_only_hint": True}


def test_an_mcp_json_entry_runs_with_consent_and_sees_only_the_variables_it_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GTM_SECRET", "s")
    monkeypatch.setenv("GTM_WANTED", "w")
    entry = {"command": sys.executable, "args": [SERVER], "env": {"NAMED": "${GTM_WANTED}"}}
    toolset = load_toolset({"mcpServers": {"calc": entry}}, allow_exec=True)
    variables = toolset.by_name["env"].description.split()
    assert toolset.name == "calc"
    assert "NAMED" in variables and "PATH" in variables
    assert "GTM_SECRET" not in variables and "GTM_WANTED" not in variables


def test_it_works_inside_a_running_loop() -> None:
    async def load() -> int:
        return len(load_toolset(COMMAND).tools)

    assert asyncio.run(load()) == 3


def test_a_url_that_is_no_document_is_asked_as_a_server(mcp_url: str) -> None:
    toolset = load_toolset(mcp_url)
    assert (toolset.name, [tool.name for tool in toolset.tools]) == ("calculator", ["add", "env", "sub"])


def test_a_url_of_a_document_is_read(files_url: str, tmp_path: pathlib.Path) -> None:
    tools = [{"name": "find", "parameters": {"type": "object"}}]
    (tmp_path / "tools.json").write_text(json.dumps(tools))
    (tmp_path / "api.yaml").write_text("openapi: 3.1.0\npaths: {/a: {get: {operationId: a}}}\n")
    assert load_toolset(f"{files_url}/tools.json").name == "tools"
    assert load_toolset(f"{files_url}/api.yaml").kind == "openapi"


def test_what_cannot_be_reached_or_is_no_server_is_one_clear_line(files_url: str) -> None:
    with pytest.raises(SpecError, match="cannot be reached"):
        load_toolset(f"http://127.0.0.1:{free_port()}/mcp")
    with pytest.raises(SpecError, match="could not be asked for its tools"):
        load_toolset(f"{files_url}/gone.json")


def test_a_command_that_fails_says_its_last_words() -> None:
    script = "import sys; sys.exit('no key in config')"
    with pytest.raises(SpecError, match="it said 'no key in config'"):
        list_tools(StdioServer(sys.executable, ("-c", script)))


async def test_a_command_that_hangs_is_ended_in_time(tmp_path: pathlib.Path) -> None:
    started = tmp_path / "pid"
    script = f"import os,time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with pytest.raises(SpecError, match=r"did not list its tools within 0\.5 s"):
        await list_tools_live(StdioServer(sys.executable, ("-c", script)), timeout=0.5)
    pid = int(started.read_text())
    assert not pathlib.Path(f"/proc/{pid}").exists()
