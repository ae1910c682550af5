"""Ask a running MCP server for its tools and print them as a `tools/list` result: a fixture, or an example.

python recipes/dump_mcp.py npx -y @modelcontextprotocol/server-filesystem . > filesystem.json
python recipes/dump_mcp.py https://example.com/mcp > example.json
"""

import json
import sys

from gtm.errors import GtmError
from gtm.tools.live import HttpServer, StdioServer, list_tools


def main(words: list[str]) -> int:
    """0 when the listing was printed, 2 when it could not be had."""
    if not words:
        print(__doc__, file=sys.stderr)
        return 2
    remote = words[0].startswith(("http://", "https://"))
    try:
        listing = list_tools(HttpServer(words[0]) if remote else StdioServer(words[0], tuple(words[1:])))
    except GtmError as error:
        print(error, file=sys.stderr)
        return 2
    server = {"name": listing.name, "version": listing.version}
    print(json.dumps({"serverInfo": server, "tools": listing.tools}, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
