"""Asking a running MCP server for its tools, over stdio or streamable HTTP, with the official client.

Keeps that nothing outlives the question: the process is ended, the connection closed, all within a time limit. The
process sees the SDK's few harmless environment variables and those it was given by name, nothing else. Knows nothing
of what a tool means; `gtm.tools.mcp` reads the listing.
"""

import asyncio
import os
import tempfile
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from gtm.errors import SpecError
from gtm.types import Json

if TYPE_CHECKING:
    from mcp.client import Client

TIMEOUT = 60.0
"""Seconds for the whole question; `npx` may have to fetch a package first."""
MAX_PAGES = 200
MAX_TOOLS = 20_000


@dataclass(frozen=True, slots=True)
class StdioServer:
    """A command that speaks MCP over its stdin and stdout."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None

    @property
    def line(self) -> str:
        """The command line, as shown to people (never the environment: it holds secrets)."""
        return " ".join((self.command, *self.args))


@dataclass(frozen=True, slots=True)
class HttpServer:
    """An MCP server at a URL (streamable HTTP)."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The address, as shown to people."""
        return self.url


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server said of itself."""

    name: str
    """As the server calls itself; empty where it does not."""
    version: str
    tools: list[Json]
    """As in a `tools/list` result, in the wire's spelling."""


async def list_tools_live(target: StdioServer | HttpServer, *, timeout: float = TIMEOUT) -> Listing:
    """All tools of a server, page by page. Raises SpecError where it cannot be started, reached or understood."""
    try:
        async with asyncio.timeout(timeout):
            if isinstance(target, HttpServer):
                return await _ask_http(target)
            return await _ask_process(target)
    except TimeoutError as error:
        raise SpecError(
            f"{target.line!r} did not list its tools within {timeout:g} s; see that it is an MCP server and runs"
        ) from error


def list_tools(target: StdioServer | HttpServer, *, timeout: float = TIMEOUT) -> Listing:
    """`list_tools_live` for callers without a loop, or inside one: it runs in a thread of its own."""
    return _in_thread(list_tools_live(target, timeout=timeout))


async def _ask_process(target: StdioServer) -> Listing:
    Client = _client_class()
    from mcp.client.stdio import StdioServerParameters, stdio_client

    parameters = StdioServerParameters(
        command=target.command, args=list(target.args), env=dict(target.env), cwd=target.cwd
    )
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        try:
            async with Client(stdio_client(parameters, errlog=log)) as client:
                return await _listing(client)
        except BaseException as error:
            raise _explained(error, target.line, _last_line(log)) from error


async def _ask_http(target: HttpServer) -> Listing:
    Client = _client_class()
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    try:
        async with (
            httpx2.AsyncClient(headers=dict(target.headers), timeout=httpx2.Timeout(30.0)) as http,
            Client(streamable_http_client(target.url, http_client=http)) as client,
        ):
            return await _listing(client)
    except BaseException as error:
        raise _explained(error, target.line, "") from error


async def _listing(client: "Client") -> Listing:
    tools: list[Json] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools.extend(tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools)
        cursor = page.next_cursor
        if not cursor:
            info = client.server_info
            return Listing(info.name if info else "", info.version if info else "", tools)
        if len(tools) > MAX_TOOLS:
            break
    raise SpecError(
        f"the server lists more than {MAX_TOOLS} tools or {MAX_PAGES} pages; import a part of them as a file"
    )


def _explained(error: BaseException, line: str, log: str) -> BaseException:
    """What to raise for what the SDK raised: ours and cancellation as they are, the rest in one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, SpecError | asyncio.CancelledError | KeyboardInterrupt | SystemExit | GeneratorExit):
        return error
    reason = " ".join(str(error).split()) or type(error).__name__
    said = f"; it said {log!r}" if log else ""
    return SpecError(f"{line!r} could not be asked for its tools ({reason}){said}; see that it runs and speaks MCP")


def _last_line(log: TextIO) -> str:
    log.seek(max(0, log.seek(0, os.SEEK_END) - 2_000))
    lines = [line.strip() for line in log.read().splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def _client_class() -> "type[Client]":
    try:
        from mcp.client import Client
    except ImportError as error:
        raise SpecError("asking a live MCP server needs the 'serve' extra: pip install 'gtm-sim[serve]'") from error
    return Client


def _in_thread(work: Coroutine[None, None, Listing]) -> Listing:
    done: list[Listing] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(asyncio.run(work))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="gtm-live-import")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
