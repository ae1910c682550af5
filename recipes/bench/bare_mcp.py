"""The floor for MCP: the official SDK's low-level server with one tool that returns a constant. Argument: a port."""

import sys

import mcp_types as types
import uvicorn
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server

TOOL = types.Tool(
    name="constant",
    input_schema={"type": "object", "properties": {"id": {"type": "string"}}},
    output_schema={"type": "object", "properties": {"id": {"type": "string"}, "title": {"type": "string"}}},
)
ANSWER = {"id": "n1", "title": "A constant"}


async def list_tools(
    context: ServerRequestContext, params: types.PaginatedRequestParams | None
) -> types.ListToolsResult:
    return types.ListToolsResult(tools=[TOOL])


async def call_tool(context: ServerRequestContext, params: types.CallToolRequestParams) -> types.CallToolResult:
    content: list[types.ContentBlock] = [types.TextContent(text='{"id": "n1", "title": "A constant"}')]
    return types.CallToolResult(content=content, structured_content=ANSWER)


if __name__ == "__main__":
    server = Server(
        "bare", on_list_tools=list_tools, on_call_tool=call_tool, get_tool_input_schema=lambda name: TOOL.input_schema
    )
    app = server.streamable_http_app(json_response=True)
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
