"""What an agent does: start a simulated MCP server over stdio, list its tools, call them.

python examples/mcp_client.py [MODEL]
"""

import asyncio
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters, stdio_client

MODEL = (sys.argv[1:] or ["gtm-135m"])[0]
SPEC = str(Path(__file__).parent / "specs" / "filesystem.mcp.json")
SERVER = ["-m", "gtm.cli.main", "serve", SPEC, "--mcp", "stdio", "--model", MODEL]


async def main() -> None:
    server = StdioServerParameters(command=sys.executable, args=SERVER)
    async with Client(stdio_client(server)) as client:
        tools = (await client.list_tools()).tools
        print(len(tools), "tools:", ", ".join(tool.name for tool in tools[:4]), "...")
        for name, arguments in (
            ("write_file", {"path": "/srv/a.txt", "content": "hello"}),
            ("read_file", {"path": "/srv/a.txt"}),
            ("read_file", {"path": "/srv/b.txt"}),
        ):
            result = await client.call_tool(name, arguments)
            print(
                name, "error" if result.is_error else "ok", [block.model_dump()["text"] for block in result.content]
            )


asyncio.run(main())
