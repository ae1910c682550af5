"""`mcp.json` files: which MCP servers they name, and how each would be started or reached.

Reads the `mcpServers` block of desktop clients and the `servers` block of VS Code. Starts nothing. `${NAME}` in
environment values and headers is filled from the environment, since the file names that variable; in commands and
addresses it is left as it stands.
"""

import os
import re
from collections.abc import Mapping

from gtm.errors import SpecError
from gtm.tools.live import HttpServer, StdioServer
from gtm.types import Json

_VARIABLE = re.compile(r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def servers_block(document: Json) -> dict[str, Json] | None:
    """The servers that a document names, or None where it is no such file."""
    if not isinstance(document, dict):
        return None
    inner = document.get("mcp")
    for holder in (document, inner if isinstance(inner, dict) else {}):
        for key in ("mcpServers", "servers"):
            block = holder.get(key)
            if isinstance(block, dict) and all(isinstance(entry, dict) for entry in block.values()):
                return block
    return None


def server_of(name: str, entry: dict[str, Json]) -> StdioServer | HttpServer:
    """How the server `name` is started or reached. Raises SpecError where its entry does not say."""
    command, url = entry.get("command"), entry.get("url", entry.get("serverUrl"))
    if isinstance(command, str) and command:
        args = entry.get("args", [])
        if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
            raise SpecError(f"the server {name!r} has 'args' that are not a list of strings; mend them")
        cwd = entry.get("cwd")
        env = _texts(name, "env", entry.get("env"))
        return StdioServer(command, tuple(args), env, cwd if isinstance(cwd, str) else None)
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        return HttpServer(url, _texts(name, "headers", entry.get("headers")))
    raise SpecError(f"the server {name!r} has neither a 'command' nor an http 'url'; add one")


def _texts(server: str, what: str, given: Json) -> Mapping[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict) or not all(isinstance(value, str | int | float) for value in given.values()):
        raise SpecError(f"the server {server!r} has {what!r} that is not an object of strings; mend it")
    return {key: _filled(server, str(value)) for key, value in given.items()}


def _filled(server: str, value: str) -> str:
    def fill(match: re.Match[str]) -> str:
        name, default = match.group(1), match.group(2)
        found = os.environ.get(name, default)
        if found is None:
            raise SpecError(
                f"the server {server!r} wants the environment variable {name!r}, which is not set; set it"
            )
        return found

    return _VARIABLE.sub(fill, value)
