"""What a real local MCP server takes to answer: p50 and p95 of some calls, one after the other, over stdio.

    measure_mcp.py NAME COMMAND TOOL ARGUMENTS [--calls 200]

`{n}` in the arguments becomes the call's number. Prints one JSON line, as `gtm/eval/real_latency.json` holds it. The
first call, which starts the server, does not count.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time

from gtm.simulator.upstream import Target
from gtm.simulator.upstream_mcp import McpUpstream


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("name")
    parser.add_argument("command")
    parser.add_argument("tool")
    parser.add_argument("arguments")
    parser.add_argument("--calls", type=int, default=200)
    options = parser.parse_args()
    took, failed = asyncio.run(measure(options))
    cuts = statistics.quantiles(took, n=20, method="inclusive")
    row = {"name": options.name, "tool": options.tool, "calls": len(took), "failed": failed}
    print(json.dumps({**row, "p50_ms": round(cuts[9] * 1000, 2), "p95_ms": round(cuts[18] * 1000, 2)}))
    return 1 if failed else 0


async def measure(options: argparse.Namespace) -> tuple[list[float], int]:
    """Seconds a call, and how many were errors."""
    upstream = McpUpstream(Target.of(options.command).server)
    took, failed = [], 0
    try:
        for number in range(options.calls + 1):
            arguments = json.loads(options.arguments.replace("{n}", str(number)))
            began = time.perf_counter()
            answer = await upstream.call_raw(options.tool, arguments)
            if number:
                took.append(time.perf_counter() - began)
                failed += bool(answer.is_error)
    finally:
        await upstream.aclose()
    return took, failed


if __name__ == "__main__":
    sys.exit(main())
