"""A load generator in its own process: N keep-alive connections, one fixed request each, calls per second.

Raw sockets, so that it costs far less than what it measures. `--mcp` makes the request a `tools/call` of either
protocol era, else it is plain HTTP. Each connection names a session of its own, which only servers that have sessions
read. Prints one JSON line.
"""

import argparse
import asyncio
import json
import os
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

MODERN = "2026-07-28"
LEGACY = "2025-11-25"


@dataclass
class Tally:
    calls: int = 0
    errors: int = 0
    body: bytes = b""
    """The last answer, to look at."""


def http_request(url: str, method: str, body: bytes, headers: dict[str, str], session: str = "") -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}", "Accept: application/json, text/event-stream"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"X-GTM-Session: {session}"] if session else []
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def modern_call(url: str, tool: str, arguments: object, session: str) -> bytes:
    meta = {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "load", "version": "0"},
    }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": tool}
    return http_request(url, "POST", body, headers, session)


async def legacy_call(url: str, tool: str, arguments: object) -> bytes:
    """Open a session with the handshake; the call to repeat in it."""
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    info = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "load", "version": "0"}}
    hello = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": info}).encode()
    writer.write(http_request(url, "POST", hello, {}))
    head, _ = await answer(reader)
    session = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"mcp-session-id"))
    headers = {"MCP-Protocol-Version": LEGACY, "Mcp-Session-Id": session.decode()}
    ready = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
    writer.write(http_request(url, "POST", ready, headers))
    await answer(reader)
    writer.close()
    params = {"name": tool, "arguments": arguments}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    return http_request(url, "POST", body, headers)


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of one response."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    at = lower.find(b"content-length:")
    length = int(lower[at + 15 : lower.index(b"\r\n", at)]) if at >= 0 else 0
    return head, await reader.readexactly(length) if length else b""


async def connection(url: str, request: bytes, until: float, tally: Tally) -> None:
    reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
    while time.perf_counter() < until:
        writer.write(request)
        head, tally.body = await answer(reader)
        tally.calls += 1
        tally.errors += not head.startswith(b"HTTP/1.1 2") or b'"error":' in tally.body[:100]
    writer.close()


async def measure(options: argparse.Namespace) -> dict[str, object]:
    arguments = json.loads(options.arguments)
    names = [f"load-{os.getpid()}-{number}" for number in range(options.connections)]
    if options.mcp == "modern":
        requests = [modern_call(options.url, options.tool, arguments, name) for name in names]
    elif options.mcp == "legacy":
        requests = [await legacy_call(options.url, options.tool, arguments) for _ in range(options.connections)]
    else:
        requests = [http_request(options.url, options.method, options.body.encode(), {}, name) for name in names]
    for seconds in (options.warm_up, options.seconds):
        tally, began = Tally(), time.perf_counter()
        await asyncio.gather(*(connection(options.url, r, began + seconds, tally) for r in requests))
        elapsed = time.perf_counter() - began
    return {
        "calls_per_s": round(tally.calls / elapsed, 1),
        "calls": tally.calls,
        "errors": tally.errors,
        "connections": options.connections,
        "last": tally.body[:200].decode(errors="replace"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("url")
    parser.add_argument("--mcp", choices=["modern", "legacy"])
    parser.add_argument("--tool", default="constant")
    parser.add_argument("--arguments", default="{}")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--body", default="")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--warm-up", type=float, default=1)
    print(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
