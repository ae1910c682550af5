"""Ready-to-paste lines for clients of a server: an mcp.json, a curl of a real path, Python. Text only."""

import json
import random
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from gtm.types import Json, Tool, Toolset

if TYPE_CHECKING:
    from gtm.serve.options import ServeOptions


def stdio_snippet(specs: Sequence[str]) -> str:
    """For Claude Desktop, Cursor and others that start their servers."""
    paths = [str(Path(spec).resolve()) if Path(spec).is_file() else spec for spec in specs]
    arguments = ["-m", "gtm.cli.main", "serve", *paths, "--mcp", "stdio"]
    block = {"mcpServers": {"gtm": {"command": sys.executable, "args": arguments}}}
    return f"serving MCP over stdin and stdout; for a client's mcp.json:\n{_indented(json.dumps(block))}"


def base_url(options: "ServeOptions", port: int) -> str:
    """Where this machine reaches the server."""
    host = options.host if options.host not in ("0.0.0.0", "::") else "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def url_snippets(toolsets: Sequence[Toolset], options: "ServeOptions", port: int) -> str:
    """For every open door, once the port is known."""
    base = base_url(options, port)
    name, tool, arguments = _example(toolsets)
    parts = []
    if options.mcp:
        server: dict[str, Json] = {"type": "http", "url": f"{base}/mcp"}
        if options.token is not None:
            server["headers"] = {"Authorization": "Bearer TOKEN"}
        block = json.dumps({"mcpServers": {"gtm": server}})
        parts.append(f"MCP, for a client's mcp.json (Claude, Cursor):\n{_indented(block)}")
        parts.append(f"MCP, in Python:\n{_indented(_python(base, tool, arguments))}")
    bearer = " -H 'Authorization: Bearer TOKEN'" if options.token is not None else ""
    if options.http and tool.http is not None:
        prefix = options.prefix.replace("{spec}", name)
        parts.append(
            f"HTTP, at the paths of the document:\n{_indented(_curl(base + prefix, tool, arguments, bearer))}"
        )
    admin = base if options.admin_port is None else base_url(options, options.admin_port)
    parts.append(f"Control plane:\n{_indented(f'curl {admin}/_gtm/health')}")
    return "\n".join([*parts, "Ctrl-C stops the server."])


def _example(toolsets: Sequence[Toolset]) -> tuple[str, Tool, dict[str, Json]]:
    """A tool that is easy to call, and arguments it accepts: a GET with a path where there is one."""
    from gtm.tools.sampler import sample_arguments

    pairs = [(toolset.name, tool) for toolset in toolsets for tool in toolset.tools]
    name, tool = min(pairs, key=lambda pair: _effort(pair[1]))
    required = set(tool.parameters.get("required", ()))
    arguments = sample_arguments(tool, random.Random(0))
    return name, tool, {key: value for key, value in arguments.items() if key in required}


def _effort(tool: Tool) -> tuple[bool, bool, int]:
    places = [slot.place for slot in tool.http.slots.values()] if tool.http else []
    return (
        tool.http is None or tool.http.method != "GET",
        places.count("path") != 1,
        len(tool.parameters.get("required", ())),
    )


def _curl(base: str, tool: Tool, arguments: dict[str, Json], bearer: str) -> str:
    assert tool.http is not None
    path, query, body = tool.http.path, [], {}
    for name, value in arguments.items():
        slot = tool.http.slots.get(name)
        if slot is None:
            continue
        text = value if isinstance(value, str) else json.dumps(value)
        if slot.place == "path":
            path = path.replace(f"{{{slot.name}}}", quote(text, safe=""))
        elif slot.place == "query":
            query.append(f"{quote(slot.name)}={quote(text, safe='')}")
        elif slot.place == "body":
            body[slot.name] = value
    url = f"{base}{path}" + (f"?{'&'.join(query)}" if query else "")
    method = f"-X {tool.http.method} " if tool.http.method != "GET" else ""
    data = f" --json {shlex.quote(json.dumps(body))}" if body else ""
    return f"curl {method}{shlex.quote(url)}{data}{bearer}"


def _python(base: str, tool: Tool, arguments: dict[str, Json]) -> str:
    call = f"await client.call_tool({tool.name!r}, {arguments!r})"
    return f"async with mcp.Client({base + '/mcp'!r}) as client:\n    {call}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
