"""A real MCP server: started or reached at the first call, kept until closed, asked by the official client.

The connection lives in a thread with a loop of its own, so that calls may come from any loop. The server's answers
are taken as they are, even where they break its own output schema: a recording shows what is.
"""

import asyncio
import sys
import threading
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from gtm.errors import SpecError
from gtm.simulator.recorder import text_of
from gtm.simulator.upstream import UpstreamError
from gtm.tools.live import HttpServer, StdioServer
from gtm.types import Json, Result, Tool

if TYPE_CHECKING:
    import mcp_types as types
    from mcp.client import Client

T = TypeVar("T")

START = 60.0
"""Seconds for the server to start and shake hands; `npx` may have to fetch a package first."""

PROTOCOL_ERROR = "the server answered with a protocol error"
"""What a recorded turn is warned of where the server refused a call outside its results."""


class McpUpstream:
    """One server."""

    def __init__(self, server: StdioServer | HttpServer) -> None:
        self._server = server
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._client: asyncio.Future[Client] | None = None
        self._stop: asyncio.Event | None = None

    async def call(self, tool: Tool, arguments: dict[str, Json]) -> Result:
        """What the server answers; a protocol error as an error result. Raises UpstreamError."""
        from mcp.shared.exceptions import MCPError

        try:
            return result_of(await self.call_raw(tool.name, arguments))
        except MCPError as error:
            return refusal(error.error.message)

    async def call_raw(self, name: str, arguments: dict[str, Json] | None) -> "types.CallToolResult":
        """The server's own result. Raises MCPError where it refuses the request, UpstreamError where it is gone."""
        return await self._there(self._call(name, arguments))

    async def tools(self) -> list[dict[str, Json]]:
        """All tools, in the wire's spelling. Raises UpstreamError."""
        return await self._there(self._list())

    async def name(self) -> str:
        """What the server calls itself; "" where it does not."""
        return await self._there(self._name())

    async def aclose(self) -> None:
        """End the connection and the process."""
        with self._guard:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(lambda: self._stop.set() if self._stop else None)
        await asyncio.to_thread(thread.join)

    async def _call(self, name: str, arguments: dict[str, Json] | None) -> "types.CallToolResult":
        import mcp_types as types

        client = await self._connected()
        request = types.CallToolRequest(params=types.CallToolRequestParams(name=name, arguments=arguments))
        # Not `client.call_tool`, which refuses answers that break the output schema.
        return await client.session.send_request(request, types.CallToolResult)

    async def _list(self) -> list[dict[str, Json]]:
        client = await self._connected()
        tools: list[dict[str, Json]] = []
        cursor: str | None = None
        while True:
            page = await client.list_tools(cursor=cursor)
            tools.extend(tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in page.tools)
            cursor = page.next_cursor
            if not cursor:
                return tools

    async def _name(self) -> str:
        client = await self._connected()
        return client.server_info.name if client.server_info else ""

    async def _connected(self) -> "Client":
        assert self._client is not None
        return await asyncio.shield(self._client)

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the connection's loop, from any other."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._explained(work), self._started()))

    async def _explained(self, work: Coroutine[Any, Any, T]) -> T:
        """Its value; whatever the SDK raises, but for a refusal of the request, in one line."""
        from mcp.shared.exceptions import MCPError
        from mcp_types import CONNECTION_CLOSED

        try:
            return await work
        except MCPError as error:
            if error.error.code != CONNECTION_CLOSED:
                raise
            reason = error.error.message
        except (OSError, ValueError, RuntimeError, TimeoutError, BaseExceptionGroup) as error:
            first: BaseException = error
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            reason = " ".join(str(first).split()) or type(first).__name__
        line = self._server.line
        raise UpstreamError(f"the MCP server {line!r} gave no answer ({reason}); see that it runs") from None

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._guard:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._client = self._loop.create_future()
                self._thread = threading.Thread(target=self._run, args=(self._loop,), name="gtm-mcp", daemon=True)
                self._thread.start()
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._live())
            for task in asyncio.all_tasks(loop):
                task.cancel()
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    async def _live(self) -> None:
        """Hold the connection, in one task from its first to its last moment, as the SDK asks."""
        assert self._client is not None
        self._stop = asyncio.Event()
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(START):
                    client = await stack.enter_async_context(await self._client_of(stack))
                self._client.set_result(client)
                await self._stop.wait()
        except (Exception, BaseExceptionGroup) as error:
            if not self._client.done():
                self._client.set_exception(error)
            # Whoever waits for the client must hear of it before the loop ends.
            await self._stop.wait()

    async def _client_of(self, stack: AsyncExitStack) -> "Client":
        try:
            from mcp.client import Client
            from mcp.client.stdio import StdioServerParameters, stdio_client
            from mcp.client.streamable_http import streamable_http_client
        except ImportError:
            raise SpecError(
                "calling a real MCP server needs the 'serve' extra: pip install 'gtm-sim[serve]'"
            ) from None
        server = self._server
        if isinstance(server, StdioServer):
            parameters = StdioServerParameters(
                command=server.command, args=list(server.args), env=dict(server.env), cwd=server.cwd
            )
            return Client(stdio_client(parameters, errlog=sys.__stderr__ or sys.stderr))
        import httpx2

        timeout = httpx2.Timeout(30.0, read=300.0)
        http = await stack.enter_async_context(httpx2.AsyncClient(headers=dict(server.headers), timeout=timeout))
        return Client(streamable_http_client(server.url, http_client=http))


def result_of(answer: "types.CallToolResult") -> Result:
    """A server's result as ours: structured content where there is some, else its text."""
    texts, lost = [], []
    for block in answer.content:
        text, known = _block(block.model_dump(mode="json", by_alias=True, exclude_none=True))
        texts.append(text)
        lost += [] if known else [f"a block of type {block.type!r} was not kept"]
    text = "\n".join(texts)
    content = text if answer.structured_content is None else answer.structured_content
    return Result.model_validate(
        {
            "content": content,
            "text": text or text_of(content),
            "is_error": bool(answer.is_error),
            "provenance": {"": "cassette"},
            "warnings": tuple(lost),
        }
    )


def refusal(message: str) -> Result:
    """A protocol error as an error result."""
    return Result(
        content=message, text=message, is_error=True, provenance={"": "cassette"}, warnings=(PROTOCOL_ERROR,)
    )


def _block(block: dict[str, Json]) -> tuple[str, bool]:
    """A content block as text, and whether that is all of it."""
    if block["type"] == "text":
        return str(block["text"]), True
    resource = block.get("resource")
    if block["type"] == "resource" and isinstance(resource, dict) and isinstance(resource.get("text"), str):
        return str(resource["text"]), True
    if block["type"] == "resource_link":
        return str(block.get("uri", "")), True
    return f"[{block['type']} {block.get('mimeType', '')}]".replace(" ]", "]"), False
