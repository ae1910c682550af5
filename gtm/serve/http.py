"""The APIs' own paths: each OpenAPI operation answers where its document says.

Finds the tool, reads its arguments, calls it in the caller's session, writes its answer. A call whose client leaves
is cancelled and changes nothing.
"""

from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

from gtm.errors import GtmError
from gtm.serve.answers import Answerer
from gtm.serve.arguments import Reader, Unreadable
from gtm.serve.directory import Entry
from gtm.serve.metrics import Metrics
from gtm.serve.options import ServeOptions
from gtm.serve.problems import Refused, problem
from gtm.serve.registry import Registry
from gtm.serve.routes import Miss, Routes
from gtm.serve.wire import ClientGone, WhileConnected, read_body, session_named, split_session
from gtm.simulator.refusals import documented, refuse
from gtm.types import Result, ToolError


@dataclass(frozen=True, slots=True)
class _Door:
    reader: Reader
    answerer: Answerer


class HttpTools:
    """An ASGI application of all HTTP tools."""

    def __init__(self, registry: Registry, options: ServeOptions, metrics: Metrics) -> None:
        self.routes = Routes(registry.directory, options.prefix, mcp=options.mcp)
        self._registry = registry
        self._limit = options.max_body_bytes
        self._metrics = metrics
        self._doors: dict[str, _Door] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            named, path = split_session(_raw_path(scope))
            match = self.routes.find(scope["method"], path)
            if isinstance(match, Miss):
                raise _missed(match, scope["method"], path)
            door = self._door(match.entry)
            named = named or session_named(scope, own_query=door.reader.own_session)
            session = self._registry.open(named) if named else self._registry.fallback()
            body = await read_body(scope, receive, self._limit)
            with self._metrics.call("http") as outcome, WhileConnected(receive):
                try:
                    arguments = await door.reader.read(scope, match.values, body)
                    result = await session.call(match.entry.world, match.entry.tool.name, arguments)
                except Unreadable as error:
                    result = self._refuse(match.entry, error)
                outcome.result(result)
                await door.answerer.send(scope, send, result)
        except ClientGone:
            return
        except (GtmError, OSError) as error:
            await problem(error)(scope, receive, send)

    def _door(self, entry: Entry) -> _Door:
        """A tool's reader and answerer, made at its first request."""
        door = self._doors.get(entry.name)
        if door is None:
            definition = self._registry.directory.simulators[entry.world].definitions.get(entry.tool.name)
            assert definition is not None
            door = self._doors[entry.name] = _Door(Reader(definition.tool), Answerer(definition))
        return door

    def _refuse(self, entry: Entry, error: Unreadable) -> Result:
        """The tool's own refusal of a body that could not be read."""
        statuses = error.statuses
        known = (s for s in statuses if (found := documented(entry.tool, s)) and found.status is not None)
        kind = self._registry.directory.simulators[entry.world].toolset.kind
        status = next(known, statuses[0])
        return refuse(entry.tool, kind, ToolError(kind="invalid_arguments"), status, [str(error)])


def _raw_path(scope: Scope) -> str:
    """The path as it came over the wire, so that an encoded slash stays inside its segment."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


def _missed(miss: Miss, method: str, path: str) -> Refused:
    if miss.allowed:
        allowed = ", ".join(miss.allowed)
        return Refused(405, f"{path[:200]!r} has no {method}; it has {allowed}", {"Allow": allowed})
    hint = f"; did you mean {' or '.join(miss.close)}?" if miss.close else ""
    return Refused(404, f"there is no path {path[:200]!r}{hint}")
