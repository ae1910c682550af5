"""A paginating MCP server over stdio or HTTP, for the tests of live import.

`python mcp_server.py` speaks stdio; `python mcp_server.py PORT` serves http://127.0.0.1:PORT/mcp.
"""

import asyncio
import os
import sys

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

NAMES = ("add", "env", "sub")


async def list_tools(
    context: ServerRequestContext[dict[str, object]], params: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    """One tool a page; the one called `env` tells the names of the environment variables in its description."""
    index = int(params.cursor) if params and params.cursor else 0
    name = NAMES[index]
    description = " ".join(sorted(os.environ)) if name == "env" else name
    schema = {"type": "object", "properties": {"a": {"type": "number"}}, "required": ["a"]}
    hints = types.ToolAnnotations(read_only_hint=True)
    tool = types.Tool(name=name, description=description, input_schema=schema, annotations=hints)
    cursor = str(index + 1) if index + 1 < len(NAMES) else None
    return types.ListToolsResult(tools=[tool], next_cursor=cursor)


async def main() -> None:
    """Speak stdio until stdin closes."""
    async with stdio_server() as (reader, writer):
        await SERVER.run(reader, writer, SERVER.create_initialization_options())


SERVER = Server("calculator", version="1.2", on_list_tools=list_tools)

if __name__ == "__main__":
    if len(sys.argv) > 1:
        import uvicorn

        uvicorn.run(SERVER.streamable_http_app(), port=int(sys.argv[1]), log_level="error")
    else:
        asyncio.run(main())
