"""The tools over MCP, by the official SDK's low-level server: stdio and streamable HTTP, both protocol eras.

Resources and prompts are not simulated. A simulated error is a result with `isError` and its message, never
structured content: clients would check that against the output schema. Unknown tools and infrastructure are protocol
errors.
"""

import asyncio
import logging
import signal
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from starlette.types import Receive, Scope, Send

from gtm.errors import GtmError
from gtm.serve.directory import Directory, Entry
from gtm.serve.metrics import Metrics
from gtm.serve.options import ServeOptions
from gtm.serve.outputs import Output, output_of
from gtm.serve.problems import Refused, one_line, problem, status_of
from gtm.serve.registry import Registry
from gtm.serve.sessions import ServedSession, check_name
from gtm.serve.wire import (
    ClientGone,
    WhileConnected,
    check_depth,
    header,
    read_body,
    replay,
    session_named,
    split_session,
)
from gtm.simulator.simulator import Simulator
from gtm.types import Json, Result

STDIO = "stdio"
"""The session of a stdio server's one client."""

SESSION_META = "gtm/session"

LIST_TTL = 60_000
"""Milliseconds for which newer clients may keep the list of tools; it changes only when a server is restarted."""

_COMPLETE = {"resultType": "complete"}

log = logging.getLogger(__name__)

Context = ServerRequestContext[Any, Any]


class McpDoor:
    """The tools of several simulators as one MCP server."""

    def __init__(self, registry: Registry, metrics: Metrics, *, stdio: bool = False) -> None:
        self._directory: Directory = registry.directory
        self._registry = registry
        self._metrics = metrics
        self._stdio = stdio
        self._outputs: dict[str, Output | None] = {}
        self._lists: dict[bool, dict[str, Json]] = {}
        self.server: Server[Any] = Server(
            "gtm",
            version=_version(),
            instructions="These tools are simulated: what they answer is plausible, not real.",
            get_tool_input_schema=self._input_schema,
        )
        # Results are built as they go over the wire: a model in between would be validated twice.
        self.server.add_request_handler("tools/list", types.PaginatedRequestParams, self._list)
        self.server.add_request_handler("tools/call", types.CallToolRequestParams, self._call)

    async def _list(self, context: Context, params: types.PaginatedRequestParams) -> dict[str, Json]:
        modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
        if modern not in self._lists:
            entries = self._directory.entries.values()
            tools = [self._described(entry, modern) for entry in entries]
            self._lists[modern] = {"tools": tools, "ttlMs": LIST_TTL, "cacheScope": "private", **_COMPLETE}
        return self._lists[modern]

    def _described(self, entry: Entry, modern: bool) -> dict[str, Json]:
        tool = entry.tool
        described: dict[str, Json] = {"name": entry.name, "inputSchema": {"type": "object", **tool.parameters}}
        if tool.title:
            described["title"] = tool.title
        if tool.description:
            described["description"] = tool.description
        hints = {_camel(name): value for name, value in tool.annotations.items() if isinstance(value, bool)}
        if hints:
            described["annotations"] = hints
        output = self._output(entry)
        if output is not None:
            described["outputSchema"] = output.schema if modern else output.wrapped
        return described

    async def _call(self, context: Context, params: types.CallToolRequestParams) -> dict[str, Json]:
        entry = self._directory.find(params.name)
        if entry is None:
            raise MCPError(types.INVALID_PARAMS, self._directory.unknown(params.name))
        try:
            check_depth(params.arguments)
            session = self._session(context)
            with self._metrics.call("mcp") as outcome:
                result = await session.call(entry.world, entry.tool.name, params.arguments or {})
                outcome.result(result)
        except (GtmError, OSError) as error:
            code = types.INTERNAL_ERROR if status_of(error) >= 500 else types.INVALID_PARAMS
            raise MCPError(code, one_line(error)) from None
        seed = session.world(entry.world).seed
        modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
        return self._answer(result, seed, self._output(entry), modern)

    def _answer(self, result: Result, seed: int, output: Output | None, modern: bool) -> dict[str, Json]:
        meta: dict[str, Json] = {"gtm/simulated": True, "gtm/seed": seed}
        if result.status is not None:
            meta["gtm/status"] = result.status
        text, is_error = result.text, result.is_error
        if output is not None and not is_error and not output.fits(result.content):
            # A schema that nothing was found to satisfy: a client would refuse the whole answer.
            text, is_error = "the simulated answer does not fit the tool's output schema", True
            if result.fault is not None:
                text += f": {result.text}"
        answer: dict[str, Json] = {
            "content": [{"type": "text", "text": text}],
            "isError": is_error,
            "_meta": meta,
            **_COMPLETE,
        }
        if output is not None and not is_error:
            answer["structuredContent"] = output.structured(result.content, wrap=not modern)
        return answer

    def _session(self, context: Context) -> ServedSession:
        """The session of a call: of its URL or header, its `_meta`, its connection, else the shared one."""
        request = context.request
        if request is not None and request.scope.get("gtm.session"):
            return self._registry.open(request.scope["gtm.session"])
        meta: Mapping[str, Json] = context.meta or {}
        named = meta.get(SESSION_META)
        if named is not None:
            return self._registry.open(check_name(named if isinstance(named, str) else repr(named)))
        if self._stdio:
            return self._registry.open(STDIO)
        if request is not None and context.protocol_version not in MODERN_PROTOCOL_VERSIONS:
            connection = header(request.scope, b"mcp-session-id")
            if connection is not None:
                return self._registry.open(connection)
        return self._registry.fallback()

    def _input_schema(self, name: str) -> Mapping[str, Any] | None:
        entry = self._directory.find(name)
        return entry.tool.parameters if entry is not None else None

    def _output(self, entry: Entry) -> Output | None:
        if entry.name not in self._outputs:
            self._outputs[entry.name] = output_of(self._directory.simulators[entry.world], entry.tool.name)
        return self._outputs[entry.name]


class McpEndpoint:
    """The door's ASGI application for `/mcp` and `/s/{session}/mcp`."""

    def __init__(self, door: McpDoor, options: ServeOptions) -> None:
        # Host and Origin were checked by the guard, for every route alike.
        self.manager = StreamableHTTPSessionManager(
            door.server,
            json_response=True,
            max_request_body_size=options.max_body_bytes,
            max_sessions=options.max_sessions,
        )
        self._limit = options.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            scope["gtm.session"] = split_session(scope["path"])[0] or session_named(scope)
            if scope["method"] != "POST":
                await self.manager.handle_request(scope, receive, send)
                return
            body = await read_body(scope, receive, self._limit)
        except ClientGone:
            return
        except Refused as error:
            await problem(error)(scope, receive, send)
            return
        with WhileConnected(receive):
            await self.manager.handle_request(scope, replay(body, receive), send)


def serve_stdio(simulators: Sequence[Simulator], options: ServeOptions) -> None:
    """Serve MCP over this process's stdin and stdout until the client closes them. Logs must go to stderr."""
    directory = Directory(simulators)
    for own, offered in directory.renamed:
        log.warning("the tool %r is offered as %r: several specs have the name", own, offered)
    for number in (signal.SIGINT, signal.SIGTERM):
        # A thread that waits for stdin cannot be woken, so there is no gentler end; each turn is written as it ends.
        signal.signal(number, signal.SIG_DFL)
    asyncio.run(_stdio(McpDoor(Registry(directory, options), Metrics(), stdio=True)))


async def _stdio(door: McpDoor) -> None:
    async with stdio_server() as (read, write):
        await door.server.run(read, write, door.server.create_initialization_options())


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _version() -> str:
    try:
        return version("gtm-sim")
    except PackageNotFoundError:
        return "0"
