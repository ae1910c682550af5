"""gtm record: record real tools to a cassette, or import a recording.

In front of an MCP server (a command or URL) or an HTTP API (`--to`), or from a file (`--import`). What is recorded is
an Episode file; `--cassette` of the other verbs plays it.
"""

import argparse
import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from gtm.cli import options
from gtm.cli.terminal import say, show_json
from gtm.errors import ConfigError, SpecError

if TYPE_CHECKING:
    from gtm.serve.options import ServeOptions
    from gtm.types import Toolset

SHOWN = 10
"""Reasons for what was left out that are said; --json has all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verb's options."""
    parser.add_argument("server", nargs="?", metavar="SERVER", help="URL or quoted command line of a real MCP server")
    parser.add_argument("--out", required=True, metavar="FILE", help="the cassette; an existing one is gone on with")
    parser.add_argument("--mcp", choices=("stdio", "http"), help="how a client reaches us (default: stdio)")
    parser.add_argument("--tools", metavar="FILE", help="also write the MCP server's tools/list there, as a SPEC")
    parser.add_argument("--spec", metavar="SPEC", help="for an HTTP API or an import: its tool definitions")
    parser.add_argument("--to", default="", metavar="URL", help="the HTTP API's address, as https://host/base")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8766, help="port to listen on (default: 8766; 0: a free one)")
    parser.add_argument("--import", dest="file", metavar="FILE", help="take over a VCR.py, HAR or OTLP JSON file")
    parser.add_argument("--format", choices=("auto", "vcr", "har", "otel"), default="auto", help="of that file")
    parser.add_argument(
        "--redact", action="append", default=[], metavar="FIELD", help="a further field whose values are secret"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    options.add_allow_exec(parser)


def run(arguments: argparse.Namespace) -> int:
    """Record until the client leaves or the command is interrupted, or import once."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    if arguments.file is not None:
        if arguments.server is not None:
            raise ConfigError(f"--import takes no server; leave {arguments.server!r} out")
        return _import(arguments)
    if arguments.to:
        if arguments.server is not None:
            raise ConfigError("give a SERVER (MCP) or --to (HTTP), not both")
        return _http(arguments)
    if arguments.server is None:
        raise ConfigError("there is nothing to record; give an MCP SERVER, --to URL with --spec, or --import FILE")
    return _mcp(arguments)


def _mcp(arguments: argparse.Namespace) -> int:
    from gtm.serve.record_mcp import Job, record_port, record_stdio
    from gtm.simulator.upstream import Target

    if arguments.spec is not None:
        raise ConfigError("an MCP server lists its tools itself; leave --spec out, or give --to for an HTTP API")
    job = Job(
        Target.of(arguments.server).server,
        Path(arguments.out),
        tuple(arguments.redact),
        Path(arguments.tools) if arguments.tools else None,
    )
    if arguments.mcp == "http":
        turns = record_port(job, _listening(arguments), lambda port: _ready(arguments, port, "/mcp"))
    elif arguments.json:
        raise ConfigError("stdio keeps stdout for the protocol; leave --json out, or use --mcp http")
    else:
        turns = record_stdio(job)
    _said(arguments, turns)
    return 0


def _http(arguments: argparse.Namespace) -> int:
    from gtm.serve.record_http import record_http

    chosen = _listening(arguments)
    turns, unmatched = record_http(
        arguments.to,
        _toolset(arguments),
        Path(arguments.out),
        chosen,
        lambda port: _ready(arguments, port, ""),
        redact=tuple(arguments.redact),
    )
    _said(arguments, turns)
    if unmatched:
        say(f"{sum(unmatched.values())} requests were forwarded but not recorded: the spec does not know them")
    return 0


def _import(arguments: argparse.Namespace) -> int:
    from gtm.serve.imports.read import import_recording

    done = asyncio.run(
        import_recording(
            Path(arguments.file),
            _toolset(arguments),
            Path(arguments.out),
            kind=arguments.format,
            to=arguments.to,
            redact=tuple(arguments.redact),
        )
    )
    left = sum(done.skipped.values())
    say(f"{done.matched} calls recorded to {arguments.out!r}, {left} left out")
    for reason, count in done.skipped.most_common(SHOWN):
        say(f"  {count} x {reason}")
    if arguments.json:
        show_json({"matched": done.matched, "skipped": dict(done.skipped)})
    if not done.matched:
        raise SpecError(
            f"nothing in {arguments.file!r} is of this spec; check --spec, or give the API's base as --to"
        )
    return 0


def _toolset(arguments: argparse.Namespace) -> "Toolset":
    from gtm.tools.load import load_toolset

    if arguments.spec is None:
        raise ConfigError("no tools can be made up from a recording; give their definitions as --spec SPEC")
    return load_toolset(arguments.spec, allow_exec=arguments.allow_exec)


def _listening(arguments: argparse.Namespace) -> "ServeOptions":
    from gtm.serve.options import ServeOptions

    return ServeOptions(host=arguments.host, port=arguments.port)


def _ready(arguments: argparse.Namespace, port: int, path: str) -> None:
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    url = f"http://{host}:{port}{path}"
    say(f"recording to {arguments.out!r}; point your client at {url} and stop with Ctrl-C")
    if arguments.json:
        show_json({"url": url, "port": port})


def _said(arguments: argparse.Namespace, turns: int) -> None:
    say(f"{turns} calls recorded to {arguments.out!r}")
