"""The real tools, where a user named them: an MCP server or an HTTP API, called one call at a time.

What is here is common to both; each protocol has a module of its own. Only the host or command that the user named
is ever contacted. Being unreachable is an exception; whatever the tool itself answers is an answer.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gtm.errors import ConfigError, GtmError
from gtm.tools.live import HttpServer, StdioServer
from gtm.tools.mcp_config import server_of
from gtm.types import Json, Result, Tool, Toolset

MAX_ANSWER = 20_000_000
"""Bytes of one answer."""


class UpstreamError(GtmError):
    """The real tool could not be reached, or what came back is no answer."""


class Upstream(Protocol):
    """A connection to real tools, made at the first call."""

    async def call(self, tool: Tool, arguments: dict[str, Json]) -> Result:
        """What the real tool answers. Raises UpstreamError."""

    async def aclose(self) -> None:
        """End the connection."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the real tools are."""

    server: StdioServer | HttpServer

    @classmethod
    def of(cls, real: str | Mapping[str, Json]) -> "Target":
        """From a URL, a command line, or an entry as in an `mcp.json` (`url` and `headers`, or `command`, ...)."""
        if not isinstance(real, str):
            return cls(server_of("real", dict(real)))
        if real.startswith(("http://", "https://")):
            return cls(HttpServer(real))
        try:
            words = shlex.split(real)
        except ValueError as error:
            raise ConfigError(f"{real[:200]!r} is neither a URL nor a command line ({error}); check it") from None
        if not words:
            raise ConfigError("the real tools have neither a URL nor a command; name one")
        return cls(StdioServer(words[0], tuple(words[1:])))

    @property
    def is_command(self) -> bool:
        """Whether a process would be started."""
        return isinstance(self.server, StdioServer)

    def open(self, toolset: Toolset) -> Upstream:
        """The connection for a toolset: over HTTP where its tools have paths, else over MCP."""
        if any(tool.http is not None for tool in toolset.tools):
            if not isinstance(self.server, HttpServer):
                raise ConfigError(
                    f"the tools of {toolset.name!r} are HTTP operations; name the API's URL, no command"
                )
            from gtm.simulator.upstream_http import HttpUpstream

            return HttpUpstream(self.server)
        from gtm.simulator.upstream_mcp import McpUpstream

        return McpUpstream(self.server)
