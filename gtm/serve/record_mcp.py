"""A recording MCP proxy: a client talks to it as to the real server, and every tool call lands in a cassette.

`tools/list` is passed through as it is, each `tools/call` is forwarded and its answer handed on unchanged, then
recorded with its secrets replaced. Resources, prompts and notifications are not passed on.
"""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gtm.errors import SessionError
from gtm.serve.app import serve_app
from gtm.serve.guard import Guard
from gtm.serve.options import ServeOptions
from gtm.simulator.recorder import Recorder
from gtm.simulator.scrub import Scrubber
from gtm.simulator.upstream import UpstreamError
from gtm.simulator.upstream_mcp import McpUpstream, refusal, result_of
from gtm.tools.gather import slug
from gtm.tools.live import HttpServer, StdioServer
from gtm.tools.mcp import read_listing
from gtm.types import Json, Result, Toolset

Context = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """What is recorded, where to."""

    server: StdioServer | HttpServer
    cassette: Path
    redact: tuple[str, ...] = ()
    tools: Path | None = None
    """The server's tools/list is also written here: a spec for later, when the server is away."""


class McpRecorder:
    """One real server, offered again. Made by `recording`."""

    def __init__(
        self, upstream: McpUpstream, listing: list[dict[str, Json]], toolset: Toolset, recorder: Recorder
    ) -> None:
        self._upstream = upstream
        self._listing = listing
        self._toolset = toolset
        self._recorder = recorder
        self.server: Server[Any] = Server("gtm-record")
        self.server.add_request_handler("tools/list", types.PaginatedRequestParams, self._list)
        self.server.add_request_handler("tools/call", types.CallToolRequestParams, self._call)

    async def _list(self, context: Context, params: types.PaginatedRequestParams) -> dict[str, Json]:
        return {"tools": self._listing, "ttlMs": 0, "cacheScope": "private", "resultType": "complete"}

    async def _call(self, context: Context, params: types.CallToolRequestParams) -> dict[str, Json]:
        began = time.perf_counter()
        arguments = params.arguments or {}
        try:
            answer = await self._upstream.call_raw(params.name, params.arguments)
        except MCPError as error:
            self._record(params.name, arguments, refusal(error.error.message), began)
            raise
        except UpstreamError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from None
        self._record(params.name, arguments, result_of(answer), began)
        dumped = answer.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {**dumped, "resultType": "complete"}

    def _record(self, name: str, arguments: dict[str, Json], result: Result, began: float) -> None:
        """Write the turn; a tool that the server does not list cannot be replayed, so it is left out."""
        tool = self._toolset.by_name.get(name)
        if tool is None:
            return
        latency = round((time.perf_counter() - began) * 1000, 3)
        try:
            self._recorder.keep(tool, arguments, result, latency_ms=latency)
        except SessionError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from None

    @property
    def turns(self) -> int:
        """Recorded so far."""
        return self._recorder.turns


@contextlib.asynccontextmanager
async def recording(job: Job) -> AsyncIterator[McpRecorder]:
    """A proxy in front of a server.

    Raises:
        UpstreamError: the server cannot be started or reached.
        SessionError: the cassette cannot be written.
    """
    upstream = McpUpstream(job.server)
    try:
        listing = await upstream.tools()
        if job.tools is not None:
            _write(job.tools, {"tools": listing})
        toolset = read_listing(list(listing), name=slug(await upstream.name() or "mcp"), source=job.server.line)
        with Recorder(job.cassette, toolset, Scrubber(job.redact)) as recorder:
            yield McpRecorder(upstream, listing, toolset, recorder)
    finally:
        await upstream.aclose()


def record_stdio(job: Job) -> int:
    """Stand in for a server on this process's stdin and stdout until the client leaves; how many turns there are."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # A thread that waits for stdin cannot be woken; each turn is on the disk as soon as it is answered.
        signal.signal(number, signal.SIG_DFL)

    async def run() -> int:
        async with recording(job) as proxy, stdio_server() as (read, write):
            await proxy.server.run(read, write, proxy.server.create_initialization_options())
            return proxy.turns

    return asyncio.run(run())


def record_port(job: Job, options: ServeOptions, on_ready: Callable[[int], None]) -> int:
    """Stand in for a server at `/mcp` of a port until interrupted; how many turns there are."""

    async def run() -> int:
        async with recording(job) as proxy:
            await serve_app(app_of(proxy, options), options, on_ready)
            return proxy.turns

    return asyncio.run(run())


def app_of(proxy: McpRecorder, options: ServeOptions) -> Starlette:
    """The proxy as an application, for any ASGI server."""
    manager = StreamableHTTPSessionManager(proxy.server, json_response=True)

    class Endpoint:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await manager.handle_request(scope, receive, send)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    return Starlette(
        routes=[Route("/mcp", Endpoint())], middleware=[Middleware(Guard, options=options)], lifespan=lifespan
    )


def _write(path: Path, value: Json) -> None:
    try:
        path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    except OSError as error:
        raise SessionError(f"the tools cannot be written to {str(path)!r}: {error.strerror}") from None
