"""A small real MCP server that keeps notes, for the tests of recording.

`python notes_server.py` speaks stdio; `python notes_server.py PORT` serves http://127.0.0.1:PORT/mcp.
"""

import asyncio
import json
import sys

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError

Context = ServerRequestContext[dict[str, object]]
NOTES: dict[str, dict[str, object]] = {}
NOTE: dict[str, object] = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "title": {"type": "string"}},
    "required": ["id", "title"],
}


def _tool(name: str, arguments: dict[str, object], output: dict[str, object] | None = None) -> types.Tool:
    schema = {"type": "object", "properties": arguments, "required": list(arguments)}
    return types.Tool(name=name, description=name, input_schema=schema, output_schema=output)


async def list_tools(context: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    """Three tools: structured answers, text answers, and one that is refused at the protocol's level."""
    text = {"type": "string"}
    return types.ListToolsResult(
        tools=[
            _tool("create_note", {"title": text, "api_key": text}, NOTE),
            _tool("get_note", {"id": text}),
            _tool("broken", {}),
        ]
    )


async def call_tool(context: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
    """Answer as a small server would."""
    arguments = params.arguments or {}
    if params.name == "create_note":
        note = {"id": f"n{len(NOTES) + 1}", "title": str(arguments["title"])}
        NOTES[str(note["id"])] = dict(note)
        return types.CallToolResult(
            content=[types.TextContent(text=json.dumps(note))], structured_content=note, is_error=False
        )
    if params.name == "get_note":
        found = NOTES.get(str(arguments["id"]))
        if found is None:
            return types.CallToolResult(content=[types.TextContent(text="no such note")], is_error=True)
        return types.CallToolResult(content=[types.TextContent(text=json.dumps(found, indent=2))])
    raise MCPError(types.INVALID_PARAMS, f"{params.name} is not available")


async def main() -> None:
    """Speak stdio until stdin closes."""
    async with stdio_server() as (reader, writer):
        await SERVER.run(reader, writer, SERVER.create_initialization_options())


SERVER = Server("notes", version="1.0", on_list_tools=list_tools, on_call_tool=call_tool)

if __name__ == "__main__":
    if len(sys.argv) > 1:
        import uvicorn

        uvicorn.run(SERVER.streamable_http_app(), port=int(sys.argv[1]), log_level="error")
    else:
        asyncio.run(main())
