"""Which operation of a spec an HTTP request means, and with which arguments: for recordings and importers.

The same paths and readers that serve simulated tools. A request that no operation takes is a `Miss` with its reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from gtm.errors import ConfigError
from gtm.serve.arguments import Reader, Unreadable
from gtm.serve.directory import Directory
from gtm.serve.problems import Refused
from gtm.serve.routes import Match, Routes
from gtm.simulator.simulator import Simulator
from gtm.types import Json, Tool, Toolset

Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Matched:
    """What a request means."""

    tool: Tool
    arguments: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Missed:
    """Why a request means nothing."""

    reason: str


class Matcher:
    """Finds operations of one toolset. Raises ConfigError where it has none."""

    def __init__(self, toolset: Toolset) -> None:
        if not any(tool.http is not None for tool in toolset.tools):
            raise ConfigError(
                f"{toolset.name!r} has no HTTP operations, so no request can be matched; give an OpenAPI document"
            )
        simulator = Simulator(toolset, model="scripted", cache=False)
        self._routes = Routes(Directory([simulator]), "", mcp=False)
        self._readers: dict[str, Reader] = {}

    def has(self, method: str, path: str) -> bool:
        """Whether some operation takes this method and path."""
        return isinstance(self._routes.find(method, path), Match)

    async def match(self, method: str, path: str, query: str, headers: Headers, body: bytes) -> Matched | Missed:
        """The operation and arguments of a request; `path` is as it stands on the wire."""
        found = self._routes.find(method, path)
        if not isinstance(found, Match):
            return Missed(f"{method} is not in the spec" if found.allowed else "the path is not in the spec")
        tool = found.entry.tool
        reader = self._readers.setdefault(tool.name, Reader(tool))
        raw = [
            (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers
        ]
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": raw}
        try:
            return Matched(tool, await reader.read(scope, found.values, body))
        except (Unreadable, Refused) as error:
            return Missed(f"the request of {tool.name!r} cannot be read: {error}")


def split_url(url: str) -> tuple[str, str, str]:
    """Origin, raw path and query of a URL. Raises ValueError."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower(), parts.path or "/", parts.query
